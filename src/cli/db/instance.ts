/** The clusters inside the folder: one data directory, socket folder, port and log each. */
import { existsSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { execa, type Options } from "execa";
import { ensureDatabase } from "./connection.ts";
import { ensureRoot, removeRoot, rootFolder } from "./debootstrap.ts";
import { adminEnvironment, processes, removeTree, sendKill, textOf, until } from "./files.ts";
import { withLock } from "./lock.ts";
import { database, lockFile, readRecord, recipe, recordedNames, removeRecord, superuser, writeRecord } from "./places.ts";
import { anyFreePort, isFree } from "./ports.ts";
import { ServerProblem } from "./problem.ts";
import type { Command, InstanceOptions, InstanceState, Log, Provider, StopMode } from "./provider.ts";
import { quoted, sameSettings } from "./settings.ts";

const kind = "debootstrap";
const programs = "/usr/lib/postgresql/18/bin";

/** An instance's places, as the machine sees them and as the server in the folder does. */
function places(root: string, name: string) {
  const inside = `/srv/ruvector-healing/${name}`;
  const base = join(root, inside);
  return {
    root,
    base,
    data: join(base, "data"),
    socket: join(base, "socket"),
    log: join(base, "postgresql.log"),
    inside: { base: inside, data: `${inside}/data`, socket: `${inside}/socket`, log: `${inside}/postgresql.log` },
  };
}
type Places = ReturnType<typeof places>;

/** The folder's real path, without making it. */
async function existing(name: string): Promise<Places | undefined> {
  const root = rootFolder();
  return existsSync(root) ? places(await realpath(root), name) : undefined;
}

/** Runs a program of the folder as its postgres user, in a clean environment. */
async function inFolder(at: Places, command: string, args: string[], options: Options = {}) {
  const { uid, gid } = await postgresUser(at.root);
  const chroot = [`--userspec=${uid}:${gid}`, at.root, command, ...args];
  return execa("chroot", chroot, {
    cwd: "/",
    stdin: "ignore",
    all: true,
    ...options,
    extendEnv: false,
    env: { PATH: adminEnvironment.PATH, LC_ALL: "C.UTF-8", HOME: "/var/lib/postgresql" },
  });
}

/** The folder has users of its own, with numbers of its own. */
async function postgresUser(root: string): Promise<{ uid: number; gid: number }> {
  const match = /^postgres:[^:]*:(\d+):(\d+):/m.exec(await readFile(join(root, "etc/passwd"), "utf8"));
  if (match === null) throw new ServerProblem(`${root} has no postgres user.`, "Make it again: npm run db -- destroy --all");
  return { uid: Number(match[1]), gid: Number(match[2]) };
}

/** Every process of this instance, told by its program and by its working directory, which is the data directory. */
function running(at: Places): number[] {
  const program = join(at.root, programs, "postgres");
  const ours = processes().filter(({ exe, cwd }) => exe.startsWith(program) && cwd === at.data);
  return ours.map(({ pid }) => pid);
}

/** The postmaster's process, if it is there; a pid file alone proves nothing after a crash or a reboot. */
async function postmaster(at: Places): Promise<number | undefined> {
  const pid = Number((await textOf(join(at.data, "postmaster.pid"))).split("\n")[0]);
  return running(at).includes(pid) ? pid : undefined;
}

async function failWithLog(at: Places, what: string, from = 0): Promise<never> {
  const text = (await textOf(at.log)).slice(from).trimEnd().split("\n").slice(-12);
  throw new ServerProblem(
    `${what} The end of its log:`,
    ...text.map((line) => `| ${line}`),
    `All of it: ${at.log}`,
    `Start over with an empty one: npm run db -- reset --name ${basename(at.base)}`,
  );
}

/** Makes the data directory beside its final name, so that one of that name is always whole. */
async function makeCluster(at: Places): Promise<void> {
  const { uid, gid } = await postgresUser(at.root);
  const fresh = `${at.data}.new`;
  await removeTree(fresh);
  await mkdir(at.base, { recursive: true });
  await chmod(at.base, 0o755);
  await chown(at.base, uid, gid);
  const made = await inFolder(
    at,
    join(programs, "initdb"),
    ["-D", `${at.inside.data}.new`, "-U", superuser, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
    { reject: false },
  );
  if (made.failed) throw new ServerProblem("initdb failed:", ...String(made.all).trimEnd().split("\n").slice(-12));
  // Without the database, pg_cron would complain in the log until it exists.
  const create = await inFolder(
    at,
    join(programs, "postgres"),
    ["--single", "-D", `${at.inside.data}.new`, "postgres"],
    { reject: false, stdin: "pipe", input: `CREATE DATABASE ${database};\n` },
  );
  if (create.failed) throw new ServerProblem("Creating the database failed:", ...String(create.all).trimEnd().split("\n").slice(-12));
  await writeFile(
    join(fresh, "postgresql.conf"),
    `${await readFile(join(fresh, "postgresql.conf"), "utf8")}\ninclude 'ruvector.conf'\ninclude 'instance.conf'\n`,
  );
  await rename(fresh, at.data);
}

async function configure(at: Places, port: number, settings: Record<string, string>): Promise<void> {
  await copyFile(recipe.configuration, join(at.data, "ruvector.conf"));
  const lines = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: at.inside.socket,
    cluster_name: basename(at.base),
    ...settings,
  };
  await writeFile(
    join(at.data, "instance.conf"),
    Object.entries(lines)
      .map(([name, value]) => `${name} = ${quoted(value)}\n`)
      .join(""),
  );
}

/** Removes what a killed server left. Nothing of the instance runs here, so nothing of it is in use. */
async function clearLeftovers(at: Places): Promise<void> {
  const { uid, gid } = await postgresUser(at.root);
  await rm(join(at.data, "postmaster.pid"), { force: true });
  await rm(at.socket, { recursive: true, force: true });
  await mkdir(at.socket, { recursive: true });
  await chown(at.socket, uid, gid);
}

/** Backends of a postmaster that was killed alone notice within moments; what does not is killed too. */
async function endOrphans(at: Places): Promise<void> {
  if (await until(() => running(at).length === 0, 3)) return;
  running(at).forEach(sendKill);
  if (!(await until(() => running(at).length === 0, 10))) await failWithLog(at, "Processes of a killed server do not end.");
}

async function launch(at: Places, name: string, settings: Record<string, string>): Promise<number> {
  const remembered = (await readRecord(kind, name))?.port;
  for (let attempt = 1; ; attempt += 1) {
    const port =
      attempt === 1 && remembered !== undefined && (await isFree(remembered)) ? remembered : await anyFreePort();
    await configure(at, port, settings);
    await clearLeftovers(at);
    const from = existsSync(at.log) ? (await stat(at.log)).size : 0;
    const { failed } = await inFolder(
      at,
      join(programs, "pg_ctl"),
      ["start", "-D", at.inside.data, "-l", at.inside.log, "-w", "-t", "180", "-s"],
      { reject: false },
    );
    if (!failed) {
      await writeRecord(kind, name, { port, settings });
      return port;
    }
    // Somebody may take the port between the look and the start.
    const taken = (await textOf(at.log)).slice(from).includes("Address already in use");
    if (!taken || attempt === 5) await failWithLog(at, `The server "${name}" did not start.`, from);
  }
}

async function start(name: string, options: InstanceOptions): Promise<void> {
  const root = await ensureRoot(options.log);
  const at = places(root, name);
  const waiting = (pid: number): void => options.log(`Process ${pid} is busy with the server "${name}"; waiting...`);
  await withLock(lockFile(kind, name), { waiting }, async () => {
    const record = await readRecord(kind, name);
    if (options.fresh) await removeData(at);
    const settings = options.settings ?? record?.settings ?? {};
    if ((await postmaster(at)) !== undefined && record?.port !== undefined) {
      if (sameSettings(settings, record.settings)) return ensureDatabase(record.port);
      options.log(`Restarting the server "${name}" with other settings...`);
      await end(at, "fast");
    }
    await endOrphans(at);
    if (!existsSync(at.data)) {
      options.log(`Making the server "${name}"...`);
      await makeCluster(at);
    }
    await ensureDatabase(await launch(at, name, settings));
  });
}

async function end(at: Places, mode: StopMode): Promise<void> {
  if ((await postmaster(at)) === undefined) return endOrphans(at);
  const args = ["stop", "-D", at.inside.data, "-m", mode, "-w", "-t", "120", "-s"];
  const { failed } = await inFolder(at, join(programs, "pg_ctl"), args, { reject: false });
  if (failed && (await postmaster(at)) !== undefined) {
    await failWithLog(at, "The server did not stop within two minutes (npm run db -- stop --mode immediate does not wait for it).");
  }
  await endOrphans(at);
}

function killAll(at: Places, pid: number | undefined): void {
  // The postmaster first: it must not see its backends die and restart them.
  if (pid !== undefined) sendKill(pid);
  running(at).forEach(sendKill);
}

async function kill9(name: string): Promise<void> {
  const at = await existing(name);
  if (at === undefined) return;
  killAll(at, await postmaster(at));
  const gone = await until(() => {
    const left = running(at);
    left.forEach(sendKill);
    return left.length === 0;
  }, 10);
  if (!gone) throw new ServerProblem(`Processes of the server "${name}" survive SIGKILL: ${running(at).join(", ")}.`);
}

async function removeData(at: Places): Promise<void> {
  await end(at, "immediate");
  await removeTree(at.base);
}

async function stop(name: string, mode: StopMode): Promise<void> {
  const at = await existing(name);
  if (at !== undefined) await withLock(lockFile(kind, name), {}, () => end(at, mode));
}

async function state(name: string): Promise<InstanceState> {
  const at = await existing(name);
  if (at === undefined) return { running: false, where: rootFolder() };
  const port = (await readRecord(kind, name))?.port;
  const up = (await postmaster(at)) !== undefined;
  return { running: up, where: at.base, ...(port === undefined ? {} : { port }) };
}

async function destroy(name: string): Promise<void> {
  const at = await existing(name);
  await withLock(lockFile(kind, name), {}, async () => {
    if (at !== undefined) await removeData(at);
    removeRecord(kind, name);
  });
}

async function destroyAll(log: Log): Promise<void> {
  for (const name of recordedNames(kind)) {
    log(`Removing the server "${name}"...`);
    await destroy(name);
  }
  // An instance without a record: its start was interrupted.
  const at = await existing("any");
  if (at !== undefined) {
    const left = processes().filter(({ root }) => root === at.root);
    for (const { pid } of left) sendKill(pid);
    await until(() => !processes().some(({ root }) => root === at.root), 10);
  }
  if (existsSync(rootFolder())) log(`Removing ${rootFolder()}...`);
  await removeRoot();
}

function ownPsql(_name: string, args: string[]): Command {
  const environment = ["-C", "/root", "HOME=/root", "PATH=/usr/bin:/bin", join(programs, "psql")];
  return { file: "chroot", args: [rootFolder(), "/usr/bin/env", ...environment, ...args] };
}

export const debootstrapProvider: Provider = { kind, start, stop, kill9, state, destroy, destroyAll, ownPsql };
