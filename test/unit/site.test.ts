/**
 * Where servers are made: what the variables name, and what is said of values that name nothing.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { externalUrl } from "../../src/workbench/db/external.ts";
import { chosen } from "../../src/workbench/db/language.ts";
import {
  dbCommand,
  givenSite,
  type SiteKind,
  siteOf,
  wantedLanguage,
  wantedVersion,
} from "../../src/workbench/db/site.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "ruvector-healing-site-")));
afterAll(() => rmSync(folder, { recursive: true }));

const NAMES = ["ROOT", "BINDIR", "PG_VERSION", "LANGUAGE"] as const;
function set(values: Partial<Record<(typeof NAMES)[number], string>>): void {
  for (const name of NAMES) vi.stubEnv(`RUVECTOR_HEALING_${name}`, values[name] ?? "");
}
beforeEach(() => {
  vi.stubEnv("DATABASE_URL", "");
  set({});
});

/** A directory with the programs of that version, of which one answers. */
function programs(path: string, version: string): string {
  mkdirSync(path, { recursive: true });
  for (const name of ["initdb", "pg_ctl", "pg_basebackup"]) writeFileSync(join(path, name), "");
  writeFileSync(join(path, "postgres"), `#!/bin/sh\necho 'postgres (PostgreSQL) ${version}'\n`, {
    mode: 0o755,
  });
  return path;
}

const root = join(folder, "debian");
for (const version of ["15", "17"])
  programs(join(root, "usr/lib/postgresql", version, "bin"), `${version}.1`);
mkdirSync(join(root, "usr/lib/postgresql/16/bin"), { recursive: true });

const site = (kind: SiteKind) => siteOf(kind, () => join(folder, "own"));

describe("a folder with another Debian", () => {
  it("has its newest version, or the one that is asked for; each with servers of its own", () => {
    set({ ROOT: root });
    expect(givenSite()).toBe("root");
    const newest = site("root");
    expect(newest).toMatchObject({
      version: 17,
      root,
      programs: "/usr/lib/postgresql/17/bin",
      title: `PostgreSQL 17 of the folder ${root}`,
    });
    set({ ROOT: root, PG_VERSION: "15" });
    const older = site("root");
    expect(older.version).toBe(15);
    expect(older.records).not.toBe(newest.records);
    expect(older.instances).not.toBe(newest.instances);
  });

  it.each([
    [
      { ROOT: root, PG_VERSION: "16" },
      /has no PostgreSQL 16 .*it has 17, 15[^]*RUVECTOR_HEALING_PG_VERSION=17/,
    ],
    [{ ROOT: folder }, /has no PostgreSQL in [^]*apt-get install postgresql-18/],
    [{ ROOT: join(folder, "nowhere") }, /no such folder/],
    [{ ROOT: "debian" }, /does not begin with "\/"/],
  ])("%o is refused", (values, message) => {
    set(values);
    expect(() => site("root")).toThrow(message);
  });
});

describe("programs of this machine", () => {
  const bin = programs(join(folder, "bin 15"), "15.4");

  it("say which version they are", () => {
    set({ BINDIR: bin });
    expect(givenSite()).toBe("bindir");
    expect(site("bindir")).toMatchObject({ version: 15, root: "/", programs: bin });
    expect(dbCommand("start", "one")).toBe(
      `RUVECTOR_HEALING_BINDIR='${bin}' npm run db -- start --name one`,
    );
  });

  it.each([
    [{ BINDIR: bin, PG_VERSION: "17" }, /has PostgreSQL 15, not 17/],
    [{ BINDIR: root }, /has no postgres, initdb, pg_ctl, pg_basebackup/],
    [{ BINDIR: programs(join(folder, "old"), "9.6.24") }, /PostgreSQL 15 or newer/],
  ])("%o is refused", (values, message) => {
    set(values);
    expect(() => site("bindir")).toThrow(message);
  });
});

describe("what cannot be meant", () => {
  it("is said, with what to do", () => {
    set({ ROOT: root, BINDIR: root });
    expect(() => givenSite()).toThrow(/both set[^]*Unset one/);
    set({ ROOT: root });
    vi.stubEnv("DATABASE_URL", "postgresql://somebody@127.0.0.1/x");
    expect(() => externalUrl()).toThrow(/RUVECTOR_HEALING_ROOT too/);
    set({ LANGUAGE: "perl" });
    expect(() => wantedLanguage()).toThrow(/perl is not known[^]*pljs or plv8/);
    for (const PG_VERSION of ["9.6", "14", "new"]) {
      set({ PG_VERSION });
      expect(() => wantedVersion()).toThrow(/not a major version/);
    }
    set({ PG_VERSION: "17" });
    expect(() => site("debootstrap")).toThrow(
      /have PostgreSQL 18[^]*RUVECTOR_HEALING_BINDIR=\/usr\/lib\/postgresql\/17\/bin/,
    );
    set({ PG_VERSION: "18" });
    expect(site("debootstrap")).toMatchObject({
      version: 18,
      records: "debootstrap",
      instances: "/srv/ruvector-healing",
    });
  });
});

it("the language is the one that is asked for, else PLJS, else plv8, else none", () => {
  expect([chosen(["vector", "plv8", "pljs"]), chosen(["plv8"]), chosen(["vector"])]).toEqual([
    "pljs",
    "plv8",
    undefined,
  ]);
  set({ LANGUAGE: "plv8" });
  expect([chosen(["plv8", "pljs"]), chosen(["pljs"])]).toEqual(["plv8", undefined]);
});
