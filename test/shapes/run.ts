/** The day, then the faults, and what is to be true of each shape. */
import { liveOneDay } from "./day.ts";
import { causeFaults, type FaultSeen } from "./faults.ts";
import { readShapes } from "./shape.ts";
import { makeWorld, type Place } from "./world.ts";
import type { Seen } from "./watch.ts";

/** Never below it: stress begins at 0.8, and between is room for what a measurement wavers. */
export const HEALTHY = 0.9;

/** What it may be called. */
const WELL: readonly string[] = ["healthy"];

export interface ShapeResult {
  readonly shape: string;
  readonly rows: number;
  readonly lowest_lambda: number | null;
  readonly why: string | null;
  readonly verdicts: readonly string[];
  readonly actions: readonly string[];
  readonly refusals: readonly string[];
  readonly unmeasured: readonly string[];
  readonly errors: readonly string[];
  /** null: it was not looked at here. */
  readonly fault: FaultSeen | null;
  readonly ok: boolean;
  /** What is not as it should be; or why it could not be tried. */
  readonly problems: readonly string[];
  readonly skipped: boolean;
}

export interface RunOptions {
  readonly name: string;
  readonly hours: number;
  readonly ticksPerHour: number;
  /** some: a few shapes of each kind of fault that takes its time. */
  readonly faults: "all" | "some" | "none";
  readonly replicas: number;
  readonly keep?: boolean;
  readonly only?: readonly string[];
  readonly log: (line: string) => void;
}

export async function runShapes(options: RunOptions): Promise<ShapeResult[]> {
  const { name, replicas, log, only = [] } = options;
  const shapes = readShapes(only);
  const began = Date.now();
  const world = await makeWorld({ name, shapes, replicas, log });
  try {
    log(`${world.places.length} shapes made in ${((Date.now() - began) / 1000).toFixed(1)} s`);
    const seen = await liveOneDay(world, options);
    const faults =
      options.faults === "none"
        ? new Map<string, FaultSeen>()
        : await causeFaults(world, options.faults, log);
    return world.places.map((place) =>
      judged(place, seen.get(place.shape.name)!, faults.get(place.shape.name) ?? null),
    );
  } finally {
    if (options.keep !== true) await world.close();
  }
}

function judged(place: Place, seen: Seen, fault: FaultSeen | null): ShapeResult {
  const { shape, rows, absent } = place;
  const skipped = absent !== null && shape.refused === null;
  const problems: string[] = [];
  if (place.id !== null) {
    if (seen.lowest === null) problems.push("lambda was not measured");
    else if (seen.lowest < HEALTHY)
      problems.push(`lambda fell to ${seen.lowest.toFixed(2)} ${seen.why}`);
    const ill = [...seen.verdicts].filter((verdict) => !WELL.includes(verdict));
    if (ill.length > 0) problems.push(`called ${ill.join(", ")}`);
    if (seen.actions.length > 0) problems.push(`acted upon: ${seen.actions.join(", ")}`);
    for (const error of seen.errors) problems.push(`the application met ${error}`);
    if (fault && !fault.named)
      problems.push(
        `with a true fault: ${fault.class ?? "nothing"} instead of ${shape.fault!.class} ` +
          `(lambda ${fault.lambda?.toFixed(2) ?? "unknown"}; ${fault.why})`,
      );
  }
  return {
    shape: shape.name,
    rows,
    lowest_lambda: seen.lowest,
    why: seen.why,
    verdicts: [...seen.verdicts],
    actions: seen.actions,
    refusals: [...seen.refusals],
    unmeasured: [...seen.unmeasured],
    errors: [...seen.errors],
    fault,
    ok: problems.length === 0,
    problems: skipped ? [absent] : problems,
    skipped,
  };
}
