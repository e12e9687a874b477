// A program for fal, as anybody would write it: run, queue, stream, files.
import assert from "node:assert/strict";
import { fal } from "@fal-ai/client";

const ECHO = "rushes/echo";

assert.deepEqual((await fal.run(ECHO, { input: { payload: 1 } })).data, { payload: 1 });
assert.deepEqual((await fal.subscribe(ECHO, { input: { payload: 2 } })).data, { payload: 2 });
const streamed = await fal.subscribe(ECHO, { input: { payload: 3, steps: 2 }, mode: "streaming", logs: true });
assert.deepEqual(streamed.data, { payload: 3 });

const stream = await fal.stream(ECHO, { input: { payload: 4 } });
for await (const event of stream) assert.ok(event);
assert.deepEqual(await stream.done(), { payload: 4 });

const url = await fal.storage.upload(new Blob(["some bytes"], { type: "text/plain" }));
assert.equal(await (await fetch(url)).text(), "some bytes");
console.log(url);
console.log("all is well");
