/** What the findings of each class of problem have in common: figures, names, order. */
import type { Metrics, ProblemDetails } from "../model/problem.ts";
import { DEFAULT_CURVES, HEALTH_FLOOR } from "../graph/health.ts";
import type { WitnessEdge } from "../model/graph.ts";
import { compareText } from "../base/text.ts";
import type { Label } from "../graph/labels.ts";

/**
 * Where the curves call a figure fine: as the sample says, else the default (samples of older
 * versions, pushed graphs).
 */
export const fineOf = ({ fine }: Metrics, figure: "partition_load" | "recall"): number =>
  fine?.[figure] ?? DEFAULT_CURVES[figure].fine;

/** From where on they call it a problem, likewise. */
export const stressOf = ({ stress }: Metrics, figure: "memory_pct" | "fragmentation_pct"): number =>
  stress?.[figure] ?? DEFAULT_CURVES[figure].stress;

/** Two decimals: recall is a figure between 0 and 1 that people compare. */
export const figures = (value: number): string => String(Number(value.toFixed(2)));

export interface Findings {
  readonly witness: readonly WitnessEdge[];
  readonly weak: readonly WitnessEdge[];
  readonly metrics: Metrics;
  readonly label: Label;
}

export interface Finding {
  readonly details: ProblemDetails;
  readonly summary: string;
}

export { capitalized } from "../base/text.ts";

/** "keeps" for one subject, "keep" for more. */
export const verb = (n: number, singular: string, plural: string): string =>
  n === 1 ? singular : plural;

export const measured = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;

/** Reads a figure by node id; ids come from outside and may be called "constructor". */
export const figure = (figures: Readonly<Record<string, number>>, id: string): number | null =>
  Object.prototype.hasOwnProperty.call(figures, id) ? measured(figures[id]) : null;

/** Highest of the figures that are known; null when none is. */
export function highest(ids: readonly string[], of: (id: string) => number | null): number | null {
  let best: number | null = null;
  for (const id of ids) {
    const value = of(id);
    if (value !== null && (best === null || value > best)) best = value;
  }
  return best;
}

/** Highest figure first, unknown ones last, then by id. */
export const ranked = (
  ids: readonly string[],
  of: (id: string) => number | null,
): readonly string[] =>
  [...ids].sort((a, b) => {
    const left = of(a) ?? Number.NEGATIVE_INFINITY;
    const right = of(b) ?? Number.NEGATIVE_INFINITY;
    if (left === right) return compareText(a, b);
    return right > left ? 1 : -1;
  });

/** A ratio where none was measured: the inverse of what is left of the links, 1 to 100. */
export const inverseHealth = (health: number): number => 1 / Math.max(health, HEALTH_FLOOR);
