// The AI SDK as its own documentation uses it, in a process that `rushes env` redirects (Node 24).
import assert from "node:assert/strict";
import { test } from "node:test";
import { fal } from "@ai-sdk/fal";
import { experimental_generateSpeech, experimental_generateVideo, generateImage } from "ai";

// The one thing that has to be said: the SDK's own download refuses addresses of one's own machine.
const download = async ({ url }) => {
  const answer = await fetch(url);
  return { data: new Uint8Array(await answer.arrayBuffer()), mediaType: "video/mp4" };
};

test("a video", async () => {
  const { video } = await experimental_generateVideo({
    model: fal.video("luma-dream-machine"),
    prompt: "a slow pan",
    download,
    providerOptions: { fal: { pollIntervalMs: 100 } },
  });
  assert.equal(Buffer.from(video.uint8Array.subarray(4, 8)).toString(), "ftyp");
});

test("a picture and speech", async () => {
  const { image } = await generateImage({ model: fal.image("fal-ai/minimax/image-01"), prompt: "a lighthouse" });
  assert.match(image.mediaType, /^image\//);
  const { audio } = await experimental_generateSpeech({
    model: fal.speech("fal-ai/minimax/speech-02-hd"),
    text: "The tide is out.",
  });
  assert.ok(audio.uint8Array.length > 1000);
});
