/** Prometheus, promtool and the Postgres exporter. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import getPort from "get-port";
import { root } from "../../build/project.ts";
import { debianPrograms, type Programs } from "./debian-programs.ts";
import { waitEnds } from "./patience.ts";

const PROGRAMS = {
  prometheus: "prometheus",
  promtool: "promtool",
  exporter: "prometheus-postgres-exporter",
} as const;

export type Tools = Programs<typeof PROGRAMS>;

/** @returns null where they cannot be had and the tests are to be skipped */
export const prometheusTools = (): Promise<Tools | null> =>
  debianPrograms({
    what: "Prometheus, promtool and postgres_exporter",
    packages: ["prometheus", "prometheus-postgres-exporter"],
    folder: "prometheus-1",
    programs: PROGRAMS,
  });

/** promtool with what it says; an exit code other than 0 is no exception. */
export async function promtool(
  tools: Tools,
  args: readonly string[],
  input?: string,
): Promise<{ readonly code: number; readonly output: string }> {
  const { exitCode, all } = await execa(tools.promtool, args, {
    cwd: root,
    reject: false,
    all: true,
    ...(input === undefined ? { stdin: "ignore" as const } : { input }),
  });
  return { code: exitCode ?? -1, output: all ?? "" };
}

export interface Prometheus {
  readonly url: string;
  /** The series of an instant query. */
  query(
    expression: string,
  ): Promise<
    readonly { readonly metric: Readonly<Record<string, string>>; readonly value: number }[]
  >;
  /** Any path of the API; its `data`. */
  api<T>(path: string, parameters?: Readonly<Record<string, string>>): Promise<T>;
  stop(): Promise<void>;
}

/**
 * A Prometheus of this test's own, on loopback, that scrapes every ten seconds: a busy machine
 * takes several for one scrape.
 * @param targets by job name: host:port
 * @param rules files of rules, evaluated every two seconds
 */
export async function startPrometheus(
  tools: Tools,
  targets: Readonly<Record<string, string>>,
  rules: readonly string[] = [],
): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), "ruvector-healing-prometheus-"));
  const jobs = Object.entries(targets).map(([job, target]) => ({
    job_name: job,
    static_configs: [{ targets: [target] }],
  }));
  // JSON is YAML.
  await writeFile(
    join(folder, "prometheus.yml"),
    JSON.stringify({
      global: { scrape_interval: "10s", scrape_timeout: "10s", evaluation_interval: "2s" },
      rule_files: rules,
      scrape_configs: jobs,
    }),
  );
  const port = await getPort();
  const url = `http://127.0.0.1:${port}`;
  const child = started(tools.prometheus, [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=warn",
  ]);
  const api = async <T>(
    path: string,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<T> => {
    const answer = await fetch(
      `${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`,
    );
    const body = (await answer.json()) as { status: string; data: T; error?: string };
    if (body.status !== "success") throw new Error(`${path}: ${body.error}`);
    return body.data;
  };
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answers(`${url}/-/ready`, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    api,
    stop,
    query: async (expression) => {
      const { result } = await api<{
        result: { metric: Record<string, string>; value: [number, string] }[];
      }>("query", { query: expression });
      return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
    },
  };
}

/** The Postgres exporter with our query file alone, for one database. */
export async function startExporter(
  tools: Tools,
  database: string,
): Promise<{ readonly target: string; stop(): Promise<void> }> {
  const port = await getPort();
  const child = started(
    tools.exporter,
    [
      `--web.listen-address=127.0.0.1:${port}`,
      "--disable-default-metrics",
      "--disable-settings-metrics",
      "--no-collector.database",
      "--no-collector.bgwriter",
      `--extend.query-path=${join(root, "monitoring/postgres_exporter/queries.yaml")}`,
    ],
    { DATA_SOURCE_NAME: `${database}?sslmode=disable` },
  );
  await answers(`http://127.0.0.1:${port}/metrics`, child);
  return { target: `127.0.0.1:${port}`, stop: () => ended(child) };
}

function started(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess & { said: string } {
  const child = Object.assign(
    spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } }),
    { said: "" },
  );
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text: Buffer) => void (child.said += text.toString()));
  return child;
}

async function answers(url: string, child: ChildProcess & { said: string }): Promise<void> {
  const end = waitEnds();
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended: ${child.said}`);
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
    if (Date.now() > end) throw new Error(`${url} does not answer: ${child.said}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await over;
}
