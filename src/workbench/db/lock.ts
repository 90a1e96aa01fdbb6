import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, ServerProblem } from "./problem.ts";

interface Holder {
  pid: number;
  /**
   * When the process started, in the kernel's ticks since boot: tells a process from a later one of
   * the same pid.
   */
  started: string;
  token: string;
}

/**
 * The kernel's start time of a process; "" where there is no /proc, undefined when there is no such
 * process.
 */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses and may contain anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function isAlive(holder: Holder): boolean {
  const started = startOf(holder.pid);
  return (
    started !== undefined && (started === "" || holder.started === "" || started === holder.started)
  );
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes the whole file or nothing: false when the lock is held. */
async function take(file: string, mine: string, token: string): Promise<boolean> {
  const draft = `${file}.${token}`;
  await writeFile(draft, mine);
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes the lock of a process that is gone, and puts back a live one that came in between. */
async function removeStale(file: string, seen: string, token: string): Promise<void> {
  const aside = `${file}.stale-${token}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  if ((await read(aside)) !== seen) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

export interface LockOptions {
  /** Called once when somebody else holds the lock. */
  waiting?: (pid: number) => void;
  timeoutSeconds?: number;
}

/**
 * Runs work while holding a lock file that names this process; locks of dead processes are taken
 * over.
 */
export async function withLock<T>(
  file: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const token = randomUUID();
  const mine = JSON.stringify({
    pid: process.pid,
    started: startOf(process.pid) ?? "",
    token,
  } satisfies Holder);
  const deadline = Date.now() + (options.timeoutSeconds ?? 900) * 1000;
  let told = false;
  await mkdir(dirname(file), { recursive: true });
  while (!(await take(file, mine, token))) {
    const seen = await read(file);
    if (seen === undefined) continue;
    let holder: Holder | undefined;
    try {
      holder = JSON.parse(seen) as Holder;
    } catch {
      // Not something this program wrote whole: nobody holds it.
    }
    if (holder === undefined || !isAlive(holder)) {
      await removeStale(file, seen, token);
      continue;
    }
    if (!told) options.waiting?.(holder.pid);
    told = true;
    if (Date.now() > deadline) {
      throw new ServerProblem(
        `Process ${holder.pid} has held ${file} for too long.`,
        `If that process is not one of this project: rm '${file}'`,
      );
    }
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    if ((await read(file)) === mine) await rm(file, { force: true });
  }
}
