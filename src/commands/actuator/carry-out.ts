/**
 * One request: to so many replicas, from so many. It may be begun by one process and ended by
 * another, and two may believe for a moment that it is theirs; so the count is read, then the claim
 * is looked at, then it is scaled on condition that nothing changed since the count was read.
 * Whoever scaled meanwhile makes the condition fail. Nothing is scaled twice, and what somebody
 * else wanted is left alone.
 */
import { type Deadline, DeadlinePassed, monotonic } from "./clock.ts";
import type { Workload } from "./workload.ts";

export interface Wanted {
  readonly replicas: number;
  readonly previous: number;
}

export interface Outcome {
  readonly ok: boolean;
  /** The answer: {"replicas", "ready", "error", "left_alone"}. */
  readonly answer: Readonly<Record<string, unknown>>;
}

/** The request is not this process's any more, or is to be given up. */
export class GivenUp extends Error {
  override readonly name = "GivenUp";
  /** @param answered whether the database still waits for the word that it was given up */
  constructor(
    message: string,
    readonly answered = false,
  ) {
    super(message);
  }
}

/**
 * A claim lasts 10 s at least: a word older than this (the process was stopped, the machine slept)
 * is asked for anew.
 */
const CLAIM_SECONDS = 4;

export interface Carrying {
  readonly workload: Workload;
  readonly wanted: Wanted;
  readonly maxReplicas: number;
  readonly deadline: Deadline;
  /**
   * Asks the database whether the request is still this process's, telling it the count. Returns
   * when it asked, by the monotonic clock.
   * @throws GivenUp
   */
  claim(replicas: number): Promise<number>;
  scaled(from: number, to: number): void;
  /** Seconds between two looks at whether they are ready. */
  readonly lookEvery: number;
}

const replicas = (count: number): string => `${count} ${count === 1 ? "replica" : "replicas"}`;

const leftAlone = (found: number, { replicas: to, previous }: Wanted): Outcome => ({
  ok: false,
  answer: {
    error:
      `it has ${replicas(found)}, neither ${previous} nor ${to}: somebody else scaled it, and ` +
      "that is left alone",
    replicas: found,
    left_alone: true,
  },
});

export async function carryOut(carrying: Carrying): Promise<Outcome> {
  return (await toWanted(carrying)) ?? untilReady(carrying);
}

/** null: the wanted count is set. */
async function toWanted({
  workload,
  wanted,
  maxReplicas,
  deadline,
  claim,
  scaled,
}: Carrying): Promise<Outcome | null> {
  for (let attempt = 0; ; attempt++) {
    const { replicas: now, version } = await workload.count(deadline);
    if (now === wanted.replicas) return null;
    if (now !== wanted.previous) return leftAlone(now, wanted);
    if (wanted.replicas < 1)
      return { ok: false, answer: { error: "nothing is ever scaled to 0", replicas: now } };
    if (wanted.replicas > Math.max(maxReplicas, now)) {
      return {
        ok: false,
        answer: {
          error:
            `${replicas(wanted.replicas)} is more than this actuator's --max-replicas ` +
            `${maxReplicas}`,
          replicas: now,
        },
      };
    }
    if (monotonic() - (await claim(now)) > CLAIM_SECONDS) continue;
    const later = await workload.scale(wanted.replicas, version, attempt, deadline);
    if (later === null) {
      scaled(now, wanted.replicas);
      return null;
    }
    if (deadline.left <= later.seconds)
      return {
        ok: false,
        answer: { error: `no time is left to try again: ${later.why}`, replicas: now },
      };
    await deadline.wait(later.seconds);
  }
}

async function untilReady({ workload, wanted, deadline, lookEvery }: Carrying): Promise<Outcome> {
  const late = (now: number, ready: number): Outcome => ({
    ok: false,
    answer: { error: `only ${ready} of ${replicas(now)} were ready in time`, replicas: now, ready },
  });
  let last: { readonly wanted: number; readonly ready: number } | undefined;
  for (;;) {
    let look: Awaited<ReturnType<Workload["ready"]>>;
    try {
      look = await workload.ready(deadline);
    } catch (error) {
      if (last && error instanceof DeadlinePassed) return late(last.wanted, last.ready);
      throw error;
    }
    const { wanted: now, ready, settled } = (last = look);
    if (now !== wanted.replicas) {
      return now === wanted.previous
        ? {
            ok: false,
            answer: {
              error: `somebody, or an autoscaler, set it back to ${replicas(now)}`,
              replicas: now,
            },
          }
        : leftAlone(now, wanted);
    }
    if (settled) return { ok: true, answer: { replicas: now, ready } };
    if (deadline.left <= lookEvery) return late(now, ready);
    await deadline.wait(lookEvery);
  }
}
