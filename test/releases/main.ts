/** npm run freeze: keeps the scripts of this version, which is about to be released. */
import { build } from "../../build/build.ts";
import { version } from "../../build/project.ts";
import { freeze } from "./scripts.ts";

await build();
console.log(await freeze(version));
