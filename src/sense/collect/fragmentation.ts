/** How fragmented the collection's indexes are. */
import type { Measured } from "../snapshot.ts";
import { pushHint } from "./gap.ts";

export interface IndexMeasurement {
  /** `schema.name`, quoted. */
  readonly index: string;
  readonly bytes: number;
  /** null: not measured. */
  readonly fragmentation_pct: number | null;
}

export function measureFragmentation(): Measured<readonly IndexMeasurement[]> {
  return {
    value: [],
    unmeasured: [{ what: "index fragmentation", why: "no collector measures it yet", hint: pushHint("index_fragmentation_pct") }],
  };
}
