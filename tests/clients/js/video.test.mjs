// A file in the input, queue updates with logs, and the film that comes out.
import assert from "node:assert/strict";
import { File } from "node:buffer";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fal, VIDEO } from "./connect.mjs";

test("a file in the input is uploaded and becomes a video", async () => {
  const picture = new File([await readFile(process.env.PICTURE)], "small.png", { type: "image/png" });
  const updates = [];
  const result = await fal.subscribe(VIDEO, {
    input: { prompt: "a slow pan", image_url: picture, resolution: "480p", frames_per_second: 24, seed: 7 },
    logs: true,
    onQueueUpdate: (update) => updates.push(update),
  });
  assert.match(result.requestId, /^[0-9a-f-]{36}$/);
  assert.equal(result.data.seed, 7);
  assert.equal(result.data.video.content_type, "video/mp4");

  const film = Buffer.from(await (await fetch(result.data.video.url)).arrayBuffer());
  assert.equal(film.subarray(4, 8).toString(), "ftyp");
  assert.equal(film.length, result.data.video.file_size);

  const last = updates.at(-1);
  assert.equal(last.status, "COMPLETED");
  const labels = last.logs.map((line) => line.labels?.progress).filter(Boolean).map(Number);
  assert.ok(labels.length > 3, "progress is logged");
  assert.deepEqual(labels, labels.toSorted((a, b) => a - b));
});
