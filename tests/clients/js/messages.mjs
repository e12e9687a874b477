// Prints the text of one error of each shape, as a JavaScript caller shows it.
import { ECHO, fal } from "./connect.mjs";

for (const options of [{ input: { fail: "image_too_small" } }, { input: { fail: "runner_server_error" } }, { input: { steps: 0 } }])
  await fal.run(ECHO, options).catch((error) => console.log(error.message));
