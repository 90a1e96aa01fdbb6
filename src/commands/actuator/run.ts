/** The actuator's process: until it is told to end. */
import { type Target, target } from "../connect.ts";
import type { AuditSigner } from "./audit.ts";
import { interruption } from "../command-line.ts";
import { VERSION } from "../version.ts";
import { monotonic } from "./clock.ts";
import type { ActuatorFlags } from "./flags.ts";
import { handlers } from "./handlers.ts";
import type { HealthState } from "./health.ts";
import { serve } from "./http.ts";
import { Link } from "./link.ts";
import { type Log, logTo } from "./log.ts";
import { type OwnMetrics, ownMetrics, type Sampled } from "./own-metrics.ts";
import { reader } from "./reader.ts";
import type { Observe } from "./kubernetes/api.ts";
import type { Sender } from "./webhooks/sender.ts";
import { Worker } from "./worker.ts";
import type { Workload } from "./workload.ts";

/** Reports that may fail in a row before it is unwell. */
const REPORTS_MISSED = 3;

/** What Kubernetes needs is loaded only where something is to be scaled. */
async function workloads(
  { workload, kubeconfig, context }: ActuatorFlags,
  observe: Observe,
): Promise<readonly Workload[]> {
  if (workload.length === 0) return [];
  const { KubernetesApi, loadConfig } = await import("./kubernetes/api.ts");
  const { KubernetesWorkload } = await import("./kubernetes/scale.ts");
  const api = new KubernetesApi(
    loadConfig({
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(context !== undefined && { context }),
    }),
    observe,
  );
  return workload.map((named) => new KubernetesWorkload(api, named));
}

/** What is wrong with the file is said before anything begins. */
async function webhookSenders(
  { webhooks: file, name, pollEvery }: ActuatorFlags,
  link: Link,
  log: Log,
  count: OwnMetrics["webhook"],
): Promise<readonly Sender[]> {
  if (file === undefined) return [];
  const { exposed, readWebhooks } = await import("./webhooks/config.ts");
  const { Sender } = await import("./webhooks/sender.ts");
  const webhooks = readWebhooks(file);
  if (exposed(file))
    log("warning", "others on this machine may read the addresses of the webhooks", { file });
  return webhooks.map(
    (webhook) => new Sender(webhook, link, log, { actuator: name, every: pollEvery, count }),
  );
}

async function auditSigner(
  { auditKey, auditState, reportEvery }: ActuatorFlags,
  link: Link,
  log: Log,
): Promise<AuditSigner | null> {
  if (auditKey === undefined) return null;
  const { readAuditKey } = await import("./audit-key.ts");
  const { AuditSigner } = await import("./audit.ts");
  const key = readAuditKey(auditKey);
  if (key.exposed)
    log("warning", "everybody on this machine may read the audit key", { file: auditKey });
  return new AuditSigner(key, link, log, reportEvery, auditState);
}

function healthOf(
  { to, link, worker, signer, senders }: Actuator,
  flags: ActuatorFlags,
): HealthState {
  const now = monotonic();
  const age = (at: number | null): number | null =>
    at === null ? null : Number((now - at).toFixed(1));
  const late = flags.reportEvery * REPORTS_MISSED;
  const known = [...worker.known].map(([workload, { replicas, reportedAt, problem }]) => ({
    workload,
    replicas,
    seconds_since_report: age(reportedAt),
    problem,
  }));
  const silent = known.filter(
    (one) => one.seconds_since_report === null || one.seconds_since_report > late,
  );
  return {
    ok: link.connected && silent.length === 0 && (age(worker.spokenAt) ?? Infinity) <= late,
    name: flags.name,
    version: VERSION,
    database: {
      at: to.shown,
      connected: link.connected,
      problem: link.problem,
      seconds_since_word: age(worker.spokenAt),
    },
    workloads: known,
    at_work: worker.atWork,
    // What is wrong with the audit trail is an alarm, not this process's illness.
    audit: signer === null ? null : { signatures: signer.signatures, problem: signer.problem },
    webhooks: senders.map(({ state }) => state),
  };
}

/** The parts of the process, together. */
interface Actuator {
  readonly to: Target;
  readonly link: Link;
  readonly worker: Worker;
  readonly own: OwnMetrics;
  readonly signer: AuditSigner | null;
  readonly senders: readonly Sender[];
}

async function actuatorOf(to: Target, flags: ActuatorFlags, log: Log): Promise<Actuator> {
  let signer: AuditSigner | null = null;
  const own = ownMetrics(() => sampled(link, worker, signer));
  const { name, maxReplicas, reportEvery, pollEvery } = flags;
  const worker = new Worker(
    {
      name,
      workloads: await workloads(flags, own.kubernetes),
      maxReplicas,
      reportEvery,
      pollEvery,
      lookEvery: 1,
    },
    log,
    own.observer,
  );
  const link = new Link(to, name, worker, log);
  worker.link = link;
  signer = await auditSigner(flags, link, log);
  const senders = await webhookSenders(flags, link, log, own.webhook);
  return { to, link, worker, own, signer, senders };
}

const sampled = (link: Link, worker: Worker, signer: AuditSigner | null): Sampled => ({
  connected: link.connected,
  losses: link.losses,
  auditProblem: signer === null ? null : signer.problem !== null,
  workloads: [...worker.known].map(([workload, { replicas, reportedAt }]) => ({
    workload,
    replicas,
    secondsSinceReport: reportedAt === null ? null : monotonic() - reportedAt,
  })),
});

export async function run(database: string | undefined, flags: ActuatorFlags): Promise<void> {
  const to = target(database);
  const log = logTo((line) => process.stderr.write(`${line}\n`), flags.logFormat === "json");
  const signal = interruption("what it was at goes on elsewhere after a minute");
  const reads = reader(to);
  const actuator = await actuatorOf(to, flags, log);
  const serving = await serveFor(actuator, flags, reads, log);
  log("info", "ruvector-healing actuator", {
    version: VERSION,
    name: flags.name,
    serves: serving.url,
    database: to.shown,
    workloads: flags.workload.map(({ text }) => text),
    ...(actuator.senders.length > 0 && {
      webhooks: actuator.senders.map(({ state }) => state.name),
    }),
  });
  const { link, worker, signer, senders } = actuator;
  worker.start();
  link.start();
  signer?.start();
  for (const sender of senders) sender.start();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  signer?.stop();
  await Promise.all(senders.map((sender) => sender.stop()));
  await worker.stop();
  await link.end();
  await serving.close();
  await reads.end();
}

/** The status page, /metrics and /healthz. */
function serveFor(
  actuator: Actuator,
  flags: ActuatorFlags,
  reads: ReturnType<typeof reader>,
  log: Log,
): ReturnType<typeof serve> {
  const complain = (error: unknown): void =>
    log(
      "warning",
      `a page could not be served: ${error instanceof Error ? error.message : String(error)}`,
    );
  return serve(
    flags.listen,
    handlers({
      reader: reads,
      health: () => healthOf(actuator, flags),
      ownMetrics: actuator.own.text,
      failed: complain,
    }),
    complain,
  );
}
