// @fal-ai/server-proxy as it comes, without a word about this server, in a process that `rushes env` redirects (Node 24).
import assert from "node:assert/strict";
import { File } from "node:buffer";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { createFalClient } from "@fal-ai/client";
import { createHandler, route } from "@fal-ai/server-proxy/express";
import express from "express";

let server, fal;

before(async () => {
  const app = express();
  app.use(route, express.json(), createHandler({ allowUnauthorizedRequests: true }));
  await new Promise((done) => (server = app.listen(0, "127.0.0.1", done)));
  const url = `http://127.0.0.1:${server.address().port}${route}`;
  fal = createFalClient({ credentials: () => undefined, proxyUrl: { url, when: "always" } });
});
after(() => server.close());

test("subscribe with an upload, through the proxy's own list of allowed addresses", async () => {
  const picture = new File([await readFile(process.env.PICTURE)], "small.png", { type: "image/png" });
  const { data } = await fal.subscribe("fal-ai/wan-i2v", {
    input: { prompt: "a slow pan", image_url: picture, resolution: "480p", frames_per_second: 24 },
  });
  const film = new Uint8Array(await (await fetch(data.video.url)).arrayBuffer());
  assert.equal(film.length, data.video.file_size);
});
