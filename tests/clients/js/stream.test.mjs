// fal.stream, through the proxy route and as a browser with a token; and aborts, timeouts and messages of errors.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ApiError, createFalClient, ValidationError } from "@fal-ai/client";
import { ECHO, fal, sleep, until, VIDEO } from "./connect.mjs";

const PICTURE = `data:image/png;base64,${readFileSync(process.env.PICTURE).toString("base64")}`;
const FILM = { prompt: "a slow pan", image_url: PICTURE, resolution: "720p", num_frames: 100, seed: 7 };

// The client of a page in a browser: no key, calls to fal.run go to our server, and the token comes from the page's own.
const page = createFalClient({
  fetch: (url, init) => {
    const { pathname, search } = new URL(url);
    assert.ok(!("authorization" in (init.headers ?? {})), "a page has no key");
    return fetch(`${process.env.RUSHES_URL}/run${pathname}${search}`, init);
  },
});
const tokenProvider = async (app) => {
  const response = await fetch(`${process.env.RUSHES_URL}/tokens/`, {
    method: "POST",
    headers: { authorization: `Key ${process.env.FAL_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ allowed_apps: [app], token_expiration: 120 }),
  });
  return response.json();
};

async function collect(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

test("a film's stream shows progress and previews, and ends with what a run would answer", async () => {
  const stream = await fal.stream(VIDEO, { input: FILM });
  const events = await collect(stream);
  const last = await stream.done();
  assert.ok(last.video.url.endsWith(".mp4"));
  assert.deepEqual(events.at(-1), last);
  const parts = events.slice(0, -1);
  assert.ok(parts.every((part) => part.type === "progress"));
  const progress = parts.map((part) => part.progress).filter((value) => value !== undefined);
  assert.ok(progress.length > 0 && progress.at(-1) > 0, String(progress)); // a busy machine shows few of its steps
  const previews = parts.filter((part) => part.preview).map((part) => part.preview);
  assert.ok(previews.length > 0, "no preview came");
  assert.ok(previews.every((one) => one.url.startsWith("data:image/jpeg;base64,/9j/") && one.width <= 320));
});

test("an echo's stream ends with its output, also for an id that names the stream itself", async () => {
  for (const id of [ECHO, `${ECHO}/stream`]) {
    const stream = await fal.stream(id, { input: { payload: "❄ü", sleep_s: 0.2, steps: 4 } });
    assert.deepEqual(await stream.done(), { payload: "❄ü" });
    assert.match(stream.requestId, /^[0-9a-f-]{36}$/);
  }
});

test("a browser streams with a token for that endpoint", async () => {
  const options = { input: { payload: 1 }, connectionMode: "client", tokenProvider };
  assert.deepEqual(await (await page.stream(ECHO, options)).done(), { payload: 1 });
});

test("invalid input rejects the stream with a ValidationError before it begins", async () => {
  const stream = await fal.stream(VIDEO, { input: { image_url: PICTURE } });
  await assert.rejects(stream.done(), (error) => {
    assert.ok(error instanceof ValidationError);
    assert.equal(error.fieldErrors[0].type, "missing");
    return true;
  });
});

test("what fails later is the last event", async () => {
  const stream = await fal.stream(ECHO, { input: { sleep_s: 0.2, fail: "no_media_generated" } });
  const last = await stream.done();
  assert.equal(last.type, "error");
  assert.equal(last.error.status, 422);
  assert.equal(last.error.body.detail[0].type, "no_media_generated");
});

test("an aborted stream cancels its request", async () => {
  const stream = await fal.stream(ECHO, { input: { sleep_s: 30, steps: 300 } });
  for await (const part of stream) if (part.state === "IN_PROGRESS") break;
  const { requestId } = stream;
  stream.abort();
  const state = await until("COMPLETED", requestId);
  assert.match(state.error_type, /^client_/);
});

test("an aborted run is cancelled, and the next one is not held up by it", async () => {
  const away = new AbortController();
  const run = fal.run(ECHO, { input: { sleep_s: 30, steps: 300 }, abortSignal: away.signal });
  await sleep(300);
  away.abort();
  await assert.rejects(run);
  assert.deepEqual((await fal.run(ECHO, { input: { payload: 1 } })).data, { payload: 1 });
});

test("a timeout of subscribe cancels the request", async () => {
  const began = Date.now();
  let requestId;
  await assert.rejects(
    fal.subscribe(ECHO, {
      input: { sleep_s: 30, steps: 300 },
      timeout: 600,
      pollInterval: 100,
      onEnqueue: (id) => (requestId = id),
    }),
  );
  assert.ok(Date.now() - began < 10_000);
  assert.equal((await until("COMPLETED", requestId)).error_type, "client_cancelled");
});

test("a start deadline that passes is not tried again", async () => {
  const { request_id: blocker } = await fal.queue.submit(ECHO, { input: { sleep_s: 30, steps: 300 } });
  await until("IN_PROGRESS", blocker);
  const began = Date.now();
  await assert.rejects(fal.subscribe(ECHO, { input: {}, startTimeout: 2 }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.timeoutType], [504, "user"]);
    assert.deepEqual(error.body, { detail: "Request timed out", error_type: "request_timeout" });
    return true;
  });
  assert.ok(Date.now() - began < 8_000, "three more tries would take longer");
  await fal.queue.cancel(ECHO, { requestId: blocker });
});

test("a cancelled request's error says so in its body", async () => {
  const { request_id: requestId } = await fal.queue.submit(ECHO, { input: { sleep_s: 30, steps: 300 } });
  await fal.queue.cancel(ECHO, { requestId });
  await until("COMPLETED", requestId);
  await assert.rejects(fal.queue.result(ECHO, { requestId }), (error) => error.body.detail === "Request cancelled");
  await assert.rejects(fal.queue.cancel(ECHO, { requestId }), (error) => error.status === 400);
});

test("a submit sent again under its Idempotency-Key is the same request, also at the same moment", async () => {
  const headers = { "Idempotency-Key": `js-${Date.now()}` };
  const submits = Array.from({ length: 8 }, () => fal.queue.submit(ECHO, { input: { payload: 5 }, headers }));
  const ids = new Set((await Promise.all(submits)).map((one) => one.request_id));
  assert.equal(ids.size, 1);
  await assert.rejects(fal.queue.submit(ECHO, { input: { payload: 6 }, headers }), (error) => error.status === 422);
});
