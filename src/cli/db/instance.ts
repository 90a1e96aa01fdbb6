/** The instances inside the folder: a primary each, with its replicas, if it was asked for any. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { end, endOrphans, existing, killCluster, launch, makeCluster, places, type Places, postmaster, programs } from "./cluster.ts";
import { ensureDatabase } from "./connection.ts";
import { ensureRoot, removeRoot, rootFolder } from "./debootstrap.ts";
import { processes, removeTree, sendKill, until } from "./files.ts";
import { withLock } from "./lock.ts";
import { lockFile, readRecord, recordedNames, removeRecord, writeRecord } from "./places.ts";
import type { Command, InstanceOptions, InstanceState, Log, Provider, StopMode } from "./provider.ts";
import { followPort, replicaNames, startReplicas, stopReplicas } from "./replicas.ts";
import { sameSettings } from "./settings.ts";

const kind = "debootstrap";

async function start(name: string, options: InstanceOptions): Promise<void> {
  const root = await ensureRoot(options.log);
  const at = places(root, name);
  const waiting = (pid: number): void => options.log(`Process ${pid} is busy with the server "${name}"; waiting...`);
  await withLock(lockFile(kind, name), { waiting }, async () => {
    const before = await readRecord(kind, name);
    if (options.fresh) await removeData(at);
    const settings = options.settings ?? before?.settings ?? {};
    const changed = before !== undefined && !sameSettings(settings, before.settings);
    const port = await startPrimary(at, before?.port, settings, changed, options.log);
    // Written at once: whoever is interrupted from here on finds the primary again.
    await writeRecord(kind, name, { ...before, port, settings });
    await ensureDatabase(port);
    const replicas = await startReplicas(at, { port, settings, changed, ports: before?.replicas ?? {}, wanted: options.replicas, log: options.log });
    await writeRecord(kind, name, { port, settings, replicas });
  });
}

/** The primary, running with these settings; returns its port. */
async function startPrimary(at: Places, port: number | undefined, settings: Record<string, string>, changed: boolean, log: Log): Promise<number> {
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

async function kill9(name: string, replica?: string): Promise<void> {
  const at = await existing(name, replica);
  if (at === undefined) return;
  await killCluster(at);
  // One machine, one power cut.
  if (replica === undefined) for (const other of await replicaNames(at)) await killCluster(places(at.root, name, other));
}

async function removeData(at: Places): Promise<void> {
  await stopReplicas(at, "immediate");
  await end(at, "immediate");
  await removeTree(at.base);
}

async function stop(name: string, mode: StopMode, replica?: string): Promise<void> {
  const at = await existing(name, replica);
  if (at === undefined) return;
  await withLock(lockFile(kind, name), {}, async () => {
    // Replicas first: a primary that shuts down waits until those that are connected have all of its WAL.
    if (replica === undefined) await stopReplicas(at, mode);
    await end(at, mode);
  });
}

async function state(name: string): Promise<InstanceState> {
  const at = await existing(name);
  if (at === undefined) return { running: false, where: rootFolder(), replicas: [] };
  const record = await readRecord(kind, name);
  const replicas = await Promise.all(
    (await replicaNames(at)).map(async (replica) => ({
      name: replica,
      running: (await postmaster(places(at.root, name, replica))) !== undefined,
      port: record?.replicas?.[replica],
    })),
  );
  const port = record?.port;
  return { running: (await postmaster(at)) !== undefined, where: at.base, replicas, ...(port === undefined ? {} : { port }) };
}

async function follow(name: string, replica: string, port: number | undefined): Promise<void> {
  const at = await existing(name);
  if (at !== undefined) await followPort(at.root, name, replica, port);
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

export const debootstrapProvider: Provider = { kind, start, stop, kill9, follow, state, destroy, destroyAll, ownPsql };
