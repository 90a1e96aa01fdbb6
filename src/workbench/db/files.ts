import { existsSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { codeOf, ServerProblem } from "./problem.ts";

/** A PATH that also has the administrator's commands, which `su` leaves out. */
export const adminEnvironment = {
  PATH: `${process.env["PATH"] ?? "/usr/bin:/bin"}:/usr/local/sbin:/usr/sbin:/sbin`,
  LC_ALL: "C.UTF-8",
  DEBIAN_FRONTEND: "noninteractive",
};

/** Mount points at or under a folder, deepest first. */
export function mountsUnder(folder: string): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((path) => path === folder || path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length);
}

export interface ProcessLinks {
  pid: number;
  exe: string;
  cwd: string;
  root: string;
}

/** Where every process that may be looked at runs. */
export function processes(): ProcessLinks[] {
  const found: ProcessLinks[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const look = (name: string): string => {
      try {
        return readlinkSync(`/proc/${entry}/${name}`);
      } catch {
        return ""; // Gone meanwhile, a kernel thread, or not ours to see.
      }
    };
    const cwd = look("cwd");
    if (cwd !== "") found.push({ pid: Number(entry), exe: look("exe"), cwd, root: look("root") });
  }
  return found;
}

export function sendKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  seconds: number,
): Promise<boolean> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await condition())) {
    if (Date.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

/**
 * Unmounts what is mounted inside a folder of ours, then removes it; never removes across a mount.
 */
export async function removeTree(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const mount of mountsUnder(folder))
    await execa("umount", [mount], { env: adminEnvironment, reject: false });
  const left = mountsUnder(folder);
  if (left.length > 0) {
    throw new ServerProblem(
      `${left.join(", ")} could not be unmounted, so ${folder} was not removed.`,
      `Find out who uses it (fuser -vm ${left[0] ?? folder}), then: umount ${left.join(" ")}`,
    );
  }
  await execa("rm", ["-rf", "--one-file-system", "--", folder]);
}

/** The regular files of a folder whose names end so; none when there is no such folder. */
export async function filesIn(folder: string, ending: string): Promise<string[]> {
  try {
    return (await readdir(folder))
      .filter((name) => name.endsWith(ending))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
}
