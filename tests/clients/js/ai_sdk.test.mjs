// The Vercel AI SDK with its fal provider, unmodified: videos, pictures and speech, pointed here as docs/guide/clients/ai-sdk.md says.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { createFal } from "@ai-sdk/fal";
import { experimental_generateSpeech, experimental_generateVideo, experimental_transcribe, generateImage } from "ai";

const { FAL_KEY, PICTURE, RUSHES_URL } = process.env;
const seen = [];

const local = (url) =>
  String(url)
    .replace("https://queue.fal.run/", `${RUSHES_URL}/queue/`)
    .replace("https://fal.run/", `${RUSHES_URL}/run/`);
const withKey = (headers) => {
  const all = new Headers(headers);
  all.set("Authorization", `Key ${FAL_KEY}`);
  return all;
};
const toUs = async (url, options) => {
  const answer = await fetch(local(url), { ...options, headers: withKey(options?.headers) });
  seen.push([options?.method ?? "GET", local(url), answer.status]);
  return answer;
};
const fal = createFal({ apiKey: FAL_KEY, fetch: toUs });
const download = async ({ url }) => {
  const answer = await fetch(url);
  return {
    data: new Uint8Array(await answer.arrayBuffer()),
    mediaType: answer.headers.get("content-type") ?? undefined,
  };
};
const soon = { pollIntervalMs: 100 };
const PNG = [0x89, 0x50, 0x4e, 0x47];
const isFilm = (bytes) => Buffer.from(bytes.subarray(4, 8)).toString() === "ftyp";

test("a prompt becomes a video", async () => {
  const { video } = await experimental_generateVideo({
    model: fal.video("luma-dream-machine/ray-2"),
    prompt: "a slow pan over dunes",
    aspectRatio: "16:9",
    duration: 5,
    download,
    providerOptions: { fal: soon },
  });
  assert.ok(isFilm(video.uint8Array));
  assert.equal(video.mediaType, "video/mp4");
  assert.ok(seen.some(([method, , status]) => method === "GET" && status === 400), "it polled while it was in progress");
});

test("a picture becomes a video, and what the model tells is passed on", async () => {
  const { video, providerMetadata } = await experimental_generateVideo({
    model: fal.video("fal-ai/wan-i2v"),
    prompt: { image: await readFile(PICTURE), text: "a slow pan" },
    seed: 7,
    download,
    providerOptions: { fal: { ...soon, resolution: "480p", frames_per_second: 24 } },
  });
  assert.ok(isFilm(video.uint8Array));
  assert.equal(providerMetadata.fal.seed, 7);
});

test("a duration goes as '5s'; models that write it otherwise get theirs from providerOptions", async () => {
  const ask = (more, options) =>
    experimental_generateVideo({
      model: fal.video("kling-video/v1.6/standard/text-to-video"),
      prompt: "a slow pan",
      maxRetries: 0,
      download,
      providerOptions: { fal: { ...soon, ...options } },
      ...more,
    });
  // The provider waits for 2xx here and reads refusals as `error.message`; fal's own say `detail`, so only the reason is left.
  await assert.rejects(ask({ duration: 5 }), /Unprocessable/);
  const { video } = await ask({}, { duration: "5" });
  assert.ok(isFilm(video.uint8Array));
});

test("without a download function the SDK refuses this machine's own addresses", async () => {
  const promise = experimental_generateVideo({
    model: fal.video("luma-dream-machine"),
    prompt: "x",
    maxRetries: 0,
    providerOptions: { fal: soon },
  });
  await assert.rejects(promise, /download|blocked|private|localhost|loopback/i);
});

test("pictures come through the base URL", async () => {
  const images = createFal({ apiKey: FAL_KEY, baseURL: `${RUSHES_URL}/run` });
  const { images: made, warnings } = await generateImage({
    model: images.image("fal-ai/minimax/image-01"),
    prompt: "a lighthouse at dusk",
    n: 2,
    providerOptions: { fal: { aspect_ratio: "16:9" } },
  });
  assert.equal(made.length, 2);
  assert.deepEqual(warnings, []);
  for (const one of made) assert.match(one.mediaType, /^image\//);
  assert.notDeepEqual([...made[0].uint8Array.subarray(0, 4)], [0, 0, 0, 0]);
});

test("a subject picture goes along as image_url", async () => {
  const images = createFal({ apiKey: FAL_KEY, baseURL: `${RUSHES_URL}/run` });
  const { image } = await generateImage({
    model: images.image("fal-ai/minimax/image-01/subject-reference"),
    prompt: { images: [await readFile(PICTURE)], text: "at the sea" },
  });
  assert.ok(image.uint8Array.length > 100);
});

test("a picture that is refused says why", async () => {
  const images = createFal({ apiKey: FAL_KEY, baseURL: `${RUSHES_URL}/run` });
  const promise = generateImage({
    model: images.image("fal-ai/minimax/image-01"),
    prompt: "a lighthouse",
    maxRetries: 0,
    providerOptions: { fal: { aspect_ratio: "5:1" } },
  });
  await assert.rejects(promise, /aspect_ratio/);
});

test("text becomes speech", async () => {
  const { audio, warnings } = await experimental_generateSpeech({
    model: fal.speech("fal-ai/minimax/speech-02-hd"),
    text: "The tide is out.",
    providerOptions: { fal: { voice_setting: { voice_id: "Calm_Woman", speed: 1.1 } } },
  });
  assert.ok(audio.uint8Array.length > 1000);
  assert.match(audio.mediaType, /^audio\//);
  assert.deepEqual(warnings, []);
});

test("transcription has no endpoint here, and the answer says so", async () => {
  const promise = experimental_transcribe({
    model: fal.transcription("wizper"),
    audio: new Uint8Array(2000),
    maxRetries: 0,
  });
  await assert.rejects(promise, (error) => error.statusCode === 404);
});

test("a wrong key is refused once, without another try", async () => {
  const before = seen.length;
  const stranger = createFal({
    apiKey: "no:body",
    fetch: async (url, options) => {
      seen.push(["try"]);
      return fetch(local(url), options);
    },
  });
  const promise = experimental_generateVideo({ model: stranger.video("luma-dream-machine"), prompt: "x", download });
  await assert.rejects(promise, (error) => /401|Unauthorized/.test(`${error.statusCode} ${error.message}`));
  assert.equal(seen.length - before, 1);
});
