// How refusals look to a JavaScript caller.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, createFalClient, ValidationError } from "@fal-ai/client";
import { ECHO, fal, VIDEO } from "./connect.mjs";

test("a missing field is a ValidationError that names it", async () => {
  await assert.rejects(fal.subscribe(VIDEO, { input: { image_url: "https://example.com/a.png" } }), (error) => {
    assert.ok(error instanceof ValidationError);
    assert.equal(error.status, 422);
    assert.deepEqual(error.fieldErrors.map((one) => [one.loc, one.type]), [[["body", "prompt"], "missing"]]);
    assert.equal(error.getFieldErrors("prompt").length, 1);
    return true;
  });
});

test("an unknown endpoint is an ApiError with 404", async () => {
  await assert.rejects(fal.subscribe("fal-ai/nothing-like-it", { input: {} }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 404);
    assert.equal(typeof error.body.detail, "string");
    return true;
  });
});

test("a wrong key is an ApiError with 401", async () => {
  const url = process.env.RUSHES_URL + "/api/fal/proxy";
  const stranger = createFalClient({ credentials: "no:body", proxyUrl: { url, when: "always" } });
  await assert.rejects(stranger.queue.submit(ECHO, { input: {} }), (error) => {
    assert.equal(error.status, 401);
    assert.equal(error.body.detail, "No user found for Key ID and Secret");
    return true;
  });
});

test("a failing model rejects subscribe with the model's own error and the request's id", async () => {
  await assert.rejects(fal.subscribe(ECHO, { input: { fail: "content_policy_violation" } }), (error) => {
    assert.ok(error instanceof ValidationError);
    assert.equal(error.fieldErrors[0].type, "content_policy_violation");
    assert.ok(error.requestId);
    return true;
  });
});
