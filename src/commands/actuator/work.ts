/** One request at work: carried out as long as it is this process's, and answered. */
import { carryOut, GivenUp, type Outcome } from "./carry-out.ts";
import { Deadline, monotonic } from "./clock.ts";
import type { Database } from "./database.ts";
import { NotConnected } from "./link.ts";
import type { Log } from "./log.ts";
import type { Job, Request } from "./request.ts";
import { messageOf } from "./said.ts";
import type { Observer, WorkerOptions } from "./worker-options.ts";

/** Seconds before the deadline by which the answer is on its way: after it, it is refused. */
const ANSWER_MARGIN = 5;
/** What a job needs of the worker. */
export interface Around {
  readonly options: WorkerOptions;
  readonly log: Log;
  readonly observer: Observer;
  readonly database: Database;
  /** Tells the database the count; the requests of the workload that are this actuator's. */
  report(workload: string, replicas: number): Promise<readonly Request[]>;
  /** The count was set. */
  changed(workload: string): void;
}

export async function work(around: Around, { request, controller }: Job): Promise<void> {
  const { log, observer, database } = around;
  const { workload } = request.target;
  const began = monotonic();
  const hard = new Deadline(request.seconds_left);
  const deadline = new Deadline(
    Math.max(1, request.seconds_left - ANSWER_MARGIN),
    controller.signal,
  );
  let outcome: Outcome;
  try {
    outcome = await outcomeOf(around, request, deadline);
  } catch (error) {
    if (error instanceof GivenUp && !error.answered) {
      log("warning", `dropped a request: ${error.message}`, { request: request.id, workload });
      return observer.ended(workload, "given_up", monotonic() - began);
    }
    outcome = {
      ok: false,
      answer: { error: messageOf(error), ...(error instanceof GivenUp && { given_up: true }) },
    };
  }
  const seconds = monotonic() - began;
  const accepted = await database.answer(request.id, outcome, hard);
  const word = outcome.ok ? "succeeded" : "failed";
  observer.ended(workload, accepted ? word : "refused", seconds);
  if (accepted)
    log(outcome.ok ? "info" : "warning", outcome.ok ? "scaled" : "did not scale", {
      request: request.id,
      workload,
      replicas: request.wanted.replicas,
      ...outcome.answer,
      seconds: Number(seconds.toFixed(1)),
    });
}

const refused = (error: string): Outcome => ({ ok: false, answer: { error } });

async function outcomeOf(around: Around, request: Request, deadline: Deadline): Promise<Outcome> {
  const { options, log, observer } = around;
  const { id, kind, target, wanted } = request;
  const workload = options.workloads.find(({ name }) => name === target.workload);
  if (!workload) return refused(`this actuator does not serve ${target.workload} any more`);
  if (kind !== "scale")
    return refused(
      `this actuator knows no requests of kind ${kind}: it is older than the database's ` +
        "functions",
    );
  return carryOut({
    workload,
    wanted,
    deadline,
    maxReplicas: options.maxReplicas,
    lookEvery: options.lookEvery,
    claim: (replicas) => claim(around, request, replicas, deadline),
    scaled: (from, to) => {
      log("info", "set the count", { request: id, workload: workload.name, from, to });
      observer.scaled(workload.name);
      around.changed(workload.name);
    },
  });
}

/** @returns when it was asked, by the monotonic clock */
async function claim(
  around: Around,
  { id, target }: Request,
  replicas: number,
  deadline: Deadline,
): Promise<number> {
  for (;;) {
    const asked = monotonic();
    try {
      const claims = await around.report(target.workload, replicas);
      deadline.signal.throwIfAborted();
      if (!claims.some((one) => one.id === id))
        throw new GivenUp("the request is not this actuator's any more");
      return asked;
    } catch (error) {
      // Without the database's word nothing is scaled: another actuator may be at it by now.
      if (!(error instanceof NotConnected)) throw error;
      if (deadline.passed)
        throw new GivenUp(`the database was away until its deadline: ${error.message}`);
      await deadline.wait(0.5);
    }
  }
}
