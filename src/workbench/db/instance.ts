/** The instances of a site: a primary each, with its replicas, if it was asked for any. */
import { existsSync } from "node:fs";
import { appendFile, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import {
  checkVersion,
  end,
  endOrphans,
  killCluster,
  launch,
  makeCluster,
  postmaster,
} from "./cluster.ts";
import { existingSite, places, type Places } from "./cluster-places.ts";
import { ensureDatabase } from "./connection.ts";
import { ensureRoot, removeRoot, rootFolder } from "./debootstrap.ts";
import { ensureMounts } from "./mounts.ts";
import { adminEnvironment, processes, removeTree, sendKill, textOf, until } from "./files.ts";
import { withLock } from "./lock.ts";
import {
  cacheFolder,
  lockFile,
  readRecord,
  recordedNames,
  removeRecord,
  writeRecord,
} from "./places.ts";
import type {
  Command,
  InstanceOptions,
  InstanceState,
  Log,
  Provider,
  StopMode,
} from "./provider.ts";
import { followPort, replicaNames, startReplicas, stopReplicas } from "./replicas.ts";
import { sameSettings } from "./settings.ts";
import {
  isOwnVersion,
  otherVersion,
  type Site,
  type SiteKind,
  variablesGiven,
  wantedVersion,
} from "./site.ts";

/** The site, made where this program makes it, with all that servers need of it. */
async function ensureSite(kind: SiteKind, log: Log): Promise<Site> {
  if (kind === "debootstrap") {
    const version = wantedVersion();
    if (!isOwnVersion(version)) throw otherVersion(version!);
    await ensureRoot(log);
  }
  const site = existingSite(kind)!;
  if (kind === "root") await rememberMounts(site, await ensureMounts(site.root));
  return site;
}

/** What this program mounted in somebody's folder it takes away again with the last server. */
const mountsFile = (site: Site): string => join(cacheFolder(), "instances", site.records, "mounts");

async function rememberMounts(site: Site, mounts: readonly string[]): Promise<void> {
  if (mounts.length === 0) return;
  await mkdir(dirname(mountsFile(site)), { recursive: true });
  await appendFile(mountsFile(site), mounts.map((mount) => `${mount}\n`).join(""));
}

async function start(kind: SiteKind, name: string, options: InstanceOptions): Promise<void> {
  const site = await ensureSite(kind, options.log);
  const at = places(site, name);
  const waiting = (pid: number): void =>
    options.log(`Process ${pid} is busy with the server "${name}"; waiting...`);
  await withLock(lockFile(site.records, name), { waiting }, async () => {
    const before = await readRecord(site.records, name);
    if (options.fresh) await removeData(at);
    await checkVersion(at, before?.made_of);
    const made = { made_of: site.title, variables: variablesGiven() };
    const settings = options.settings ?? before?.settings ?? {};
    const changed = before !== undefined && !sameSettings(settings, before.settings);
    const port = await startPrimary(at, before?.port, settings, changed, options.log);
    // Written at once: whoever is interrupted from here on finds the primary again.
    await writeRecord(site.records, name, { ...before, port, settings, ...made });
    await ensureDatabase(port);
    const replicas = await startReplicas(at, {
      port,
      settings,
      changed,
      ports: before?.replicas ?? {},
      wanted: options.replicas,
      log: options.log,
    });
    await writeRecord(site.records, name, { port, settings, replicas, ...made });
  });
}

/** The primary, running with these settings; returns its port. */
async function startPrimary(
  at: Places,
  port: number | undefined,
  settings: Record<string, string>,
  changed: boolean,
  log: Log,
): Promise<number> {
  if ((await postmaster(at)) !== undefined && port !== undefined) {
    if (!changed) return port;
    log(`Restarting the server "${at.title}" with other settings...`);
    await stopReplicas(at, "fast");
    await end(at, "fast");
  }
  await endOrphans(at);
  if (!existsSync(at.data)) {
    log(`Making the server "${at.title}"...`);
    await makeCluster(at);
  }
  return launch(at, port, settings);
}

async function kill9(site: Site, name: string, replica?: string): Promise<void> {
  const at = places(site, name, replica);
  await killCluster(at);
  // One machine, one power cut.
  if (replica === undefined)
    for (const other of await replicaNames(at)) await killCluster(places(site, name, other));
}

async function removeData(at: Places): Promise<void> {
  await stopReplicas(at, "immediate");
  await end(at, "immediate");
  await removeTree(at.base);
}

async function stop(site: Site, name: string, mode: StopMode, replica?: string): Promise<void> {
  const at = places(site, name, replica);
  await withLock(lockFile(site.records, name), {}, async () => {
    // Replicas first: a primary that shuts down waits until those that are connected have all of
    // its WAL.
    if (replica === undefined) await stopReplicas(at, mode);
    await end(at, mode);
  });
}

async function state(site: Site, name: string): Promise<InstanceState> {
  const at = places(site, name);
  const record = await readRecord(site.records, name);
  const replicas = await Promise.all(
    (await replicaNames(at)).map(async (replica) => ({
      name: replica,
      running: (await postmaster(places(site, name, replica))) !== undefined,
      port: record?.replicas?.[replica],
    })),
  );
  const port = record?.port;
  return {
    running: (await postmaster(at)) !== undefined,
    where: at.base,
    replicas,
    ...(port === undefined ? {} : { port }),
  };
}

async function destroy(site: Site, name: string): Promise<void> {
  await withLock(lockFile(site.records, name), {}, async () => {
    await removeData(places(site, name));
    removeRecord(site.records, name);
  });
}

/** Its servers, and of a place that somebody named nothing else. */
async function destroyAll(site: Site, log: Log): Promise<void> {
  for (const name of recordedNames(site.records)) {
    log(`Removing the server "${name}"...`);
    await destroy(site, name);
  }
  if (site.kind === "debootstrap") return removeFolder(site, log);
  await removeTree(join(site.root, site.instances));
  for (const mount of (await textOf(mountsFile(site))).split("\n").filter(Boolean).reverse()) {
    await execa("umount", [mount], { env: adminEnvironment, reject: false });
  }
  await rm(dirname(mountsFile(site)), { recursive: true, force: true });
}

async function removeFolder({ root }: Site, log: Log): Promise<void> {
  // An instance without a record: its start was interrupted.
  const left = processes().filter((one) => one.root === root);
  for (const { pid } of left) sendKill(pid);
  await until(() => !processes().some((one) => one.root === root), 10);
  log(`Removing ${root}...`);
  await removeRoot();
}

function ownPsql(site: Site, args: string[]): Command {
  const psql = join(site.programs, "psql");
  if (site.root === "/") return { file: psql, args };
  const environment = ["-C", "/root", "HOME=/root", "PATH=/usr/bin:/bin", psql];
  return { file: "chroot", args: [site.root, "/usr/bin/env", ...environment, ...args] };
}

/**
 * The site is looked for at each call; where it is not made yet there is nothing to stop or to
 * show.
 */
export function siteProvider(kind: SiteKind): Provider {
  const there = <T>(work: (site: Site) => T, otherwise: T): T => {
    const site = existingSite(kind);
    return site === undefined ? otherwise : work(site);
  };
  const nothing = Promise.resolve();
  return {
    kind,
    records: () => there((site) => site.records, kind),
    title: () => there((site) => site.title, kind),
    start: (name, options) => start(kind, name, options),
    stop: (name, mode, replica) => there((site) => stop(site, name, mode, replica), nothing),
    kill9: (name, replica) => there((site) => kill9(site, name, replica), nothing),
    follow: (name, replica, port) =>
      there((site) => followPort(site, name, replica, port), nothing),
    state: (name) =>
      there(
        (site) => state(site, name),
        Promise.resolve<InstanceState>({ running: false, where: rootFolder(), replicas: [] }),
      ),
    destroy: (name) => there((site) => destroy(site, name), nothing),
    destroyAll: (log) => there((site) => destroyAll(site, log), nothing),
    ownPsql: (_name, args) => ownPsql(existingSite(kind)!, args),
  };
}
