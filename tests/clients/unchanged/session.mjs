// A realtime session: one picture, one look at it.
import { readFileSync } from "node:fs";
import { fal } from "@fal-ai/client";

const picture = `data:image/png;base64,${readFileSync(process.argv[2]).toString("base64")}`;
const frame = await new Promise((resolve, reject) => {
  const camera = fal.realtime.connect("rushes/camera", {
    onResult: (result) => {
      camera.close();
      resolve(result.images[0]);
    },
    onError: reject,
  });
  camera.send({ image_url: picture });
});
console.log(`${frame.width}x${frame.height}`);
