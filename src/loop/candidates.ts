/** The strategies there are, as candidates for this problem, and the best of them. */
import { happens, happensTo, time } from "../base/flip.ts";
import { effectiveMode } from "../configuration/modes.ts";
import type { Problem } from "../model/problem.ts";
import type { Considered } from "../model/selection.ts";
import { WINDOW_DAYS } from "../learn/weights.ts";
import { type Learned, learnedWeights } from "../store/outcomes.ts";
import type { RefusalRecord } from "../store/refusals.ts";
import { type Candidate, selectStrategy } from "../select/select.ts";
import { suspensions } from "../select/suspensions.ts";
import { STRATEGIES } from "../strategies/registry.ts";
import type { Strategy } from "../strategies/strategy.ts";
import type { Situation } from "./wanted.ts";

/** A refusal, and what to type (of a guard's also the statement that lifts it). */
export type Refused = RefusalRecord & {
  readonly hint?: string;
  readonly lift?: string;
  /** Of a strategy that what is sick does not concern. */
  readonly beside?: true;
};

export interface Chosen {
  readonly chosen: Strategy | null;
  readonly considered: readonly Considered[];
}

/** What has become known of strategies while this evaluation went on. */
export interface PassedOver {
  /** Its plan came back empty, or foresees no gain. */
  readonly passed: ReadonlyMap<string, Refused>;
  /** Its plan is held: its mode lets it only watch. */
  readonly watched: ReadonlyMap<string, string>;
}

/** The one that was asked for, or the best that is left. */
export function choose(situation: Situation, over: PassedOver): Chosen {
  const { host, collection, problem, wanted } = situation;
  const learned = learnedWeights(host, collection, problem.details.class, WINDOW_DAYS);
  if (wanted.strategy) return askedFor(wanted.strategy, learned);
  const { chosen, considered } = selectStrategy(
    candidates(situation, learned, over),
    problem.details.class,
    {
      max_auto_heal_impact: collection.settings.max_auto_heal_impact,
      weights: Object.fromEntries(
        Object.entries(learned).map(([name, { weight }]) => [name, weight]),
      ),
    },
  );
  return { chosen: STRATEGIES.find(({ name }) => name === chosen) ?? null, considered };
}

const askedFor = (strategy: Strategy, learned: Learned): Chosen => ({
  chosen: strategy,
  considered: [
    {
      name: strategy.name,
      weight: learned[strategy.name]?.weight ?? 1,
      impact: strategy.impact,
      taken: true,
      reason_code: "chosen",
      reason: "asked for by name",
    },
  ],
});

function candidates(
  { host, collection, problem }: Situation,
  learned: Learned,
  { passed, watched }: PassedOver,
): Candidate[] {
  const { settings } = collection;
  const suspended = suspensions(host, collection, problem.details.class);
  return STRATEGIES.map((strategy): Candidate => {
    const refusal = passed.get(strategy.name);
    const weighed = learned[strategy.name];
    const held = watched.get(strategy.name);
    const { mode, setting } = effectiveMode(settings, strategy.name);
    return {
      ...strategy,
      applicable: strategy.applicable(collection),
      needs_approval:
        mode === "approve" || settings.require_approval_strategies.includes(strategy.name),
      ...(suspended[strategy.name] && { suspended: suspended[strategy.name]! }),
      ...(weighed && weighed.weight <= 0 && { explores: weighed }),
      ...(refusal &&
        (refusal.reason === "no_gain_foreseen"
          ? { no_gain: refusal.message }
          : { nothing_to_do: refusal.message })),
      ...(held !== undefined && { held }),
      // Where all are off the guard says so for all.
      ...(mode === "off" &&
        setting === "strategy_modes" && { mode_off: "its mode is off (strategy_modes)" }),
    };
  });
}

/**
 * Why there is none; of an INVALID index not that a vacuum finds nothing to do. One that rests
 * until a time is said before those that have nothing to do: it is what comes back by itself, and
 * what a person can have back now.
 */
export function withoutStrategy(
  problem: Problem,
  considered: readonly Considered[],
  passed: readonly Refused[],
): Refused {
  const handling = considered.filter(({ reason_code }) => reason_code !== "wrong_class");
  // Of those whose time comes by itself, the first to come.
  const [next] = handling
    .filter(({ until }) => until !== undefined)
    .sort((a, b) => a.until! - b.until!);
  if (!next && passed.length > 0) return passed.find(({ beside }) => !beside) ?? passed[0]!;
  const message = "no strategy may be used: " + handling.map(told).join(" ");
  if (next)
    return {
      reason: next.reason_code === "suspended" ? "oscillation" : "suspended",
      measured: next.name,
      flips: time(next.until!),
      message,
    };
  return {
    reason: "no_strategy",
    measured: problem.details.class,
    flips:
      handling.length > 0
        ? happens("one of the strategies becoming usable")
        : happensTo("strategy_handles", problem.details.class),
    message: handling.length > 0 ? message : `no strategy handles ${problem.details.class}`,
  };
}

/** A reason that can be lifted ends in the statement that does it, and that in a semicolon. */
const told = (
  { name, reason, lift }: Considered,
  place: number,
  { length }: readonly Considered[],
): string => `${name}: ${reason}${lift !== undefined || place === length - 1 ? "" : ";"}`;
