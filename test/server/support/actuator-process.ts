/** The real actuator, as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import getPort from "get-port";
import { expect } from "vitest";
import { root } from "../../../build/project.ts";
import { afterwards } from "../../support/afterwards.ts";
import { bundledCommands } from "../../support/bundled-commands.ts";
import { waitEnds } from "../../support/patience.ts";

/** Seconds: a process takes one to start, and a minute where ten test runs share two cores. */
const PATIENCE = 120;

export interface ActuatorProcess {
  readonly name: string;
  readonly url: string;
  /** What it has written so far, line by line. */
  readonly lines: readonly string[];
  get(path: string): Promise<{ status: number; text: string; headers: Headers }>;
  /** Waits until a line has the text; fails with all lines when none does. */
  says(text: string | RegExp, seconds?: number): Promise<string>;
  healthy(seconds?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Ends it in order; its exit code. */
  stop(): Promise<number | null>;
  readonly ended: Promise<number | null>;
  readonly running: boolean;
}

export interface ActuatorOptions {
  readonly database: string;
  readonly name: string;
  readonly workloads?: readonly string[];
  readonly kubeconfig?: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startActuator({
  database,
  name,
  workloads = [],
  kubeconfig,
  flags = [],
  environment = {},
}: ActuatorOptions): Promise<ActuatorProcess> {
  const port = await getPort();
  const child: ChildProcess = spawn(
    process.execPath,
    [
      await bundledCommands(),
      "actuator",
      database,
      "--name",
      name,
      "--listen",
      `127.0.0.1:${port}`,
      "--poll-every",
      "1",
      "--report-every",
      "2",
      ...workloads.flatMap((workload) => ["--workload", workload]),
      ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]),
      ...flags,
    ],
    {
      cwd: root,
      stdio: ["ignore", "inherit", "pipe"],
      env: { ...process.env, KUBECONFIG: "", HOME: "/nonexistent", ...environment },
    },
  );
  const lines: string[] = [];
  let rest = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
  });
  const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
  afterwards(() => child.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  const until = async (
    holds: () => Promise<string | null>,
    what: string,
    seconds: number,
  ): Promise<string> => {
    const end = waitEnds(seconds);
    for (;;) {
      const found = await holds();
      if (found !== null) return found;
      if (Date.now() > end || child.exitCode !== null || child.signalCode !== null)
        expect.fail(`the actuator never ${what}:\n${[...lines, rest].join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const get = async (path: string) => {
    const response = await fetch(url + path);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return {
    name,
    url,
    lines,
    get,
    ended,
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    says: (text, seconds = PATIENCE) =>
      until(
        async () =>
          lines.find((line) =>
            typeof text === "string" ? line.includes(text) : text.test(line),
          ) ?? null,
        `said ${text}`,
        seconds,
      ),
    healthy: async (seconds = PATIENCE) =>
      void (await until(
        async () => ((await get("/healthz").catch(() => null))?.status === 200 ? "" : null),
        "became healthy",
        seconds,
      )),
    kill: (signal) => void child.kill(signal),
    stop: async () => {
      child.kill("SIGTERM");
      return ended;
    },
  };
}
