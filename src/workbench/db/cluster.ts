/**
 * One PostgreSQL cluster of a site: its data directory, socket folder and log; how it is made,
 * started and ended.
 */
import { existsSync } from "node:fs";
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { execa, type Options } from "execa";
import { type Places, program } from "./cluster-places.ts";
import { adminEnvironment, processes, removeTree, sendKill, textOf, until } from "./files.ts";
import { database, recipe, superuser } from "./places.ts";
import { anyFreePort, isFree } from "./ports.ts";
import { ServerProblem } from "./problem.ts";
import type { StopMode } from "./provider.ts";
import { quoted } from "./settings.ts";
import { dbCommand, type Site } from "./site.ts";

/** Runs a program of the site as the server's user, in a clean environment. */
export async function inSite(at: Places, name: string, args: string[], options: Options = {}) {
  const { root } = at.site;
  const user = await serverUser(at.site);
  const command = program(at, name);
  const chroot = root !== "/";
  return execa(
    chroot ? "chroot" : command,
    chroot ? [`--userspec=${user.uid}:${user.gid}`, root, command, ...args] : args,
    {
      ...(!chroot && process.getuid?.() === 0 && user),
      cwd: "/",
      stdin: "ignore",
      all: true,
      ...options,
      extendEnv: false,
      env: { PATH: adminEnvironment.PATH, LC_ALL: "C.UTF-8", HOME: "/var/lib/postgresql" },
    },
  );
}

/**
 * A folder has users of its own, with numbers of its own. PostgreSQL refuses root; anybody else
 * runs it as himself.
 */
async function serverUser({ kind, root }: Site): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (kind === "bindir" && uid !== 0) return { uid, gid };
  const match = /^postgres:[^:]*:(\d+):(\d+):/m.exec(await textOf(join(root, "etc/passwd")));
  if (match !== null) return { uid: Number(match[1]), gid: Number(match[2]) };
  if (kind === "debootstrap")
    throw new ServerProblem(
      `${root} has no postgres user.`,
      "Make it again: npm run db -- destroy --all",
    );
  throw new ServerProblem(
    `${root === "/" ? "This machine" : root} has no user postgres, and PostgreSQL refuses to ` +
      "run as root.",
    `${root === "/" ? "" : `chroot ${root} `}useradd --system ` +
      `postgres${root === "/" ? "  (or run this as a user who is not root)" : ""}`,
  );
}

/**
 * Every process of this cluster, told by its program and by its working directory, which is the
 * data directory.
 */
export function running(at: Places): number[] {
  const ours = processes().filter(
    ({ exe, cwd }) => basename(exe).startsWith("postgres") && cwd === at.data,
  );
  return ours.map(({ pid }) => pid);
}

/**
 * The postmaster's process, if it is there; a pid file alone proves nothing after a crash or a
 * reboot.
 */
export async function postmaster(at: Places): Promise<number | undefined> {
  const pid = Number((await textOf(join(at.data, "postmaster.pid"))).split("\n")[0]);
  return running(at).includes(pid) ? pid : undefined;
}

export async function failWithLog(at: Places, what: string, from = 0): Promise<never> {
  const text = (await textOf(at.log)).slice(from).trimEnd().split("\n").slice(-12);
  throw new ServerProblem(
    `${what} The end of its log:`,
    ...text.map((line) => `| ${line}`),
    `All of it: ${at.log}`,
    `Start over with an empty one: ${dbCommand("reset", at.instance)}`,
  );
}

/** Data of another major version is nobody's to start: PostgreSQL would refuse, and say less. */
export async function checkVersion(at: Places, madeOf: string | undefined): Promise<void> {
  const version = (await textOf(join(at.data, "PG_VERSION"))).trim();
  if (version === "" || Number(version) === at.site.version) return;
  throw new ServerProblem(
    `The server "${at.title}" was made with PostgreSQL ` +
      `${version}${madeOf === undefined ? "" : ` (${madeOf})`}, and this is ${at.site.title}.`,
    `Another server beside it: ${dbCommand("start", `${at.instance}-${at.site.version}`)}`,
    `Its data dropped, a new one made: ${dbCommand("reset", at.instance)}`,
  );
}

/** Makes the data directory beside its final name, so that one of that name is always whole. */
export async function makeCluster(at: Places): Promise<void> {
  const fresh = await makeBase(at);
  const made = await inSite(
    at,
    "initdb",
    [
      "-D",
      `${at.inside.data}.new`,
      "-U",
      superuser,
      "--auth=trust",
      "--encoding=UTF8",
      "--locale=C.UTF-8",
      "--no-sync",
    ],
    { reject: false },
  );
  if (made.failed)
    throw new ServerProblem("initdb failed:", ...String(made.all).trimEnd().split("\n").slice(-12));
  // Without the database, pg_cron would complain in the log until it exists.
  const create = await inSite(
    at,
    "postgres",
    ["--single", "-D", `${at.inside.data}.new`, "postgres"],
    { reject: false, stdin: "pipe", input: `CREATE DATABASE ${database};\n` },
  );
  if (create.failed)
    throw new ServerProblem(
      "Creating the database failed:",
      ...String(create.all).trimEnd().split("\n").slice(-12),
    );
  await writeFile(
    join(fresh, "postgresql.conf"),
    `${await readFile(join(fresh, "postgresql.conf"), "utf8")}\ninclude ` +
      `'ruvector.conf'\ninclude 'instance.conf'\n`,
  );
  await rename(fresh, at.data);
}

/**
 * The cluster's own folder, with nothing left of a data directory whose making was interrupted;
 * where to make a new one.
 */
export async function makeBase(at: Places): Promise<string> {
  const { uid, gid } = await serverUser(at.site);
  const fresh = `${at.data}.new`;
  await removeTree(fresh);
  await mkdir(at.base, { recursive: true });
  await chmod(at.base, 0o755);
  await chown(at.base, uid, gid);
  return fresh;
}

export async function configure(
  at: Places,
  port: number,
  settings: Record<string, string>,
): Promise<void> {
  await copyFile(recipe.configuration, join(at.data, "ruvector.conf"));
  const lines = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    // The kernel takes 107 bytes of path; everything here asks by 127.0.0.1.
    unix_socket_directories: Buffer.byteLength(at.inside.socket) > 85 ? "" : at.inside.socket,
    cluster_name: at.title,
    ...settings,
  };
  await writeFile(
    join(at.data, "instance.conf"),
    Object.entries(lines)
      .map(([name, value]) => `${name} = ${quoted(value)}\n`)
      .join(""),
  );
}

/**
 * Removes what a killed server left. Nothing of the cluster runs here, so nothing of it is in use.
 */
async function clearLeftovers(at: Places): Promise<void> {
  const { uid, gid } = await serverUser(at.site);
  await rm(join(at.data, "postmaster.pid"), { force: true });
  await rm(at.socket, { recursive: true, force: true });
  await mkdir(at.socket, { recursive: true });
  await chown(at.socket, uid, gid);
}

/**
 * Backends of a postmaster that was killed alone notice within moments; what does not is killed
 * too.
 */
export async function endOrphans(at: Places): Promise<void> {
  if (await until(() => running(at).length === 0, 3)) return;
  running(at).forEach(sendKill);
  if (!(await until(() => running(at).length === 0, 10)))
    await failWithLog(at, "Processes of a killed server do not end.");
}

/**
 * Starts it on its remembered port, or on a free one where somebody else has that meanwhile;
 * returns the port.
 */
export async function launch(
  at: Places,
  remembered: number | undefined,
  settings: Record<string, string>,
): Promise<number> {
  let wanted = remembered;
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted !== undefined && (await isFree(wanted)) ? wanted : await anyFreePort();
    await configure(at, port, settings);
    await clearLeftovers(at);
    const from = existsSync(at.log) ? (await stat(at.log)).size : 0;
    const { failed } = await inSite(
      at,
      "pg_ctl",
      ["start", "-D", at.inside.data, "-l", at.inside.log, "-w", "-t", "180", "-s"],
      { reject: false },
    );
    if (!failed) return port;
    const said = (await textOf(at.log)).slice(from);
    if (/could not access file "(\$libdir\/)?pg_cron"/.test(said)) {
      throw new ServerProblem(
        `${at.site.title} has no pg_cron.`,
        `Install it there; Debian's package is postgresql-${at.site.version}-cron.`,
      );
    }
    // A killed backend that lets go of its memory has no program and no folder any more, by which
    // it would be seen.
    const dying = said.includes("pre-existing shared memory block");
    // Somebody may take the port between the look and the start.
    const taken = said.includes("Address already in use");
    if (attempt === (dying ? 50 : 5) || !(dying || taken))
      await failWithLog(at, `The server "${at.title}" did not start.`, from);
    wanted = taken ? undefined : port;
    if (dying) await setTimeout(200);
  }
}

export async function end(at: Places, mode: StopMode): Promise<void> {
  if ((await postmaster(at)) === undefined) return endOrphans(at);
  const args = ["stop", "-D", at.inside.data, "-m", mode, "-w", "-t", "120", "-s"];
  const { failed } = await inSite(at, "pg_ctl", args, { reject: false });
  if (failed && (await postmaster(at)) !== undefined) {
    await failWithLog(
      at,
      "The server did not stop within two minutes " +
        `(${dbCommand("stop", at.instance, "--mode immediate")} does not wait for it).`,
    );
  }
  await endOrphans(at);
}

/** SIGKILL to the postmaster and to all its backends. */
export async function killCluster(at: Places): Promise<void> {
  const pid = await postmaster(at);
  // The postmaster first: it must not see its backends die and restart them.
  if (pid !== undefined) sendKill(pid);
  const gone = await until(() => {
    const left = running(at);
    left.forEach(sendKill);
    return left.length === 0;
  }, 10);
  if (!gone)
    throw new ServerProblem(
      `Processes of the server "${at.title}" survive SIGKILL: ${running(at).join(", ")}.`,
    );
}
