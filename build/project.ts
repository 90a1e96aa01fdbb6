import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const version = (
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }
).version;

/** Versions that may be installed somewhere, oldest first: each can be brought up to this one. */
export const RELEASED: readonly string[] = ["0.1.0"];

/** The procedural languages served; the same bundle runs on both. */
export const LANGUAGES = ["plv8", "pljs"] as const;
export type Language = (typeof LANGUAGES)[number];
