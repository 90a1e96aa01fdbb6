/** Memory: how much of it the collection's working set takes, and who takes most. */
import type { Measured } from "../snapshot.ts";
import { pushHint } from "./gap.ts";

export interface MemoryMeasurement {
  /** null: not measured. */
  readonly usage_pct: number | null;
  /** Largest first. */
  readonly consumers: readonly { readonly name: string; readonly bytes: number }[];
}

export function measureMemory(): Measured<MemoryMeasurement> {
  return {
    value: { usage_pct: null, consumers: [] },
    unmeasured: [{ what: "memory use", why: "no collector measures it yet", hint: pushHint("memory_usage_pct") }],
  };
}
