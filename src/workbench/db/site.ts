/**
 * Where the PostgreSQL is that servers are made of: in the folder that this program makes, in a
 * folder with another Debian (RUVECTOR_HEALING_ROOT), or in a directory of this machine
 * (RUVECTOR_HEALING_BINDIR). The one place that reads these variables, RUVECTOR_HEALING_PG_VERSION
 * and RUVECTOR_HEALING_LANGUAGE.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Language } from "../project.ts";
import { cacheFolder } from "./places.ts";
import { messageOf, ServerProblem } from "./problem.ts";

export type SiteKind = "debootstrap" | "root" | "bindir";

export interface Site {
  readonly kind: SiteKind;
  readonly version: number;
  /** The folder that servers see as "/"; "/" itself where they run without chroot. */
  readonly root: string;
  /** Where the programs are and where servers are kept, as seen from `root`. */
  readonly programs: string;
  readonly instances: string;
  /**
   * Its servers are remembered apart from those of other sites, so that one name never means two
   * kinds of data.
   */
  readonly records: string;
  /** For messages. */
  readonly title: string;
}

/** The version in the folder that this program makes; recipe/packages names it too. */
const OWN_VERSION = 18;
const OLDEST = 15;

const variables = {
  root: "RUVECTOR_HEALING_ROOT",
  bindir: "RUVECTOR_HEALING_BINDIR",
  version: "RUVECTOR_HEALING_PG_VERSION",
  language: "RUVECTOR_HEALING_LANGUAGE",
} as const;

const given = (which: keyof typeof variables): string | undefined => {
  const value = process.env[variables[which]];
  return value === "" ? undefined : value;
};

/** The language that is asked for; undefined: what there is, PLJS first. */
export function wantedLanguage(): Language | undefined {
  const language = given("language");
  if (language === undefined || language === "pljs" || language === "plv8") return language;
  throw new ServerProblem(
    `RUVECTOR_HEALING_LANGUAGE=${language} is not known.`,
    "Use pljs or plv8, or unset it to take what the server has.",
  );
}

/** The major version that is asked for. */
export function wantedVersion(): number | undefined {
  const version = given("version");
  if (version === undefined) return undefined;
  if (/^\d{1,3}$/.test(version) && Number(version) >= OLDEST) return Number(version);
  throw new ServerProblem(
    `RUVECTOR_HEALING_PG_VERSION=${version} is not a major version of PostgreSQL from ` +
      `${OLDEST} on.`,
    `For example RUVECTOR_HEALING_PG_VERSION=17, or unset it.`,
  );
}

/** What a person has to put before a command so that it means the same servers. */
export const variablesGiven = (): string =>
  (Object.keys(variables) as (keyof typeof variables)[])
    .filter((which) => given(which) !== undefined)
    .map((which) => `${variables[which]}=${shell(given(which)!)} `)
    .join("");

const shell = (text: string): string =>
  /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** `npm run db -- <command>` for this server, as it can be typed in any shell. */
export const dbCommand = (command: string, name = "default", ...more: string[]): string =>
  [
    `${variablesGiven()}npm run db -- ${command}`,
    ...(name === "default" ? [] : [`--name ${name}`]),
    ...more,
  ].join(" ");

/** Which of the two places is named; undefined: neither, this program makes its own. */
export function givenSite(): "root" | "bindir" | undefined {
  const [root, bindir] = [given("root"), given("bindir")];
  if (root !== undefined && bindir !== undefined) {
    throw new ServerProblem(
      `RUVECTOR_HEALING_ROOT (${root}) and RUVECTOR_HEALING_BINDIR (${bindir}) are both set.`,
      "Unset one: ROOT is a folder with a Debian in it, run in a chroot; BINDIR a directory " +
        "of this machine's own programs.",
    );
  }
  if (root !== undefined) return "root";
  return bindir === undefined ? undefined : "bindir";
}

let known: { readonly of: string; readonly site: Site } | undefined;

/** The site of that kind, checked once. */
export function siteOf(kind: SiteKind, ownRoot: () => string): Site {
  const of = [
    kind,
    process.getuid?.(),
    cacheFolder(),
    ...Object.keys(variables).map((which) => given(which as keyof typeof variables)),
  ].join("\n");
  if (known?.of !== of) known = { of, site: newSite(kind, ownRoot) };
  return known.site;
}

function newSite(kind: SiteKind, ownRoot: () => string): Site {
  switch (kind) {
    case "root":
      return rootSite();
    case "bindir":
      return bindirSite();
    case "debootstrap":
      return ownSite(ownRoot());
  }
}

function ownSite(root: string): Site {
  const version = wantedVersion() ?? OWN_VERSION;
  if (version !== OWN_VERSION) throw otherVersion(version);
  return {
    kind: "debootstrap",
    version,
    root,
    programs: programsOf(version),
    instances: "/srv/ruvector-healing",
    records: "debootstrap",
    title: `PostgreSQL ${version} of the folder ${root}`,
  };
}

/** What this program makes itself, in a folder or with Docker, has one version. */
export const otherVersion = (version: number): ServerProblem =>
  new ServerProblem(
    `RUVECTOR_HEALING_PG_VERSION=${version}, but the servers that this program makes itself ` +
      `have PostgreSQL ${OWN_VERSION}.`,
    "Say where that version is, one of these:",
    "- RUVECTOR_HEALING_ROOT=<a folder with a Debian that has it>",
    `- RUVECTOR_HEALING_BINDIR=${programsOf(version)}`,
    "- DATABASE_URL=postgresql://user:password@host:5432/database",
  );

export const isOwnVersion = (version: number | undefined): boolean =>
  version === undefined || version === OWN_VERSION;

const programsOf = (version: number | string): string => `/usr/lib/postgresql/${version}/bin`;
const NEEDED = ["postgres", "initdb", "pg_ctl", "pg_basebackup"];

/** A folder that somebody gave, as its real path: processes and mounts are found by it. */
function folder(which: "root" | "bindir"): string {
  const path = given(which)!;
  if (!isAbsolute(path))
    throw new ServerProblem(
      `${variables[which]}=${path} does not begin with "/".`,
      "Write the whole path.",
    );
  if (existsSync(path)) return realpathSync(path);
  throw new ServerProblem(
    `${variables[which]}=${path}: there is no such folder.`,
    "Correct it, or unset it to have a server made.",
  );
}

/** Servers of a place are kept apart from those of every other one. */
const keyOf = (kind: SiteKind, ...place: (string | number)[]): string =>
  `${kind}-${createHash("sha256").update(place.join("\n")).digest("hex").slice(0, 8)}`;

function rootSite(): Site {
  const root = folder("root");
  const there = join(root, "usr/lib/postgresql");
  const versions = (existsSync(there) ? readdirSync(there) : [])
    .filter((name) => existsSync(join(root, programsOf(name), "postgres")))
    .map(Number)
    .sort((a, b) => b - a);
  const version = wantedVersion() ?? versions[0];
  if (version === undefined || !versions.includes(version)) {
    throw new ServerProblem(
      `RUVECTOR_HEALING_ROOT=${root} has ` +
        `${version === undefined ? "no PostgreSQL" : `no PostgreSQL ${version}`} in ` +
        "/usr/lib/postgresql" +
        `${versions.length === 0 ? "" : ` (it has ${versions.join(", ")})`}.`,
      versions.length === 0 || version === undefined
        ? `chroot ${root} apt-get install postgresql-${version ?? OWN_VERSION}, with pgvector, ` +
            "pg_cron and a JavaScript language"
        : `RUVECTOR_HEALING_PG_VERSION=${versions[0]}, or unset it`,
    );
  }
  return {
    kind: "root",
    version,
    root,
    programs: programsOf(version),
    instances: `/srv/ruvector-healing-${version}`,
    records: keyOf("root", root, version),
    title: `PostgreSQL ${version} of the folder ${root}`,
  };
}

function bindirSite(): Site {
  const programs = folder("bindir");
  const missing = NEEDED.filter((name) => !existsSync(join(programs, name)));
  if (missing.length > 0) {
    throw new ServerProblem(
      `RUVECTOR_HEALING_BINDIR=${programs} has no ${missing.join(", ")}.`,
      "It is the directory of the server's programs, for example /usr/lib/postgresql/17/bin " +
        "(pg_config --bindir).",
    );
  }
  const version = versionOf(join(programs, "postgres"));
  const wanted = wantedVersion() ?? version;
  if (version !== wanted) {
    throw new ServerProblem(
      `RUVECTOR_HEALING_BINDIR=${programs} has PostgreSQL ${version}, not ${wanted} ` +
        "(RUVECTOR_HEALING_PG_VERSION).",
      `RUVECTOR_HEALING_PG_VERSION=${version}, or unset it`,
    );
  }
  // The server's user must get there, and a home directory of root's is closed to it.
  const records = keyOf("bindir", programs);
  const instances =
    process.getuid?.() === 0
      ? `/var/lib/ruvector-healing/${records}`
      : join(cacheFolder(), records);
  return {
    kind: "bindir",
    version,
    root: "/",
    programs,
    instances,
    records,
    title: `PostgreSQL ${version} of ${programs}`,
  };
}

function versionOf(postgres: string): number {
  try {
    const said = execFileSync(postgres, ["--version"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const version = Number(/\(PostgreSQL\) (\d+)/.exec(said)?.[1]);
    if (version >= OLDEST) return version;
    throw new ServerProblem(
      `${postgres} is ${said.trim()}.`,
      `PostgreSQL ${OLDEST} or newer is needed.`,
    );
  } catch (error) {
    if (error instanceof ServerProblem) throw error;
    throw new ServerProblem(
      `${postgres} --version failed: ${messageOf(error)}`,
      "Is it a PostgreSQL for this machine?",
    );
  }
}
