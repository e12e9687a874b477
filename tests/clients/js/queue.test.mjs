// The queue's words one by one, direct runs and uploads.
import assert from "node:assert/strict";
import { File } from "node:buffer";
import { test } from "node:test";
import { ECHO, fal, until } from "./connect.mjs";

test("submit, status and result", async () => {
  const { request_id: requestId, status } = await fal.queue.submit(ECHO, { input: { payload: "hi", sleep_s: 0.2 } });
  assert.equal(status, "IN_QUEUE");
  const done = await until("COMPLETED", requestId);
  assert.equal(done.request_id, requestId);
  const { data } = await fal.queue.result(ECHO, { requestId });
  assert.deepEqual(data, { payload: "hi" });
});

test("status without logs has none, with logs an array", async () => {
  const { requestId } = await fal.subscribe(ECHO, { input: { steps: 2 } });
  assert.equal((await fal.queue.status(ECHO, { requestId })).logs, null);
  const { logs } = await fal.queue.status(ECHO, { requestId, logs: true });
  assert.ok(logs.length >= 2);
  assert.ok(logs.every((line) => line.message && line.level && !Number.isNaN(Date.parse(line.timestamp))));
});

test("a running request is cancelled", async () => {
  const { request_id: requestId } = await fal.queue.submit(ECHO, { input: { sleep_s: 30, steps: 300 } });
  await until("IN_PROGRESS", requestId);
  await fal.queue.cancel(ECHO, { requestId });
  await until("COMPLETED", requestId);
  await assert.rejects(fal.queue.result(ECHO, { requestId }), (error) => error.status === 499);
});

test("subscribe in streaming mode sees every state and all logs", async () => {
  const seen = [];
  const { data } = await fal.subscribe(ECHO, {
    input: { payload: 1, sleep_s: 0.4, steps: 4 },
    mode: "streaming",
    logs: true,
    onQueueUpdate: (update) => seen.push(update),
  });
  assert.deepEqual(data, { payload: 1 });
  assert.equal(seen.at(-1).status, "COMPLETED");
  assert.ok(seen.some((update) => update.status === "IN_PROGRESS"));
  const messages = seen.flatMap((update) => update.logs ?? []).map((line) => line.message);
  assert.ok(messages.length >= 4);
});

test("a direct run returns data and a request id, also with an empty input", async () => {
  const result = await fal.run(ECHO, { input: { payload: [1, 2] } });
  assert.deepEqual(result.data, { payload: [1, 2] });
  assert.ok(result.requestId);
  assert.deepEqual((await fal.run(ECHO, {})).data, { payload: null });
});

test("a file beyond the multipart threshold comes back as it was", async () => {
  const bytes = new Uint8Array(90 * 1024 * 1024 + 1).fill(7);
  bytes[bytes.length - 1] = 9;
  const url = await fal.storage.upload(new File([bytes], "large.bin", { type: "application/octet-stream" }));
  const answer = await fetch(url);
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(bytes)));
});

test("an uploaded file comes back as it was, whatever its name", async () => {
  for (const name of ["plain.txt", "ünï näme+.txt"]) {
    const url = await fal.storage.upload(new File(["some bytes"], name, { type: "text/plain" }));
    const answer = await fetch(url);
    assert.equal(await answer.text(), "some bytes");
    assert.match(answer.headers.get("content-type"), /^text\/plain/);
  }
});
