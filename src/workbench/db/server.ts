/** The throwaway server as a library: what the demo, the tests and the command line start. */
import { loopbackUrl } from "./connection.ts";
import { whyNoDebootstrap } from "./debootstrap.ts";
import { lacksPlugin, whyNoDocker } from "./compose.ts";
import { dockerProvider } from "./docker.ts";
import { checkExternal, externalUrl, shown, withDatabase } from "./external.ts";
import { siteProvider } from "./instance.ts";
import {
  checkName,
  database as defaultDatabase,
  readRecord,
  recordedNames,
  type MadeKind,
} from "./places.ts";
import { messageOf, ServerProblem } from "./problem.ts";
import type { Log, Provider, StopMode } from "./provider.ts";
import { dbCommand, givenSite, wantedLanguage } from "./site.ts";

export { ServerProblem } from "./problem.ts";
export type { Log, StopMode } from "./provider.ts";

export interface StartOptions {
  /** Which server: several may run side by side. */
  name?: string;
  /** Drop this server's data first. A server of DATABASE_URL is never emptied. */
  fresh?: boolean;
  /**
   * Settings on top of recipe/postgresql.conf, for example { fsync: "off" }; the server
   * restarts if they change.
   */
  settings?: Record<string, string>;
  /**
   * How many streaming replicas it shall have; left out, it keeps those it has. Not with Docker.
   */
  replicas?: number;
  log?: Log;
}

/**
 * A streaming replica of a server: hot standby, own data and port, a physical slot and an
 * application_name of its name.
 */
export interface Replica {
  /** "replica1", "replica2", ... */
  readonly name: string;
  url(database?: string): string;
  stop(mode?: StopMode): Promise<void>;
  kill9(): Promise<void>;
  /**
   * Starts it again, and whatever else of its server is down; it follows the primary directly then.
   */
  restart(): Promise<void>;
  /**
   * Follows the primary through this port (of a SlowLink), until the next start; without a port
   * directly.
   */
  follow(port?: number): Promise<void>;
}

export interface Server {
  readonly name: string;
  readonly kind: "external" | MadeKind;
  /** The same for humans, with the version where one is known. */
  readonly made_of: string;
  /** Whether stop, restart, kill9 and destroy work: not on a server of DATABASE_URL. */
  readonly canKill: boolean;
  /** A command line for humans. */
  readonly psql: string;
  /** Where data and log are, for humans. */
  readonly where: string;
  /** Its streaming replicas, in order of their names. */
  readonly replicas: readonly Replica[];
  url(database?: string): string;
  stop(mode?: StopMode): Promise<void>;
  /** SIGKILL to the postmaster, to all its backends and to its replicas. */
  kill9(): Promise<void>;
  /**
   * Starts it again if it is down, stops it first if it is not. The port may change: ask url()
   * afterwards.
   */
  restart(): Promise<void>;
  /** Stops it and removes its data. */
  destroy(): Promise<void>;
}

export const providers: Record<MadeKind, Provider> = {
  docker: dockerProvider,
  debootstrap: siteProvider("debootstrap"),
  root: siteProvider("root"),
  bindir: siteProvider("bindir"),
};

function forced(): MadeKind | undefined {
  const kind = process.env["RUVECTOR_HEALING_SERVER"];
  const given = givenSite();
  if (kind === undefined || kind === "") return given;
  if (given !== undefined) {
    throw new ServerProblem(
      `RUVECTOR_HEALING_SERVER=${kind} and RUVECTOR_HEALING_${given.toUpperCase()} are both ` +
        "set: which of them is meant?",
      "Unset one of them.",
    );
  }
  if (kind === "docker" || kind === "debootstrap") return kind;
  throw new ServerProblem(
    `RUVECTOR_HEALING_SERVER=${kind} is not known.`,
    "Use docker or debootstrap, or unset it.",
  );
}

export const whyNot: Record<MadeKind, () => string | undefined | Promise<string | undefined>> = {
  docker: whyNoDocker,
  debootstrap: whyNoDebootstrap,
  root: () => {
    if (process.platform !== "linux") return "it needs Linux";
    return process.getuid?.() === 0 ? undefined : "a chroot needs root";
  },
  bindir: () => (process.platform === "linux" ? undefined : "it needs Linux"),
};

/**
 * The provider of an instance: the forced one, the one that has it already or has others, else the
 * first usable.
 */
export async function providerOf(name: string, log: Log = () => undefined): Promise<Provider> {
  const kind = forced();
  if (kind !== undefined) {
    const reason = await whyNot[kind]();
    if (reason === undefined) return providers[kind];
    const variable =
      kind === givenSite()
        ? `RUVECTOR_HEALING_${kind.toUpperCase()}`
        : `RUVECTOR_HEALING_SERVER=${kind}`;
    throw new ServerProblem(
      `${variable} is set, but that cannot be used here: ${reason}.`,
      "Unset it to let the program choose, or see docs/development-server.md.",
    );
  }
  const reasons: Partial<Record<MadeKind, string>> = {};
  const usable: MadeKind[] = [];
  for (const candidate of ["docker", "debootstrap"] as const) {
    const reason = await whyNot[candidate]();
    if (reason === undefined) usable.push(candidate);
    else reasons[candidate] = reason;
  }
  for (const candidate of usable) {
    if ((await readRecord(candidate, name)) !== undefined) return providers[candidate];
  }
  const first = usable.find((candidate) => recordedNames(candidate).length > 0) ?? usable[0];
  if (first !== undefined) {
    // Who runs Docker expects it to be used.
    if (lacksPlugin(reasons.docker)) log(`${reasons.docker}: not used.`);
    return providers[first];
  }
  throw new ServerProblem(
    "There is no way to a PostgreSQL 18 server here. Do one of these:",
    `- install Docker with the compose plugin and start it (now: ${reasons.docker ?? ""})`,
    "- run this as root on Debian or Ubuntu, which makes a folder with Debian in it (now: " +
      `${reasons.debootstrap ?? ""})`,
    "- name a PostgreSQL of this machine: " +
      "RUVECTOR_HEALING_BINDIR=/usr/lib/postgresql/18/bin, or a folder with one: " +
      "RUVECTOR_HEALING_ROOT=...",
    "- use a server that has pljs or plv8, pgvector and pg_cron: " +
      "DATABASE_URL=postgresql://user:password@host:5432/database",
  );
}

/** Whether a server of that name can have replicas here: not with Docker, not of DATABASE_URL. */
export const canHaveReplicas = async (name = "default"): Promise<boolean> =>
  externalUrl() === undefined && (await providerOf(checkName(name))).kind !== "docker";

function external(name: string, url: string): Server {
  const refuse = (what: string) => (): Promise<never> =>
    Promise.reject(
      new ServerProblem(
        `The server of DATABASE_URL (${shown(url)}) is not this program's to ${what}.`,
        "Unset DATABASE_URL to work with a throwaway server.",
      ),
    );
  return {
    name,
    kind: "external",
    made_of: "DATABASE_URL",
    canKill: false,
    psql: 'psql "$DATABASE_URL"',
    where: shown(url),
    replicas: [],
    url: (database) => withDatabase(url, database),
    stop: refuse("stop"),
    kill9: refuse("kill"),
    restart: refuse("restart"),
    destroy: refuse("remove"),
  };
}

async function made(provider: Provider, name: string): Promise<Server> {
  let state = await provider.state(name);
  const port = (): number => {
    if (state.port !== undefined) return state.port;
    throw new ServerProblem(
      `The server "${name}" has no port: it was never started.`,
      dbCommand("start", name),
    );
  };
  const again = async (): Promise<void> => {
    await provider.start(name, {
      fresh: false,
      settings: undefined,
      replicas: undefined,
      log: () => undefined,
    });
    state = await provider.state(name);
  };
  const replica = (own: string): Replica => ({
    name: own,
    url: (database = defaultDatabase) => {
      const found = state.replicas.find((other) => other.name === own)?.port;
      if (found === undefined)
        throw new ServerProblem(`The server "${name}" has no ${own} any more.`);
      return loopbackUrl(found, database);
    },
    stop: (mode = "fast") => provider.stop(name, mode, own),
    kill9: () => provider.kill9(name, own),
    restart: async () => {
      await provider.stop(name, "fast", own);
      await again();
    },
    follow: (link) => provider.follow(name, own, link),
  });
  return {
    name,
    kind: provider.kind,
    replicas: state.replicas.map((each) => replica(each.name)),
    canKill: true,
    made_of: provider.title(),
    psql: dbCommand("psql", name),
    where: state.where,
    url: (database = defaultDatabase) => loopbackUrl(port(), database),
    stop: (mode = "fast") => provider.stop(name, mode),
    kill9: () => provider.kill9(name),
    restart: async () => {
      await provider.stop(name, "fast");
      await again();
    },
    destroy: () => provider.destroy(name),
  };
}

/** The server of that name as it is now, running or not. */
export async function findServer(name = "default"): Promise<Server> {
  const url = externalUrl();
  return url === undefined ? made(await providerOf(checkName(name)), name) : external(name, url);
}

/**
 * A server that answers and has the database "ruvector" with pljs or plv8, vector and pg_cron;
 * makes what is missing.
 */
export async function startServer(options: StartOptions = {}): Promise<Server> {
  const { name = "default", fresh = false, settings, replicas, log = () => undefined } = options;
  checkName(name);
  wantedLanguage();
  const url = externalUrl();
  if (url !== undefined) {
    if (fresh) log("DATABASE_URL is set: nothing in that database is dropped.");
    if ((replicas ?? 0) > 0)
      throw new ServerProblem(
        "DATABASE_URL is set: replicas are made of throwaway servers only.",
        "Unset DATABASE_URL.",
      );
    await checkExternal(url);
    return external(name, url);
  }
  const provider = await providerOf(name, log);
  const instance = { fresh, settings, replicas, log };
  try {
    await provider.start(name, instance);
    return await made(provider, name);
  } catch (error) {
    // An engine that answers may still be unable to get the base image.
    const other =
      forced() === undefined && provider.kind === "docker" && whyNoDebootstrap() === undefined;
    if (!other || (await readRecord("docker", name)) !== undefined) throw error;
    log(`${messageOf(error)}\nDocker did not do it; making a folder with Debian in it instead.`);
    await providers.debootstrap.start(name, instance);
    return made(providers.debootstrap, name);
  }
}
