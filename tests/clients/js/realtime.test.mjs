// The official client's realtime connection, sent to our server the documented way (guide: realtime).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fal, sleep } from "./connect.mjs";

const base = new URL(process.env.RUSHES_URL);
const Real = globalThis.WebSocket;
globalThis.WebSocket = class extends Real {
  constructor(url, protocols) {
    const asked = new URL(url);
    super(asked.host === "fal.run" ? `ws://${base.host}/run${asked.pathname}${asked.search}` : url, protocols);
  }
};

const PICTURE = `data:image/png;base64,${readFileSync(process.env.PICTURE).toString("base64")}`;

function connection(options = {}) {
  const results = [];
  const errors = [];
  const made = fal.realtime.connect("rushes/camera", {
    throttleInterval: 0,
    onResult: (one) => results.push(one),
    onError: (one) => errors.push(one),
    ...options,
  });
  return { ...made, results, errors };
}

async function until(done) {
  for (let tries = 0; tries < 500 && !done(); tries += 1) await sleep(20);
  assert.ok(done(), "it never came");
}

test("frames come back with their bytes, size and request id", async () => {
  const camera = connection();
  camera.send({ image_url: PICTURE, width: 320, height: 180, request_id: "first" });
  await until(() => camera.results.length === 1);
  const [frame] = camera.results;
  assert.equal(frame.request_id, "first");
  assert.deepEqual([frame.images[0].width, frame.images[0].height], [320, 180]);
  assert.ok(frame.images[0].content instanceof Uint8Array);
  assert.deepEqual([...frame.images[0].content.slice(0, 3)], [0xff, 0xd8, 0xff]);
  camera.send({ x: 0.5, output_format: "png" });
  await until(() => camera.results.length === 2);
  assert.deepEqual([...camera.results[1].images[0].content.slice(1, 4)], [...Buffer.from("PNG")]);
  assert.equal(typeof camera.results[1].request_id, "string");
  assert.deepEqual(camera.errors, []);
  camera.close();
});

test("a token provider on the newer route is enough", async () => {
  const tokenProvider = async (app) => {
    const answer = await fetch(new URL("/tokens/realtime", base), {
      method: "POST",
      headers: { authorization: `Key ${process.env.FAL_KEY}`, "content-type": "application/json" },
      body: JSON.stringify({ allowed_apps: [app], duration: 60 }),
    });
    return (await answer.json()).token;
  };
  const camera = connection({ tokenProvider, tokenExpirationSeconds: 60, maxBuffering: 3 });
  camera.send({ image_url: PICTURE });
  await until(() => camera.results.length === 1);
  camera.close();
});

test("a wrong input is an error with its reason, and the next send opens a new session", async () => {
  const camera = connection();
  camera.send({ image_url: PICTURE, x: 7 });
  await until(() => camera.errors.length === 1);
  assert.match(camera.errors[0].message, /^VALIDATION_ERROR: body\.x: /);
  assert.equal(camera.errors[0].status, 400);
  await sleep(200);
  camera.send({ image_url: PICTURE, x: 1 });
  await until(() => camera.results.length === 1);
  assert.equal(camera.errors.length, 1);
  camera.close();
});

test("text frames with JSON work too, and bytes in them are data URIs", async () => {
  const camera = connection({ encodeMessage: (input) => JSON.stringify(input) });
  camera.send({ image_url: PICTURE });
  await until(() => camera.results.length === 1);
  assert.match(camera.results[0].images[0].content, /^data:image\/jpeg;base64,/);
  camera.close();
});
