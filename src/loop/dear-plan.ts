/**
 * Plans that take seconds: those against recall_loss search a hundred times at each of many values,
 * and build indexes on samples. As long as what they go by was not measured again, ticks go by the
 * answer they had: where nothing finds what is due, each of them took 9 to 22 s, for ever.
 */
import type { Plan } from "../model/action.ts";
import { keepMeasurement, lastMeasurement } from "../store/measurements.ts";
import type { NothingToDo, Strategy } from "../strategies/strategy.ts";
import type { Situation } from "./wanted.ts";

const DEAR_PLANS = "dear_plans";

/** Milliseconds; what is refused before anything is searched for comes at once. */
const DEAR = 200;

type Answer = Plan | NothingToDo;

interface Kept {
  readonly [strategy: string]: { readonly by: string; readonly answer: Answer };
}

/** What such a plan goes by. */
const goneBy = ({ collection: { settings }, sample: { snapshot }, problem }: Situation): string =>
  JSON.stringify([
    snapshot.centroids.map(({ index, measured_at, baseline }) => [index, measured_at, baseline]),
    snapshot.searches.map(({ text, due, measured }) => [text, due, measured?.recall]),
    problem.details,
    settings,
  ]);

/** Whoever asks by hand has it made anew. */
const isRemembered = ({ wanted, problem }: Situation): boolean =>
  wanted.origin === "loop" && problem.details.class === "recall_loss";

const known = ({ host, collection }: Situation): Kept =>
  lastMeasurement<Kept>(host, collection.id, DEAR_PLANS)?.value ?? {};

/** The answer of an earlier tick; null: there is none of the same measurements. */
export function answerBefore(situation: Situation, { name }: Strategy): Answer | null {
  const before = isRemembered(situation) ? known(situation)[name] : undefined;
  return before?.by === goneBy(situation) ? before.answer : null;
}

/** Asks, and remembers the answer where it was dear. */
export function askedAnew(situation: Situation, { name }: Strategy, ask: () => Answer): Answer {
  const { host, collection } = situation;
  const began = host.now();
  const answer = ask();
  if (isRemembered(situation) && host.now() - began >= DEAR)
    keepMeasurement<Kept>(host, collection.id, DEAR_PLANS, {
      ...known(situation),
      [name]: { by: goneBy(situation), answer },
    });
  return answer;
}
