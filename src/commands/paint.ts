/** How a verdict is meant, in colours. */
import pc from "./colours.ts";
import type { Tone } from "./status-data/headline.ts";

export const PAINT: Readonly<Record<Tone, (text: string) => string>> = {
  normal: pc.green,
  stress: pc.yellow,
  critical: pc.red,
  action: pc.cyan,
  unknown: pc.dim,
};
