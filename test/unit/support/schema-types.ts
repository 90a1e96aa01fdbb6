/** Types of the bundle's zod schemas, as a caller's documents have them. */
import type * as z from "zod/mini";
import type { METRICS } from "../../../src/sense/report.ts";

/** Whether something is readonly is no difference between two documents. */
export type Mutable<T> = T extends readonly (infer One)[]
  ? Mutable<One>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T;

export type PushedMetricsInput = Mutable<z.output<z.ZodMiniObject<typeof METRICS>>>;
