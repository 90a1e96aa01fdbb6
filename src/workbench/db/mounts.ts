/** What is mounted in the folder that servers run in. */
import { mkdir, mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { adminEnvironment, mountsUnder } from "./files.ts";
import { ServerProblem } from "./problem.ts";

/** Containers often may not mount; debootstrap would find out half a minute later, and say less. */
export async function checkMounting(): Promise<void> {
  const probe = await mkdtemp(join(tmpdir(), "ruvector-healing-"));
  try {
    await mount("proc", probe);
    await execa("umount", [probe], { env: adminEnvironment });
  } finally {
    await rmdir(probe).catch(() => undefined);
  }
}

async function mount(type: "proc" | "tmpfs", folder: string, options = "defaults"): Promise<void> {
  const result = await execa("mount", ["-t", type, "-o", options, type, folder], {
    env: adminEnvironment,
    reject: false,
  });
  if (!result.failed) return;
  throw new ServerProblem(
    `Mounting ${type} in a folder is not allowed here (a container without CAP_SYS_ADMIN?): ` +
      `${result.stderr.trim()}`,
    "Give the container that capability (docker run --privileged ...), or set " +
      "DATABASE_URL=postgresql://...",
  );
}

/**
 * Mounts what a server needs in the folder where it is not mounted: after a reboot of the machine
 * it is not. Returns what it mounted.
 */
export async function ensureMounts(root: string): Promise<string[]> {
  const mounted = mountsUnder(root);
  const made: string[] = [];
  const proc = join(root, "proc");
  if (!mounted.includes(proc)) {
    await mount("proc", proc);
    made.push(proc);
  }
  // Shared memory of parallel queries; without it the server falls back to System V segments, which
  // a kill leaks.
  const shm = join(root, "dev/shm");
  if (!mounted.includes(shm)) {
    await mkdir(shm, { recursive: true });
    await mount("tmpfs", shm, "mode=1777");
    made.push(shm);
  }
  return made;
}
