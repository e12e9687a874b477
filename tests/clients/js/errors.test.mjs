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

// What the client makes of each shape: a 422 is a ValidationError, everything else an ApiError; the body is as it came.
const SHAPES = {
  image_too_small: { status: 422 },
  internal_server_error: { status: 500 },
  runner_server_error: { status: 500, request: true },
  startup_timeout: { status: 504, request: true }, // the client asks three more times, which takes 7 s
  bad_request: { status: 400, request: true },
};

for (const [type, { status, request }] of Object.entries(SHAPES)) {
  test(`${type} is ${status === 422 ? "a ValidationError" : "an ApiError"} with its status and body`, async () => {
    const options = { input: { fail: type }, headers: { "x-fal-no-retry": "1" } };
    const { request_id: requestId } = await fal.queue.submit(ECHO, options);
    await fal.queue.subscribeToStatus(ECHO, { requestId });
    await assert.rejects(fal.queue.result(ECHO, { requestId }), (error) => {
      assert.equal(error instanceof ValidationError, status === 422);
      assert.ok(error instanceof ApiError);
      assert.equal(error.status, status);
      assert.equal(error.requestId, requestId);
      if (request) assert.deepEqual(Object.keys(error.body), ["detail", "error_type"]);
      else assert.deepEqual(Object.keys(error.body), ["detail"]);
      assert.equal(request ? error.body.error_type : error.body.detail[0].type, type);
      assert.ok(!error.timeoutType);
      return true;
    });
  });
}
