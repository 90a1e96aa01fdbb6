import { hostname } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import { wholeNumber } from "../command-line.ts";
import type { ActuatorFlags } from "./flags.ts";
import type { Listen } from "./http.ts";
import { parseWorkload, WORKLOAD_FORM, type WorkloadName } from "./kubernetes/workload.ts";

export function listenAddress(text: string): Listen {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535)
    throw new InvalidArgumentError(
      "Write it as host:port, for example 127.0.0.1:9488, 0.0.0.0:9488 or [::1]:9488.",
    );
  return { host: match[1] ?? match[2]!, port };
}

function workload(text: string, before: readonly WorkloadName[]): readonly WorkloadName[] {
  const found = parseWorkload(text);
  if (!found) throw new InvalidArgumentError(WORKLOAD_FORM);
  return [...before.filter((one) => one.text !== text), found];
}

function actuatorName(text: string): string {
  if (/^[\x21-\x7e]{1,200}$/.test(text)) return text;
  throw new InvalidArgumentError("A name is 1 to 200 characters without blanks.");
}

function logFormat(text: string): "text" | "json" {
  if (text === "text" || text === "json") return text;
  throw new InvalidArgumentError("text or json");
}

/**
 * `ruvector-healing actuator`. Whatever is a flag may be a variable of the environment instead, for
 * manifests.
 */
export function actuatorCommand(program: Command): void {
  const { env } = process;
  const command = program
    .command("actuator")
    .description(
      "Scales Kubernetes workloads when the loop asks for it, and serves the status page, " +
        "/metrics and /healthz. The loop never depends on it.",
    )
    .argument(
      "[database]",
      "a URL, a conninfo string or a name, as psql takes it; default: DATABASE_URL, then PG*",
    );
  scalingOptions(command);
  servingOptions(command);
  command.action(async (database: string | undefined, flags: ActuatorFlags) => {
    const { run } = await import("./run.ts");
    await run(database, flags);
  });
  command.addHelpText(
    "after",
    "\nEvery flag may be a variable: " +
      'RUVECTOR_HEALING_ACTUATOR_WORKLOAD="deployment/default/read statefulset/db/pg", ' +
      "..._MAX_REPLICAS, ..._LISTEN and so on.",
  );
  command.hook("preAction", () => fromEnvironment(command, env));
}

/** Who it is, and what it may scale. */
const scalingOptions = (command: Command): Command =>
  command
    .option(
      "-n, --name <name>",
      "what the database knows this process by; one process a name",
      actuatorName,
      process.env["RUVECTOR_HEALING_ACTUATOR_NAME"] ?? hostname(),
    )
    .option(
      "-w, --workload <kind/namespace/name>",
      "a workload that may be scaled; give several by repeating it",
      workload,
      [],
    )
    .option(
      "--max-replicas <count>",
      "no workload is ever scaled to more",
      wholeNumber(1, 1000),
      10,
    )
    .option(
      "--kubeconfig <file>",
      "default: KUBECONFIG, ~/.kube/config, or a pod's service account",
    )
    .option("--context <name>", "a context of the kubeconfig other than its current one");

/** What it serves, how often it speaks to the database, what it signs and says. */
const servingOptions = (command: Command): Command =>
  command
    .option(
      "-l, --listen <host:port>",
      "where the status page, /metrics and /healthz are served",
      listenAddress,
      { host: "127.0.0.1", port: 9488 },
    )
    .option(
      "--report-every <seconds>",
      "how often the database is told of the workloads",
      wholeNumber(1, 300),
      15,
    )
    .option(
      "--poll-every <seconds>",
      "how often requests are looked for, should a notification get lost",
      wholeNumber(1, 60),
      5,
    )
    .option(
      "--audit-key <file>",
      "signs the audit trail with this Ed25519 key (ruvector-healing audit-key makes one)",
    )
    .option("--audit-state <file>", "where the audit head signed last is kept over restarts")
    .option(
      "--webhooks <file>",
      "sends transitions to Slack and others (docs/actuator.md#webhooks)",
    )
    .option("--log-format <format>", "text, or json: one object a line", logFormat, "text");

/** Flags win over the environment; what is wrong there is said as if it were a flag. */
function fromEnvironment(command: Command, env: NodeJS.ProcessEnv): void {
  for (const option of command.options) {
    const variable = `RUVECTOR_HEALING_ACTUATOR_${option
      .attributeName()
      .replace(/[A-Z]/g, (letter) => `_${letter}`)
      .toUpperCase()}`;
    const value = env[variable];
    const name = option.attributeName();
    if (value === undefined || value === "" || command.getOptionValueSource(name) === "cli")
      continue;
    try {
      const parse = option.parseArg as ((text: string, before: unknown) => unknown) | undefined;
      const values = name === "workload" ? value.split(/[\s,]+/).filter(Boolean) : [value];
      command.setOptionValueWithSource(
        name,
        values.reduce(
          (before, one) => (parse ? parse(one, before) : one),
          name === "workload" ? ([] as unknown) : (undefined as unknown),
        ),
        "env",
      );
    } catch (error) {
      if (error instanceof InvalidArgumentError)
        command.error(`error: ${variable} is "${value}": ${error.message}`);
      throw error;
    }
  }
}
