/** Which strategy is tried: the best of those that apply, by impact and learned weight. */
import type { Considered, SelectionReason } from "../model/selection.ts";
import type { ProblemClass } from "../model/problem.ts";
import { WINDOW_DAYS } from "../learn/weights.ts";
import { compareText, count, printable, short, utc } from "../base/text.ts";
import type { Suspension } from "./suspensions.ts";

/** What selection needs to know of a strategy. */
export interface StrategyInfo {
  readonly name: string;
  readonly handles: readonly ProblemClass[];
  /** 0 to 1, higher is more disruptive. */
  readonly impact: number;
  readonly reversible: boolean;
  readonly estimated_duration_seconds?: number;
}

export interface Candidate extends StrategyInfo {
  /** Whether it could act on this collection as it is now; otherwise why not. */
  readonly applicable: true | { readonly reason: string };
  /** The loop leaves it alone until then. */
  readonly suspended?: Suspension;
  /** Its plan was asked for and came back empty: why. */
  readonly nothing_to_do?: string;
  /** Its plan was asked for and would not pass its own verification: by how much. */
  readonly no_gain?: string;
  /**
   * Where its weight is 0: when it may be tried once again (seconds since 1970), and whether that
   * is now.
   */
  readonly explores?: { readonly from: number; readonly now: boolean; readonly outcomes: number };
  /** An action of it would wait for a human. */
  readonly needs_approval?: boolean;
  /**
   * The loop may not use it (mode off), or its plan was kept and it does not act (observe,
   * recommend): why.
   */
  readonly mode_off?: string;
  readonly held?: string;
}

export interface SelectionContext {
  readonly max_auto_heal_impact: number;
  /**
   * Learned weights by strategy name (for this problem's class, or overall); one that is missing
   * counts as 1.
   */
  readonly weights: Readonly<Record<string, number>>;
}

export interface Selection {
  /** Name of the strategy; null when none may be used. */
  readonly chosen: string | null;
  /** All candidates: the usable ones best first, then the others by name. */
  readonly considered: readonly Considered[];
}

/** Weight of a strategy nothing has been learned about. */
const UNLEARNED = 1;

function weightOf(weights: Readonly<Record<string, number>>, name: string): number {
  const weight = Object.prototype.hasOwnProperty.call(weights, name) ? weights[name] : undefined;
  return weight !== undefined && Number.isFinite(weight) ? weight : UNLEARNED;
}

type Ranked = Candidate & { readonly weight: number };

const waits = (candidate: Ranked): number => (candidate.needs_approval === true ? 1 : 0);

/**
 * Best first: highest weight, then those that can begin without a human (an action that waits for
 * approval holds up all others), then least impact, then name, so that the choice never depends on
 * the registry's order.
 */
const byPreference = (a: Ranked, b: Ranked): number =>
  b.weight - a.weight || waits(a) - waits(b) || a.impact - b.impact || compareText(a.name, b.name);

const SUSPENDED: Readonly<Record<Suspension["kind"], SelectionReason>> = {
  oscillation: "suspended",
  failures: "failed_recently",
  rejected: "rejected_recently",
  human_undo: "rejected_recently",
};

const judged = (
  candidate: Ranked,
  reason_code: SelectionReason,
  reason: string,
  until?: number,
  lift?: string,
): Considered => ({
  name: candidate.name,
  weight: candidate.weight,
  impact: candidate.impact,
  taken: reason_code === "chosen",
  reason_code,
  reason,
  ...(until !== undefined && { until }),
  ...(lift !== undefined && { lift }),
});

/** Why a candidate may not be used at all; null when it may. */
function ruledOut(
  candidate: Ranked,
  problem: ProblemClass,
  { max_auto_heal_impact: limit }: SelectionContext,
): Considered | null {
  if (!candidate.handles.includes(problem)) {
    const handles = candidate.handles.length > 0 ? candidate.handles.join(", ") : "nothing";
    return judged(candidate, "wrong_class", `handles ${handles}, not ${problem}`);
  }
  if (candidate.mode_off !== undefined)
    return judged(candidate, "mode_off", printable(candidate.mode_off, 400));
  // Written so that an impact that is no number is refused.
  if (!(candidate.impact <= limit)) {
    return judged(
      candidate,
      "impact_above_limit",
      `impact ${candidate.impact} is above max_auto_heal_impact ${limit}`,
    );
  }
  if (candidate.applicable !== true) {
    return judged(candidate, "not_applicable", printable(candidate.applicable.reason, 400));
  }
  if (candidate.suspended) {
    const { kind, until, reason, resume } = candidate.suspended;
    return judged(
      candidate,
      SUSPENDED[kind],
      `suspended until ${utc(until)}: ` +
        `${printable(reason, 300)}${resume === undefined ? "" : `; to lift that: ${resume}`}`,
      until,
      resume,
    );
  }
  if (candidate.weight <= 0 && !candidate.explores?.now) return worthless(candidate);
  if (candidate.nothing_to_do !== undefined)
    return judged(candidate, "nothing_to_do", printable(candidate.nothing_to_do, 400));
  if (candidate.no_gain !== undefined)
    return judged(candidate, "no_gain_foreseen", printable(candidate.no_gain, 400));
  if (candidate.held !== undefined)
    return judged(candidate, "held", printable(candidate.held, 400));
  return null;
}

/** Nothing it did for this class helped: what brings it back. */
function worthless(candidate: Ranked): Considered {
  const { explores, name } = candidate;
  const resume = `SELECT ruvector_healing_resume('${name}');`;
  const outcomes = explores
    ? `, after ${count(explores.outcomes, "outcome")} of which none counts as a success`
    : "";
  const again =
    explores && Number.isFinite(explores.from)
      ? `it is tried once again from ${utc(explores.from)} on (exploration_seconds), or`
      : "it comes back";
  return judged(
    candidate,
    "weight_zero",
    `its weight is 0${outcomes}: ${again} when those are older than ${WINDOW_DAYS} days, ` +
      `are judged otherwise (ruvector_healing_feedback), or after ${resume}`,
    explores?.from,
    resume,
  );
}

/** Why a usable candidate came after the best one. */
function outranked(candidate: Ranked, best: Ranked): Considered {
  if (candidate.weight < best.weight) {
    // Rounded only where the rounded weights still differ.
    const [own, other] = [short(candidate.weight), short(best.weight)];
    const weights =
      own === other ? `${candidate.weight} is below ${best.weight}` : `${own} is below ${other}`;
    return judged(candidate, "lower_weight", `weight ${weights} of ${best.name}`);
  }
  if (waits(candidate) > waits(best)) {
    return judged(
      candidate,
      "needs_approval",
      `same weight as ${best.name}, which needs no approval`,
    );
  }
  if (candidate.impact > best.impact) {
    return judged(
      candidate,
      "higher_impact",
      `same weight as ${best.name}, but impact ${candidate.impact} is above its ${best.impact}`,
    );
  }
  return judged(
    candidate,
    "later_name",
    `same weight and impact as ${best.name}, which comes first by name`,
  );
}

/**
 * Selects the strategy for a problem: of those that handle its class, stay within the allowed
 * impact, are applicable now and are neither suspended nor of weight 0, the one with the highest
 * learned weight; ties go to those that need no approval, then to the least impact, then to the
 * name.
 */
export function selectStrategy(
  candidates: readonly Candidate[],
  problem: ProblemClass,
  context: SelectionContext,
): Selection {
  const usable: Ranked[] = [];
  const refused: Considered[] = [];
  for (const candidate of candidates) {
    const ranked: Ranked = { ...candidate, weight: weightOf(context.weights, candidate.name) };
    const refusal = ruledOut(ranked, problem, context);
    if (refusal) refused.push(refusal);
    else usable.push(ranked);
  }
  usable.sort(byPreference);
  refused.sort((a, b) => compareText(a.name, b.name));

  const best = usable[0];
  if (!best) return { chosen: null, considered: refused };
  const winner = judged(
    best,
    "chosen",
    best.weight > 0
      ? `highest weight (${short(best.weight)}) of ${usable.length} that may be used`
      : "its weight is 0, and no other may be used: tried once again, because its last outcome " +
          "is older than exploration_seconds or it was resumed",
  );
  return {
    chosen: best.name,
    considered: [
      winner,
      ...usable.slice(1).map((candidate) => outranked(candidate, best)),
      ...refused,
    ],
  };
}
