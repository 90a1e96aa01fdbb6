/** What several guards say or ask. */
import { sqlLiteral } from "../../base/text.ts";

/** The statement that says what stands in the way, and what could be run by hand. */
export const explain = (collection: string): string =>
  `SELECT ruvector_healing_explain(${sqlLiteral(collection)});`;

/**
 * Whether a stamp lies less than `window` seconds back. One that lies further ahead than that comes
 * from a clock that was set back since, and must not block for as long as the clock needs to catch
 * up.
 */
export const within = (now: number, stamp: number, window: number): boolean =>
  Math.abs(now - stamp) < window;
