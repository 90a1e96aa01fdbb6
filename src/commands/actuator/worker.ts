/**
 * What the actuator does all the time: says what it serves, takes what is asked of it, has it
 * carried out, answers.
 */
import { GivenUp } from "./carry-out.ts";
import { Deadline, monotonic } from "./clock.ts";
import { Database } from "./database.ts";
import { type Link, type LinkEvents, NotConnected } from "./link.ts";
import type { Log } from "./log.ts";
import type { Job, Request } from "./request.ts";
import { hintOf, messageOf } from "./said.ts";
import { type Around, work } from "./work.ts";
import type { Observer, WorkerOptions } from "./worker-options.ts";
import type { Workload } from "./workload.ts";

/** What is known of a workload, for /healthz and /metrics. */
export interface Known {
  replicas: number | null;
  /** Of the last report that the database took, by the monotonic clock. */
  reportedAt: number | null;
  problem: string | null;
}

/** How long reading a count may take for a report. */
const COUNT_SECONDS = 8;

export class Worker implements LinkEvents {
  readonly known = new Map<string, Known>();
  private readonly database: Database;
  private readonly jobs = new Map<string, Job>();
  private readonly due = new Set<string>();
  private wake: () => void = () => undefined;
  private stopping = false;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: WorkerOptions,
    private readonly log: Log,
    private readonly observer: Observer,
  ) {
    this.database = new Database(options.name, options.maxReplicas, log);
    for (const { name } of options.workloads)
      this.known.set(name, { replicas: null, reportedAt: null, problem: "not reported yet" });
  }

  set link(link: Link) {
    this.database.link = link;
  }

  /** When the database was last spoken to, by the monotonic clock. */
  get spokenAt(): number | null {
    return this.database.spokenAt;
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
      await this.database.tell(workload, replicas ?? 0, { leaving: true }).catch(() => undefined);
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
    if (!this.database.link.connected) return;
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

  /**
   * The requests of the workload that are this actuator's; what it was at under this name before it
   * was started again is gone on with.
   */
  private async report(workload: string, replicas: number): Promise<readonly Request[]> {
    const { claims = [] } = await this.database.tell(workload, replicas);
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
      const request = await this.database.take();
      if (!request) return;
      // Its claim had lapsed because the workload could not be read, and nobody else took it.
      if (this.jobs.get(request.target.workload)?.request.id !== request.id) this.begin(request);
    }
  }

  private readonly reportSoon = (workload: string): void => {
    this.due.add(workload);
    this.wake();
  };

  /** What a job sees of this. */
  private get around(): Around {
    const { options, log, observer, database } = this;
    return {
      options,
      log,
      observer,
      database,
      report: (workload, replicas) => this.report(workload, replicas),
      changed: this.reportSoon,
    };
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
    job.done = work(this.around, job).finally(() => {
      if (this.jobs.get(workload) === job) this.jobs.delete(workload);
      this.reportSoon(workload);
    });
  }
}

function parsed(payload: string): { id?: number; cancel?: boolean } {
  try {
    return (JSON.parse(payload) ?? {}) as { id?: number; cancel?: boolean };
  } catch {
    return {};
  }
}
