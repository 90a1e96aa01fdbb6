/**
 * What the actuator does all the time: says what it serves, takes what is asked of it, has it
 * carried out, answers.
 */
import { carryOut, GivenUp, type Outcome, type Wanted } from "./carry-out.ts";
import { Deadline, monotonic } from "./clock.ts";
import { type Link, type LinkEvents, NotConnected } from "./link.ts";
import type { Log } from "./log.ts";
import type { Workload } from "./workload.ts";

/** As `ruvector_healing_actuation_take` gives it. */
interface Request {
  readonly id: number;
  readonly kind: string;
  readonly target: { readonly workload: string };
  readonly wanted: Wanted;
  readonly seconds_left: number;
  readonly action_id: number;
  readonly collection: string;
  readonly cancel: boolean;
}

interface ReportAnswer {
  readonly requests: number;
  readonly claims?: readonly Request[];
}

interface Job {
  readonly request: Request;
  readonly controller: AbortController;
  done: Promise<void>;
}

/** What is known of a workload, for /healthz and /metrics. */
export interface Known {
  replicas: number | null;
  /** Of the last report that the database took, by the monotonic clock. */
  reportedAt: number | null;
  problem: string | null;
}

export interface Observer {
  reported(workload: string, ok: boolean): void;
  ended(
    workload: string,
    outcome: "succeeded" | "failed" | "given_up" | "refused",
    seconds: number,
  ): void;
  scaled(workload: string): void;
}

export interface WorkerOptions {
  readonly name: string;
  readonly workloads: readonly Workload[];
  readonly maxReplicas: number;
  /** Seconds. */
  readonly reportEvery: number;
  readonly pollEvery: number;
  readonly lookEvery: number;
}

/** Seconds before the deadline by which the answer is on its way: after it, it is refused. */
const ANSWER_MARGIN = 5;
/** How long reading a count may take for a report. */
const COUNT_SECONDS = 8;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

export class Worker implements LinkEvents {
  readonly known = new Map<string, Known>();
  /** When the database was last spoken to, by the monotonic clock. */
  spokenAt: number | null = null;
  private readonly jobs = new Map<string, Job>();
  private readonly due = new Set<string>();
  private wake: () => void = () => undefined;
  private stopping = false;
  private running: Promise<void> = Promise.resolve();
  link!: Link;

  constructor(
    private readonly options: WorkerOptions,
    private readonly log: Log,
    private readonly observer: Observer,
  ) {
    for (const { name } of options.workloads)
      this.known.set(name, { replicas: null, reportedAt: null, problem: "not reported yet" });
  }

  start(): void {
    this.running = this.run();
  }

  /** Gives what it is at to the next actuator, and says that it leaves. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const { controller } of this.jobs.values())
      controller.abort(new GivenUp("this actuator ends"));
    this.wake();
    await this.running;
    await Promise.allSettled([...this.jobs.values()].map(({ done }) => done));
    for (const [workload, { replicas }] of this.known) {
      await this.tell(workload, replicas ?? 0, { leaving: true }).catch(() => undefined);
    }
  }

  connected(): void {
    for (const name of this.known.keys()) this.due.add(name);
    this.wake();
  }

  notified(payload: string): void {
    const { id, cancel } = parsed(payload);
    if (cancel) for (const job of this.jobs.values()) if (job.request.id === id) this.giveUp(job);
    this.wake();
  }

  /** What it is at, for /healthz. */
  get atWork(): readonly {
    readonly id: number;
    readonly workload: string;
    readonly replicas: number;
  }[] {
    return [...this.jobs.values()].map(({ request }) => ({
      id: request.id,
      workload: request.target.workload,
      replicas: request.wanted.replicas,
    }));
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      await this.turn().catch((error: unknown) => {
        if (!(error instanceof NotConnected))
          this.log("error", `the database refused: ${messageOf(error)}`, hintOf(error));
      });
      if (this.stopping) return;
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        woken,
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, this.options.pollEvery * 1000);
        }),
      ]);
      clearTimeout(timer);
    }
  }

  private async turn(): Promise<void> {
    if (!this.link.connected) return;
    await Promise.all(
      this.options.workloads
        .filter(({ name }) => this.isDue(name))
        .map((workload) => this.look(workload)),
    );
    await this.take();
  }

  private isDue(name: string): boolean {
    const at = this.known.get(name)?.reportedAt ?? null;
    return (
      this.due.has(name) ||
      at === null ||
      monotonic() - at >= this.options.reportEvery - this.options.pollEvery / 2
    );
  }

  /**
   * Reads a workload's count and reports it. A workload that cannot be read is not reported:
   * nothing shall be planned on it.
   */
  private async look(workload: Workload): Promise<void> {
    const known = this.known.get(workload.name)!;
    try {
      const { replicas } = await workload.count(new Deadline(COUNT_SECONDS));
      this.due.delete(workload.name);
      await this.report(workload.name, replicas);
      if (known.problem !== null)
        this.log("info", "serves the workload", { workload: workload.name, replicas });
      known.problem = null;
    } catch (error) {
      if (error instanceof NotConnected) throw error;
      this.observer.reported(workload.name, false);
      const problem = messageOf(error);
      if (known.problem !== problem)
        this.log("error", `cannot report the workload: ${problem}`, {
          workload: workload.name,
          ...hintOf(error),
        });
      known.problem = problem;
    }
  }

  private async tell(workload: string, replicas: number, more: object = {}): Promise<ReportAnswer> {
    const answer = await this.link.value<ReportAnswer>(
      "SELECT ruvector.ruvector_healing_actuator_report($1, $2)",
      [
        this.options.name,
        JSON.stringify({ workload, replicas, max_replicas: this.options.maxReplicas, ...more }),
      ],
    );
    this.spokenAt = monotonic();
    return answer;
  }

  /**
   * The requests of the workload that are this actuator's; what it was at under this name before it
   * was started again is gone on with.
   */
  private async report(workload: string, replicas: number): Promise<readonly Request[]> {
    const { claims = [] } = await this.tell(workload, replicas);
    const known = this.known.get(workload)!;
    known.replicas = replicas;
    known.reportedAt = monotonic();
    this.observer.reported(workload, true);
    const job = this.jobs.get(workload);
    const claim = job && claims.find(({ id }) => id === job.request.id);
    if (job && !claim)
      job.controller.abort(new GivenUp("the request is not this actuator's any more"));
    if (job && claim?.cancel) this.giveUp(job);
    if (!job && !this.stopping) {
      const [left] = claims;
      if (left) {
        this.log("warning", "goes on with what was begun under its name before", {
          request: left.id,
          workload,
        });
        this.begin(left);
      }
    }
    return claims;
  }

  private async take(): Promise<void> {
    // A workload's next request comes only when the one at work is answered, so there are at most
    // as many as workloads.
    for (let turn = 0; turn <= this.options.workloads.length && !this.stopping; turn++) {
      const request = await this.link.value<Request | null>(
        "SELECT ruvector.ruvector_healing_actuation_take($1)",
        [this.options.name],
      );
      this.spokenAt = monotonic();
      if (!request) return;
      // Its claim had lapsed because the workload could not be read, and nobody else took it.
      if (this.jobs.get(request.target.workload)?.request.id !== request.id) this.begin(request);
    }
  }

  private giveUp({ controller }: Job): void {
    controller.abort(new GivenUp("it was asked to stop", true));
  }

  private begin(request: Request): void {
    const { workload } = request.target;
    const controller = new AbortController();
    const job: Job = { request, controller, done: Promise.resolve() };
    this.jobs.set(workload, job);
    this.log("info", "took a request", {
      request: request.id,
      workload,
      replicas: request.wanted.replicas,
      previous: request.wanted.previous,
      action: request.action_id,
      collection: request.collection,
    });
    if (request.cancel) this.giveUp(job);
    job.done = this.work(job).finally(() => {
      if (this.jobs.get(workload) === job) this.jobs.delete(workload);
      this.due.add(workload);
      this.wake();
    });
  }

  private async work({ request, controller }: Job): Promise<void> {
    const {
      id,
      target: { workload: name },
      wanted,
    } = request;
    const began = monotonic();
    const hard = new Deadline(request.seconds_left);
    const deadline = new Deadline(
      Math.max(1, request.seconds_left - ANSWER_MARGIN),
      controller.signal,
    );
    const told = { request: id, workload: name };
    let outcome: Outcome;
    try {
      outcome = await this.outcome(request, deadline);
    } catch (error) {
      if (error instanceof GivenUp && !error.answered) {
        this.log("warning", `dropped a request: ${error.message}`, told);
        return this.observer.ended(name, "given_up", monotonic() - began);
      }
      outcome = {
        ok: false,
        answer: { error: messageOf(error), ...(error instanceof GivenUp && { given_up: true }) },
      };
    }
    const seconds = monotonic() - began;
    const accepted = await this.answer(id, outcome, hard);
    this.observer.ended(name, !accepted ? "refused" : outcome.ok ? "succeeded" : "failed", seconds);
    if (accepted)
      this.log(outcome.ok ? "info" : "warning", outcome.ok ? "scaled" : "did not scale", {
        ...told,
        replicas: wanted.replicas,
        ...outcome.answer,
        seconds: Number(seconds.toFixed(1)),
      });
  }

  private async outcome(
    { id, kind, target, wanted }: Request,
    deadline: Deadline,
  ): Promise<Outcome> {
    const workload = this.options.workloads.find(({ name }) => name === target.workload);
    if (!workload)
      return {
        ok: false,
        answer: { error: `this actuator does not serve ${target.workload} any more` },
      };
    if (kind !== "scale")
      return {
        ok: false,
        answer: {
          error:
            `this actuator knows no requests of kind ${kind}: it is older than the database's ` +
            "functions",
        },
      };
    return carryOut({
      workload,
      wanted,
      deadline,
      maxReplicas: this.options.maxReplicas,
      lookEvery: this.options.lookEvery,
      claim: (replicas) => this.claim(id, workload.name, replicas, deadline),
      scaled: (from, to) => {
        this.log("info", "set the count", { request: id, workload: workload.name, from, to });
        this.observer.scaled(workload.name);
        this.due.add(workload.name);
        this.wake();
      },
    });
  }

  /** @returns when it was asked, by the monotonic clock */
  private async claim(
    id: number,
    workload: string,
    replicas: number,
    deadline: Deadline,
  ): Promise<number> {
    for (;;) {
      const asked = monotonic();
      try {
        const claims = await this.report(workload, replicas);
        deadline.signal.throwIfAborted();
        if (!claims.some((claim) => claim.id === id))
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

  /** false: the database takes no answer any more. */
  private async answer(id: number, { ok, answer }: Outcome, until: Deadline): Promise<boolean> {
    for (;;) {
      try {
        await this.link.value("SELECT ruvector.ruvector_healing_actuation_answer($1, $2, $3)", [
          id,
          ok,
          JSON.stringify({ ...answer, actuator: this.options.name }),
        ]);
        return true;
      } catch (error) {
        if (!(error instanceof NotConnected)) {
          this.log("warning", `the answer was refused: ${messageOf(error)}`, {
            request: id,
            ...hintOf(error),
          });
          return false;
        }
        if (until.passed) return false;
        await until.wait(0.5);
      }
    }
  }
}

function parsed(payload: string): { id?: number; cancel?: boolean } {
  try {
    return (JSON.parse(payload) ?? {}) as { id?: number; cancel?: boolean };
  } catch {
    return {};
  }
}

/** What PostgreSQL adds to an error. */
function hintOf(error: unknown): Record<string, string> {
  const { code, detail, hint } = error as { code?: string; detail?: string; hint?: string };
  const missing = code === "42883" || code === "42501";
  return {
    ...(/^[0-9A-Z]{5}$/.test(code ?? "") && { sqlstate: code! }),
    ...(detail !== undefined && { detail }),
    ...(hint !== undefined && !missing && { hint }),
    ...(missing && { hint: "docs/actuator.md has the GRANT that this role needs" }),
  };
}
