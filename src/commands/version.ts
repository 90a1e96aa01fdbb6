/**
 * The package's version, put in when the commands are bundled; from the checkout it is read there.
 */
import { readFileSync } from "node:fs";

declare const RUVECTOR_HEALING_VERSION: string | undefined;

export const VERSION: string =
  typeof RUVECTOR_HEALING_VERSION === "string"
    ? RUVECTOR_HEALING_VERSION
    : (
        JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
          version: string;
        }
      ).version;
