/** PgBouncer before a server, in front of all its databases. */
import { spawn } from "node:child_process";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import getPort from "get-port";
import { debianPrograms, type Programs } from "./debian-programs.ts";
import { waitEnds } from "./patience.ts";

const PROGRAMS = { pgbouncer: "pgbouncer" } as const;

/** @returns null where it cannot be had and the tests are to be skipped */
export const pgbouncer = (): Promise<Programs<typeof PROGRAMS> | null> =>
  debianPrograms({
    what: "PgBouncer",
    packages: ["pgbouncer"],
    libraries: /^lib(event|c-ares)/,
    folder: "pgbouncer-1",
    programs: PROGRAMS,
  });

export interface Pooler {
  /** The address of the server's database, by the pooler. */
  readonly url: string;
  /** What it has logged. */
  log(): string;
  stop(): Promise<void>;
}

/** @param server address of a database that takes its user without a password */
export async function startPooler(
  program: string,
  server: string,
  mode: "session" | "transaction",
): Promise<Pooler> {
  const behind = new URL(server);
  const port = await getPort();
  const folder = await mkdtemp(join(tmpdir(), "ruvector-healing-pgbouncer-"));
  const file = join(folder, "pgbouncer.ini");
  const isRoot = process.getuid?.() === 0;
  const lines = [
    "[databases]",
    `* = host=${behind.hostname} port=${behind.port} user=${behind.username}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    `pool_mode = ${mode}`,
    // It does not run as root.
    ...(isRoot ? ["user = nobody"] : []),
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  await chmod(folder, 0o755);
  const child = spawn(program, [file], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, LD_LIBRARY_PATH: (await libraries(program)).join(":") },
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => void (said += text.toString()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const over = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await over;
    }
    await rm(folder, { recursive: true, force: true });
  };
  const end = waitEnds();
  while (!(await isOpen(port))) {
    if (child.exitCode === null && Date.now() < end) continue;
    await stop();
    throw new Error(`PgBouncer does not answer: ${said}`);
  }
  const url = new URL(server);
  url.hostname = "127.0.0.1";
  url.port = String(port);
  return { url: url.href, log: () => said, stop };
}

/** Unpacked beside it; of an installed one these are the machine's own. */
async function libraries(program: string): Promise<string[]> {
  const folder = join(dirname(program), "../lib");
  return (await readdir(folder))
    .filter((name) => name.endsWith("-linux-gnu"))
    .map((name) => join(folder, name));
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const ended = (open: boolean) => () => {
      socket.destroy();
      setTimeout(() => resolve(open), open ? 0 : 50);
    };
    socket.once("connect", ended(true)).once("error", ended(false));
  });
