/** The actuator's own metrics; the loop's come from the database. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Observe } from "./kubernetes/api.ts";
import type { Observer } from "./worker-options.ts";

export interface Sampled {
  readonly connected: boolean;
  readonly losses: number;
  /** null: no audit trail is signed here. */
  readonly auditProblem: boolean | null;
  readonly workloads: readonly {
    readonly workload: string;
    readonly replicas: number | null;
    readonly secondsSinceReport: number | null;
  }[];
}

export interface OwnMetrics {
  readonly observer: Observer;
  readonly kubernetes: Observe;
  readonly webhook: (webhook: string, outcome: string) => void;
  text(): Promise<string>;
}

const PREFIX = "ruvector_healing_actuator_";

type Sample = () => Sampled;

export function ownMetrics(sample: Sample): OwnMetrics {
  const registry = new Registry();
  const registers = [registry];
  addDatabase(registers, sample);
  addWorkloads(registers, sample);
  addAudit(registers, sample);
  addLosses(registers, sample);
  return {
    observer: observerOf(registers),
    kubernetes: kubernetesOf(registers),
    webhook: webhooksOf(registers),
    text: () => registry.metrics(),
  };
}

function addDatabase(registers: Registry[], sample: Sample): void {
  new Gauge({
    name: `${PREFIX}database_connected`,
    help: "Whether the actuator has a session with the database.",
    registers,
    collect() {
      this.set(sample().connected ? 1 : 0);
    },
  });
}

function addWorkloads(registers: Registry[], sample: Sample): void {
  new Gauge({
    name: `${PREFIX}replicas`,
    help: "Replicas wanted of the workload when it was last reported.",
    labelNames: ["workload"],
    registers,
    collect() {
      this.reset();
      for (const { workload, replicas } of sample().workloads)
        if (replicas !== null) this.set({ workload }, replicas);
    },
  });
  new Gauge({
    name: `${PREFIX}report_age_seconds`,
    help: "Seconds since the database last took a report of the workload.",
    labelNames: ["workload"],
    registers,
    collect() {
      this.reset();
      for (const { workload, secondsSinceReport } of sample().workloads)
        if (secondsSinceReport !== null) this.set({ workload }, secondsSinceReport);
    },
  });
}

function addAudit(registers: Registry[], sample: Sample): void {
  new Gauge({
    name: `${PREFIX}audit_problem`,
    help: "1 while the audit trail is not as this process signed it, or stands still.",
    registers,
    collect() {
      const problem = sample().auditProblem;
      this.reset();
      if (problem !== null) this.set(problem ? 1 : 0);
    },
  });
}

function addLosses(registers: Registry[], sample: Sample): void {
  const losses = new Counter({
    name: `${PREFIX}database_losses_total`,
    help: "Sessions with the database that were lost.",
    registers,
    collect() {
      this.reset();
      this.inc(sample().losses);
    },
  });
  losses.inc(0);
}

function observerOf(registers: Registry[]): Observer {
  const reports = new Counter({
    name: `${PREFIX}reports_total`,
    help: "Reports of the workload, by whether they could be made.",
    labelNames: ["workload", "ok"],
    registers,
  });
  const requests = new Counter({
    name: `${PREFIX}requests_total`,
    help: "Requests to scale that ended, by how.",
    labelNames: ["workload", "outcome"],
    registers,
  });
  const changes = new Counter({
    name: `${PREFIX}scalings_total`,
    help: "Times the count of the workload was set.",
    labelNames: ["workload"],
    registers,
  });
  const took = new Histogram({
    name: `${PREFIX}request_seconds`,
    help: "Seconds from taking a request to its answer.",
    labelNames: ["workload"],
    buckets: [1, 5, 15, 30, 60, 120, 300],
    registers,
  });
  return {
    reported: (workload, ok) => reports.inc({ workload, ok: String(ok) }),
    ended: (workload, outcome, seconds) => {
      requests.inc({ workload, outcome });
      took.observe({ workload }, seconds);
    },
    scaled: (workload) => changes.inc({ workload }),
  };
}

function webhooksOf(registers: Registry[]): OwnMetrics["webhook"] {
  const posts = new Counter({
    name: `${PREFIX}webhook_posts_total`,
    help: "Posts to the webhook by outcome; failed ones are tried again, refused ones are not.",
    labelNames: ["webhook", "outcome"],
    registers,
  });
  return (webhook, outcome) => posts.inc({ webhook, outcome });
}

function kubernetesOf(registers: Registry[]): Observe {
  const calls = new Counter({
    name: `${PREFIX}kubernetes_requests_total`,
    help: "Requests to the Kubernetes API by method and status; lost: without an answer.",
    labelNames: ["method", "status"],
    registers,
  });
  const callSeconds = new Histogram({
    name: `${PREFIX}kubernetes_request_seconds`,
    help: "Seconds a request to the Kubernetes API took.",
    labelNames: ["method"],
    buckets: [0.01, 0.05, 0.25, 1, 5, 10],
    registers,
  });
  return (method, status, seconds) => {
    calls.inc({ method, status });
    callSeconds.observe({ method }, seconds);
  };
}
