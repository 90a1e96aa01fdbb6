import { constants, existsSync, readFileSync } from "node:fs";
import {
  access,
  appendFile,
  chmod,
  mkdir,
  readdir,
  realpath,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { adminEnvironment, mountsUnder, processes, removeTree, sendKill, until } from "./files.ts";
import { mirror, proxyEnvironment } from "./debian-mirror.ts";
import { withLock } from "./lock.ts";
import { checkMounting, ensureMounts } from "./mounts.ts";
import { cacheFolder, recipe } from "./places.ts";
import { messageOf, ServerProblem } from "./problem.ts";
import type { Log } from "./provider.ts";

/**
 * The Debian suite that has all packages. Raise the number when the way the folder is made changes.
 */
const suite = "forky";
const folderName = `debian-${suite}-2`;
const scripts = "/usr/share/debootstrap/scripts";
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

export const rootFolder = (): string => join(cacheFolder(), folderName);

function osRelease(): Map<string, string> {
  const file = "/etc/os-release";
  if (!existsSync(file)) return new Map();
  const lines = readFileSync(file, "utf8").split("\n");
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const match = /^([A-Z_]+)="?([^"]*)"?$/.exec(line);
      return match === null ? [] : [[match[1] ?? "", match[2] ?? ""]];
    }),
  );
}

/** Why a folder cannot be made here, or undefined when it can. */
export function whyNoDebootstrap(): string | undefined {
  if (process.platform !== "linux") return "it needs Linux";
  const release = osRelease();
  const family = `${release.get("ID") ?? ""} ${release.get("ID_LIKE") ?? ""}`.split(" ");
  if (!family.includes("debian") && !family.includes("ubuntu")) return "it needs Debian or Ubuntu";
  if (process.getuid?.() !== 0) return "it needs root";
  return undefined;
}

/**
 * Runs a step of the making; what it prints goes to the build log, whose end is shown when it
 * fails.
 */
async function step(
  logFile: string,
  what: string,
  file: string,
  args: string[],
  env: Record<string, string>,
): Promise<void> {
  await appendFile(logFile, `\n$ ${file} ${args.join(" ")}\n`);
  const result = await execa(file, args, {
    env: { ...adminEnvironment, ...env },
    stdin: "ignore",
    all: true,
    reject: false,
  });
  await appendFile(logFile, `${result.all ?? ""}\n`);
  if (!result.failed) return;
  const tail = `${result.all ?? ""}\n${result.exitCode === undefined ? result.shortMessage : ""}`
    .trimEnd()
    .split("\n")
    .slice(-12);
  throw new ServerProblem(
    `${what} failed. Its last lines:`,
    ...tail.map((line) => `| ${line}`),
    `All of it: ${logFile}`,
    "Other ways to a server: Docker with the compose plugin, or " +
      "DATABASE_URL=postgresql://... for one of yours.",
  );
}

const isProgram = async (name: string): Promise<boolean> => {
  for (const folder of adminEnvironment.PATH.split(delimiter)) {
    try {
      await access(join(folder, name), constants.X_OK);
      return true;
    } catch {
      // Not in this folder.
    }
  }
  return false;
};

async function ensureTools(logFile: string, log: Log): Promise<void> {
  const missing: string[] = [];
  if (!existsSync(join(scripts, "sid"))) missing.push("debootstrap");
  if (!(await isProgram("gpgv"))) missing.push("gpgv");
  if (!existsSync(keyring)) missing.push("debian-archive-keyring");
  if (missing.length === 0) return;
  log(`Installing ${missing.join(", ")} with apt-get...`);
  await step(logFile, "apt-get update", "apt-get", ["update"], {});
  await step(
    logFile,
    "apt-get install",
    "apt-get",
    ["install", "-y", "--no-install-recommends", ...missing],
    {},
  );
}

/**
 * Removes what interrupted makings left, with their processes if those outlived the one that
 * started them.
 */
async function removeLeftovers(): Promise<void> {
  for (const entry of await readdir(cacheFolder())) {
    if (!entry.startsWith(`${folderName}.making-`)) continue;
    const folder = await realpath(join(cacheFolder(), entry));
    const inside = (path: string): boolean => path === folder || path.startsWith(`${folder}/`);
    const users = (): number[] =>
      processes()
        .filter(
          ({ pid, root }) => pid !== process.pid && (inside(root) || hasArgument(pid, folder)),
        )
        .map(({ pid }) => pid);
    await until(() => {
      const pids = users();
      pids.forEach(sendKill);
      return pids.length === 0;
    }, 10);
    await removeTree(folder);
  }
}

function hasArgument(pid: number, argument: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(argument);
  } catch {
    return false;
  }
}

async function make(root: string, log: Log): Promise<void> {
  const from = await mirror();
  const logFile = join(cacheFolder(), "making.log");
  await writeFile(logFile, `${new Date().toISOString()} ${root}\n`);
  await removeLeftovers();
  await checkMounting();
  await ensureTools(logFile, log);
  log(`Making a folder with Debian ${suite} and PostgreSQL 18 in ${root}: once, a minute or so...`);
  const started = Date.now();
  const temporary = `${root}.making-${process.pid}`;
  const env = await proxyEnvironment();
  await mkdir(temporary, { recursive: true });
  try {
    await makeDebian(temporary, from, logFile, env);
    log(`Debian is there (${seconds(started)}); installing ${recipe.packages().join(", ")}...`);
    await installPackages(temporary, logFile, env);
    await mkdir(join(temporary, "srv/ruvector-healing"), { recursive: true });
    // Mounts are made again under the final name.
    for (const mount of mountsUnder(temporary))
      await execa("umount", [mount], { env: adminEnvironment });
    await rename(temporary, root);
  } catch (error) {
    await removeTree(temporary).catch((second: unknown) => log(messageOf(second)));
    throw error;
  }
  log(`The folder is ready (${seconds(started)}).`);
}

type Environment = Awaited<ReturnType<typeof proxyEnvironment>>;

async function makeDebian(
  folder: string,
  from: string,
  logFile: string,
  env: Environment,
): Promise<void> {
  await step(
    logFile,
    "debootstrap",
    "debootstrap",
    [
      "--variant=minbase",
      `--keyring=${keyring}`,
      "--force-check-gpg",
      suite,
      folder,
      from,
      join(scripts, "sid"),
    ],
    env,
  );
  await ensureMounts(folder);
  // No service may start, and no cluster of Debian's making is wanted: instances are made by this
  // program.
  const policy = join(folder, "usr/sbin/policy-rc.d");
  await writeFile(policy, "#!/bin/sh\nexit 101\n");
  await chmod(policy, 0o755);
  const debianClusters = join(folder, "etc/postgresql-common");
  await mkdir(debianClusters, { recursive: true });
  await writeFile(join(debianClusters, "createcluster.conf"), "create_main_cluster = false\n");
  await writeFile(join(folder, "etc/dpkg/dpkg.cfg.d/ruvector-healing"), "force-unsafe-io\n");
}

async function installPackages(folder: string, logFile: string, env: Environment): Promise<void> {
  const chroot = (...command: string[]): [string, string[]] => ["chroot", [folder, ...command]];
  const install = chroot(
    "apt-get",
    "install",
    "-y",
    "--no-install-recommends",
    ...recipe.packages(),
  );
  await step(logFile, "Installing PostgreSQL in the folder", ...install, env);
  await step(logFile, "Cleaning up", ...chroot("apt-get", "clean"), {});
}

const seconds = (since: number): string => `${((Date.now() - since) / 1000).toFixed(0)} s`;

/** The folder with PostgreSQL, made now if it is not there; its real path. */
export async function ensureRoot(log: Log): Promise<string> {
  const root = rootFolder();
  await mkdir(cacheFolder(), { recursive: true });
  const waiting = (pid: number): void =>
    log(`Process ${pid} is making the folder; waiting for it...`);
  return withLock(`${root}.lock`, { waiting }, async () => {
    const real = await canonical(root);
    if (!existsSync(real)) await make(real, log);
    await ensureMounts(real);
    return real;
  });
}

/** Where the folder will really be: mounts and processes are found by real paths. */
const canonical = async (root: string): Promise<string> =>
  join(await realpath(join(root, "..")), folderName);

/** Removes the folder with everything in it. Nothing may run there any more. */
export async function removeRoot(): Promise<void> {
  const root = rootFolder();
  if (existsSync(root)) await removeTree(await realpath(root));
  if (existsSync(cacheFolder())) await removeLeftovers();
  await rm(join(cacheFolder(), "making.log"), { force: true });
}
