/** The checkout, and the install scripts made from it. */
import { fileURLToPath } from "node:url";

export { build, installScript, type Language } from "../commands/install-script.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));
