// @fal-ai/server-proxy, unmodified, between the official client and this server: Express and Next's app router (protocol 2.2).
import assert from "node:assert/strict";
import { File } from "node:buffer";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { createFalClient, ValidationError } from "@fal-ai/client";
import { createHandler } from "@fal-ai/server-proxy/express";
import { createRouteHandler } from "@fal-ai/server-proxy/nextjs";
import express from "express";

const { NextRequest } = createRequire(import.meta.url)("next/server");

const { PICTURE, RUSHES_URL } = process.env;
const ECHO = "rushes/echo";
const PREFIXES = { "fal.run": "/run", "queue.fal.run": "/queue", "rest.fal.ai": "/rest" };
const config = {
  allowedUrlPatterns: [`${new URL(RUSHES_URL).host}/**`],
  allowUnauthorizedRequests: true, // who may use the proxy is the application's own business
};

const toLocal = (url) => {
  const { host, pathname, search } = new URL(url);
  return host in PREFIXES ? RUSHES_URL + PREFIXES[host] + pathname + search : url;
};

// A browser's client: it has no key, rewrites fal's addresses and hands everything to the proxy.
const browser = (url) =>
  createFalClient({
    credentials: () => undefined,
    proxyUrl: { url, when: "always" },
    requestMiddleware: async (request) => ({ ...request, url: toLocal(request.url) }),
  });

const listen = (handler) =>
  new Promise((done) => {
    const server = createServer(handler);
    server.listen(0, "127.0.0.1", () => done(server));
  });

const keysSeen = [];

function expressApp() {
  const app = express();
  app.use((request, _response, next) => {
    keysSeen.push(request.headers.authorization);
    next();
  });
  app.use("/api/fal/proxy", express.json({ limit: "50mb" }), createHandler(config));
  return app;
}

function nextApp() {
  const route = createRouteHandler(config);
  return async (request, response) => {
    keysSeen.push(request.headers.authorization);
    const body = ["GET", "HEAD"].includes(request.method) ? undefined : Readable.toWeb(request);
    const asked = new NextRequest(`http://${request.headers.host}${request.url}`, {
      method: request.method,
      headers: request.headers,
      body,
      duplex: "half",
    });
    const answer = await route[request.method](asked);
    response.writeHead(answer.status, Object.fromEntries(answer.headers.entries()));
    if (answer.body) Readable.fromWeb(answer.body).pipe(response);
    else response.end();
  };
}

for (const [name, app] of [["Express", expressApp()], ["the app router", nextApp()]]) {
  describe(name, () => {
    let server, url, fal;

    before(async () => {
      server = await listen(app);
      url = `http://127.0.0.1:${server.address().port}/api/fal/proxy`;
      fal = browser(url);
    });
    after(() => server.close());

    test("subscribe, with logs and without a key of the browser's own", async () => {
      const updates = [];
      const { data, requestId } = await fal.subscribe(ECHO, {
        input: { payload: "hi", sleep_s: 0.1, steps: 2 },
        logs: true,
        onQueueUpdate: (update) => updates.push(update),
      });
      assert.deepEqual(data, { payload: "hi" });
      assert.match(requestId, /^[0-9a-f-]{36}$/);
      assert.ok(updates.at(-1).logs.length >= 2);
      assert.deepEqual([...new Set(keysSeen)], [undefined]);
    });

    test("subscribe in streaming mode", async () => {
      const updates = [];
      const { data } = await fal.subscribe(ECHO, {
        input: { payload: 1, sleep_s: 0.4, steps: 4 },
        mode: "streaming",
        onQueueUpdate: (update) => updates.push(update.status),
      });
      assert.deepEqual(data, { payload: 1 });
      assert.ok(updates.includes("IN_PROGRESS"));
    });

    test("a stream of a run, its last event being the result", async () => {
      const stream = await fal.stream("fal-ai/wan-i2v", {
        input: {
          prompt: "a slow pan",
          image_url: `data:image/png;base64,${(await readFile(PICTURE)).toString("base64")}`,
          resolution: "480p",
          frames_per_second: 24,
        },
      });
      const events = [];
      for await (const event of stream) events.push(event);
      assert.ok(events.length > 1);
      assert.deepEqual(await stream.done(), events.at(-1));
      assert.equal(events.at(-1).video.content_type, "video/mp4");
    });

    test("run and cancel", async () => {
      assert.deepEqual((await fal.run(ECHO, { input: { payload: [1] } })).data, { payload: [1] });
      const { request_id: requestId } = await fal.queue.submit(ECHO, { input: { sleep_s: 20, steps: 200 } });
      await fal.queue.cancel(ECHO, { requestId });
      for (let status; status !== "COMPLETED"; ) status = (await fal.queue.status(ECHO, { requestId })).status;
    });

    test("an upload, whose bytes go past the proxy, becomes a video", async () => {
      const bytes = await readFile(PICTURE);
      const { data } = await fal.subscribe("fal-ai/wan-i2v", {
        input: {
          prompt: "a slow pan",
          image_url: new File([bytes], "small.png", { type: "image/png" }),
          resolution: "480p",
          frames_per_second: 24,
        },
      });
      const film = new Uint8Array(await (await fetch(data.video.url)).arrayBuffer());
      assert.equal(film.length, data.video.file_size);
      const own = await fal.storage.upload(new File([bytes], "again.png", { type: "image/png" }));
      assert.ok(Buffer.from(await (await fetch(own)).arrayBuffer()).equals(bytes));
    });

    test("what the patterns don't name is refused, and asked of nobody", async () => {
      for (const target of ["https://queue.fal.run/rushes/echo", "http://127.0.0.1:9/x"]) {
        const answer = await fetch(url, { method: "POST", headers: { "x-fal-target-url": target }, body: "{}" });
        assert.equal(answer.status, 400);
        assert.equal(await answer.json(), "Invalid request");
      }
    });

    test(`a wrong input is ${name === "Express" ? "a 200 with the error in it, which is the adapter's doing" : "a ValidationError"}`, async () => {
      const asked = fal.run("fal-ai/wan-i2v", { input: { image_url: "https://example.com/a.png" } });
      if (name === "Express") assert.equal((await asked).data.detail[0].type, "missing");
      else await assert.rejects(asked, (error) => error instanceof ValidationError && error.status === 422);
    });
  });
}
