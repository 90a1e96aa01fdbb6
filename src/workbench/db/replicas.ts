/**
 * Streaming replicas of an instance of a site: base backup, own port and data, a physical slot
 * each.
 */
import { existsSync } from "node:fs";
import { readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { configure, end, endOrphans, inSite, launch, makeBase, postmaster } from "./cluster.ts";
import { places, type Places } from "./cluster-places.ts";
import { connected, loopbackUrl } from "./connection.ts";
import { removeTree } from "./files.ts";
import { lockFile, readRecord, superuser } from "./places.ts";
import { messageOf, ServerProblem } from "./problem.ts";
import { withLock } from "./lock.ts";
import type { Log, StopMode } from "./provider.ts";
import { quoted } from "./settings.ts";
import type { Site } from "./site.ts";

const nameOf = (place: number): string => `replica${place}`;
const placeOf = (name: string): number => Number(name.slice("replica".length));

/** Names of the replicas that have a folder, in order. */
export async function replicaNames(primary: Places): Promise<string[]> {
  if (!existsSync(primary.base)) return [];
  const entries = await readdir(primary.base);
  return entries
    .filter((entry) => /^replica[1-9]\d*$/.test(entry))
    .sort((a, b) => placeOf(a) - placeOf(b));
}

export interface ReplicaRequest {
  /**
   * The primary's port and settings; a replica may not have less of some of them than the primary.
   */
  port: number;
  settings: Record<string, string>;
  /** The settings are not those of the last start. */
  changed: boolean;
  /** Ports of the last start, by name. */
  ports: Record<string, number>;
  /** How many there shall be; undefined: as many as there are. */
  wanted: number | undefined;
  log: Log;
}

/**
 * Starts the replicas, makes those that are missing, removes those that are too many; returns their
 * ports.
 */
export async function startReplicas(
  primary: Places,
  request: ReplicaRequest,
): Promise<Record<string, number>> {
  const there = await replicaNames(primary);
  const wanted = request.wanted ?? Math.max(there.length, Object.keys(request.ports).length);
  for (const name of there.filter((other) => placeOf(other) > wanted))
    await removeReplica(primary, request.port, name);
  const ports: Record<string, number> = {};
  for (let place = 1; place <= wanted; place += 1) {
    const name = nameOf(place);
    ports[name] = await startReplica(places(primary.site, primary.instance, name), name, request);
  }
  return ports;
}

export async function stopReplicas(primary: Places, mode: StopMode): Promise<void> {
  for (const name of await replicaNames(primary))
    await end(places(primary.site, primary.instance, name), mode);
}

async function startReplica(at: Places, name: string, request: ReplicaRequest): Promise<number> {
  const { port, settings, changed, log } = request;
  const usable = await ensureSlot(port, name);
  const remembered = request.ports[name];
  if ((await postmaster(at)) !== undefined && remembered !== undefined && usable) {
    if (!changed) {
      await follow(at, name, remembered, settings, port);
      return remembered;
    }
    await end(at, "fast");
  }
  await endOrphans(at);
  if (!usable && existsSync(at.data)) {
    log(`The primary no longer has the log that ${at.title} needs; making it anew...`);
    await end(at, "immediate");
    await removeTree(at.data);
  }
  const fresh = !existsSync(at.data);
  if (fresh) await makeReplica(at, name, port, log);
  const lines = { ...settings, ...following(name, port) };
  try {
    return await launch(at, remembered, lines);
  } catch (error) {
    // Its data may be of another time than the primary's (a killed base backup, settings that were
    // lowered).
    if (fresh || !(error instanceof ServerProblem)) throw error;
    log(`${messageOf(error)}\nMaking ${at.title} anew...`);
    await end(at, "immediate");
    await removeTree(at.data);
    await makeReplica(at, name, port, log);
    return launch(at, remembered, lines);
  }
}

/** What makes it a replica of the server on this port. */
const following = (name: string, port: number): Record<string, string> => ({
  primary_conninfo: [
    `host=127.0.0.1 port=${port} user=${superuser}`,
    `application_name=${quoted(name)}`,
  ].join(" "),
  primary_slot_name: name,
});

async function makeReplica(at: Places, name: string, port: number, log: Log): Promise<void> {
  log(`Making ${at.title} from a base backup...`);
  const fresh = await makeBase(at);
  const connection = ["-h", "127.0.0.1", "-p", String(port), "-U", superuser, "-w"];
  const backup = [
    "-D",
    `${at.inside.data}.new`,
    "-X",
    "stream",
    "-S",
    name,
    "--checkpoint=fast",
    "--no-sync",
  ];
  const { failed, all } = await inSite(at, "pg_basebackup", [...connection, ...backup], {
    reject: false,
  });
  if (failed)
    throw new ServerProblem(
      `The base backup of ${at.title} failed:`,
      ...String(all).trimEnd().split("\n").slice(-12),
    );
  await writeFile(join(fresh, "standby.signal"), "");
  await rename(fresh, at.data);
}

async function removeReplica(primary: Places, port: number, name: string): Promise<void> {
  const at = places(primary.site, primary.instance, name);
  await end(at, "immediate");
  await removeTree(at.base);
  await onPrimary(port, (client) =>
    client.query(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name " +
        "= $1 AND NOT active",
      [name],
    ),
  );
}

/**
 * Sees to the replica's slot. false: its log is lost, so that only a new base backup helps; the
 * slot is new then.
 */
async function ensureSlot(port: number, name: string): Promise<boolean> {
  return onPrimary(port, async (client) => {
    const lost = await client.query(
      "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name " +
        "= $1 AND wal_status = 'lost' AND NOT active",
      [name],
    );
    await client.query(
      "SELECT pg_create_physical_replication_slot($1, true) WHERE NOT EXISTS (SELECT FROM " +
        "pg_replication_slots WHERE slot_name = $1)",
      [name],
    );
    return lost.rowCount === 0;
  });
}

const onPrimary = <T>(port: number, work: (client: pg.Client) => Promise<T>): Promise<T> =>
  connected(loopbackUrl(port, "postgres"), work);

/** Lets a running replica follow the server on this port from now on. */
async function follow(
  at: Places,
  name: string,
  own: number,
  settings: Record<string, string>,
  port: number,
): Promise<void> {
  await configure(at, own, { ...settings, ...following(name, port) });
  const { failed, all } = await inSite(at, "pg_ctl", ["reload", "-D", at.inside.data, "-s"], {
    reject: false,
  });
  if (failed)
    throw new ServerProblem(
      `${at.title} could not be told whom to follow:`,
      ...String(all).trimEnd().split("\n"),
    );
}

/** Provider.follow for a site. */
export async function followPort(
  site: Site,
  instance: string,
  name: string,
  port: number | undefined,
): Promise<void> {
  await withLock(lockFile(site.records, instance), {}, async () => {
    const record = await readRecord(site.records, instance);
    const own = record?.replicas?.[name];
    if (record?.port === undefined || own === undefined)
      throw new ServerProblem(`The server "${instance}" has no ${name}.`);
    await follow(places(site, instance, name), name, own, record.settings, port ?? record.port);
  });
}
