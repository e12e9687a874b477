// The documented way to point the official client at a server: through its proxy route, over plain http.
import { createFalClient } from "@fal-ai/client";

export const fal = createFalClient({
  credentials: process.env.FAL_KEY,
  proxyUrl: { url: process.env.RUSHES_URL + "/api/fal/proxy", when: "always" },
});

export const ECHO = "rushes/echo";
export const VIDEO = "fal-ai/wan-i2v";

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export async function until(status, requestId) {
  for (let tries = 0; tries < 200; tries += 1) {
    const now = await fal.queue.status(ECHO, { requestId });
    if (now.status === status) return now;
    await sleep(30);
  }
  throw new Error(`${requestId} never became ${status}`);
}
