/**
 * What a plan was made from, so far as whoever approves it must be able to rely on it. Names must
 * be the same when it begins; amounts may differ by less than half, and by what is next to nothing
 * beside the others. Compared, not hashed, because a value near the edge of any bucket would make
 * another state of nothing; the fingerprint that people see is a hash of what was kept. Pure.
 */
import type { Bound, PlanState } from "../model/action.ts";
import type { Plan } from "../model/action.ts";
import type { Problem, ProblemDetails } from "../model/problem.ts";
import { list, short } from "../base/text.ts";

/** From half as much again on it is another amount. */
const FACTOR = 1.5;

/** Differences below this share of the largest amount of the group are next to nothing. */
const SHARE = 0.1;

/**
 * The components that the problem names. Jobs come and go by themselves: their plan says which ones
 * it is bound to.
 */
function components(details: ProblemDetails): readonly string[] {
  switch (details.class) {
    case "hotspot_congestion":
      return details.partition_ids;
    case "centroid_skew":
      return details.indexes ?? [];
    case "replication_lag":
      return details.replica_ids;
    case "recall_loss":
    case "index_fragmentation":
      return details.index_ids;
    default:
      return [];
  }
}

export function planState(
  problem: Problem,
  plan: Plan,
  bound: Bound = { facts: {}, amounts: {} },
): PlanState {
  const facts: Record<string, readonly string[]> = {
    problem: [problem.details.class],
    components: components(problem.details),
    strategy: [plan.strategy],
    ...bound.facts,
  };
  return {
    facts: Object.fromEntries(
      Object.entries(facts).map(([name, values]) => [name, [...new Set(values)].sort()]),
    ),
    amounts: { rows: { planned: plan.rows }, ...bound.amounts },
  };
}

/**
 * In what two states differ, each in a few words; empty: they are the same for whoever approved the
 * first.
 */
export function differences(then: PlanState, now: PlanState): readonly string[] {
  return [
    ...factDifferences(then.facts, now.facts),
    ...amountDifferences(then.amounts, now.amounts),
  ];
}

const keysOf = (a: object, b: object): readonly string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();

function factDifferences(then: Bound["facts"], now: Bound["facts"]): string[] {
  return keysOf(then, now).flatMap((name) => {
    const [was, is] = [then[name] ?? [], now[name] ?? []];
    if (was.length === is.length && was.every((value) => is.includes(value))) return [];
    return [`${name}: ${list(was) || "none"} -> ${list(is) || "none"}`];
  });
}

function amountDifferences(then: Bound["amounts"], now: Bound["amounts"]): string[] {
  return keysOf(then, now).flatMap((group) => {
    const [was, is] = [then[group] ?? {}, now[group] ?? {}];
    const largest = Math.max(0, ...Object.values(was), ...Object.values(is));
    return keysOf(was, is).flatMap((name) => {
      const [a, b] = [was[name] ?? 0, is[name] ?? 0];
      const same = Math.abs(a - b) <= SHARE * largest || Math.max(a, b) < FACTOR * Math.min(a, b);
      return same ? [] : [`${group} ${name}: ${short(a)} -> ${short(b)}`];
    });
  });
}
