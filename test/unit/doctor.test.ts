/** What the doctor makes of a server's facts: the provider, what is missing, what to type. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { diagnose } from "../../src/commands/doctor/checks.ts";
import type { Facts, Installed } from "../../src/commands/doctor/facts.ts";
import { compareVersions } from "../../src/commands/doctor/installed.ts";
import { PLATFORMS, platformOf, withCron } from "../../src/commands/doctor/platforms.ts";
import { changesText } from "../../src/commands/operate/call.ts";
import { setting } from "../../src/commands/operate/commands.ts";

const extension = (name: string, version: string | null = "1.0") => ({
  name,
  default_version: "1.0",
  installed_version: version,
});
const INSTALLED: Installed = {
  version: "0.1.0",
  owner: "healer",
  language: "plv8",
  by_extension: false,
  loop: { title: "The loop runs", sentence: "It runs.", statement: null, stands_still: false },
  collections: 1,
  jobs: [
    {
      jobid: "1",
      jobname: "ruvector_healing_tick_app",
      schedule: "5 seconds",
      active: true,
      failure: null,
    },
  ],
  gone_jobs: [],
  foreign_tables: [],
};
/** A server on which nothing is missing. */
const WELL: Facts = {
  version_num: 170_005,
  version: "17.5",
  banner: "PostgreSQL 17.5 on x86_64-pc-linux-gnu, compiled by gcc",
  database: "app",
  role: "alice",
  encoding: "UTF8",
  standby: false,
  public_schema: true,
  may_create_in_public: true,
  may_create_schemas: true,
  settings: [],
  roles: [],
  aurora: false,
  preloaded: "pg_stat_statements,pg_cron",
  cron_loaded: true,
  cron_database: "app",
  cron_usage: true,
  extensions: [extension("plv8"), extension("vector"), extension("pg_cron", "1.6")],
  installed: INSTALLED,
};
const left = (facts: Partial<Facts>) =>
  diagnose({ ...WELL, ...facts }, "0.1.0").findings.filter(({ state }) => state !== "well");
const without = (...names: string[]) => WELL.extensions.filter(({ name }) => !names.includes(name));
const of = (installed: Partial<Installed>): Partial<Facts> => ({
  installed: { ...INSTALLED, ...installed },
});

it("has nothing to say where nothing is missing", () => {
  expect(left({})).toEqual([]);
});

it("names what else runs the loop, and jobs of a database that was renamed", () => {
  const job = { ...INSTALLED.jobs![0]!, jobid: "2", jobname: "of mine" };
  expect(left(of({ jobs: [job] }))).toEqual([]);
  expect(left(of({ jobs: [{ ...job, active: false }, ...INSTALLED.jobs!] }))).toMatchObject([
    { type: ["SELECT cron.alter_job(2, active := true);"] },
  ]);
  expect(left(of({ jobs: [job, ...INSTALLED.jobs!] }))).toMatchObject([
    {
      says: "pg_cron's job 2 (of mine) runs the loop as well",
      type: ["SELECT cron.unschedule(2);"],
    },
  ]);
  expect(left(of({ gone_jobs: [{ jobid: "3", database: "old" }] }))).toMatchObject([
    {
      says: "pg_cron's job 3 is for database old, which is not there any more",
      type: ["SELECT cron.unschedule(3);"],
    },
  ]);
});

it("asks of pg_cron what the role that installed may; says what can be typed already", () => {
  expect(left({ cron_usage: false })).toMatchObject([
    { says: "healer may not use pg_cron", type: [expect.stringContaining("TO healer;")] },
  ]);
  const elsewhere = { extensions: without("pg_cron"), cron_database: "postgres" };
  const still = of({ loop: { ...INSTALLED.loop!, stands_still: true } });
  expect(left({ ...elsewhere, ...still })[0]!.type).toEqual([
    expect.stringMatching(/^SELECT ruvector_healing_schedule/),
  ]);
  expect(left({ ...elsewhere, installed: null })[0]!.type).toEqual([
    expect.stringMatching(/^# once it is installed/),
  ]);
});

it("sends whoever would install on a standby to the primary", () => {
  const standby = { standby: true, extensions: [extension("plv8", null), extension("vector")] };
  expect(left(standby)[0]).toMatchObject({ state: "missing", says: "a standby: it only reads" });
  expect(left({ ...standby, installed: null })[0]).toMatchObject({
    state: "wrong",
    type: [expect.stringMatching(/^# install on the primary/)],
  });
});

it("says what to type where the language of an installation was dropped", () => {
  const gone = of({ language: null });
  const extensions = [...without("plv8"), extension("plv8", null)];
  expect(left({ ...gone, extensions }).map(({ type }) => type[0])).toContain(
    "CREATE EXTENSION plv8;",
  );
  expect(left(gone)).toMatchObject([
    { state: "wrong", type: [expect.stringMatching(/^npx ruvector-healing upgrade/)] },
  ]);
});

describe.each<[string, Partial<Facts>]>([
  ["Amazon Aurora", { aurora: true, settings: ["rds.extensions"] }],
  ["Amazon RDS", { settings: ["rds.extensions"] }],
  ["Google AlloyDB", { settings: ["alloydb.enable_pg_cron"], roles: ["cloudsqlsuperuser"] }],
  ["Google Cloud SQL", { settings: ["cloudsql.enable_pg_cron"] }],
  ["Azure Flexible Server", { settings: ["azure.extensions"] }],
  ["Neon", { settings: ["neon.timeline_id"] }],
  ["Supabase", { roles: ["supabase_admin"] }],
  ["Aiven", { roles: ["avnadmin"] }],
  ["CloudNativePG", { roles: ["streaming_replica"], banner: "PostgreSQL 17.5 (Debian 17.5-1)" }],
  ["RPM", { banner: "PostgreSQL 17.5 on x86_64, compiled by gcc (GCC) 11.5.0 (Red Hat 11.5.0-2)" }],
  ["Debian and Ubuntu", { banner: "PostgreSQL 17.5 (Debian 17.5-1.pgdg12+1)" }],
  ["another server", {}],
])("%s", (title, facts) => {
  const page = readFileSync("docs/platforms.md", "utf8");

  it("is recognised, and has its part of docs/platforms.md", () => {
    expect(platformOf({ ...WELL, ...facts }).title).toBe(title);
    if (title !== "another server") expect(page).toContain(`\n## ${title}\n`);
  });

  it("says what is typed there so that the server loads pg_cron, as the page does", () => {
    const [one] = left({
      ...facts,
      cron_loaded: false,
      preloaded: "pg_stat_statements",
      extensions: without("pg_cron"),
    });
    expect(one).toMatchObject({ state: "missing", says: expect.stringContaining("pg_cron") });
    const commands = one!.type.filter((line) => /^(aws|gcloud|az) /.test(line));
    // Where it reads <...>, values differ from the page's; the options are the same.
    for (const command of commands) {
      const options = command.match(/^\w+ [a-z -]+? (?=-)|--[\w-]+/g) ?? [];
      expect(page.split("\n").some((line) => options.every((word) => line.includes(word)))).toBe(
        true,
      );
    }
    expect(one!.type.length).toBeGreaterThan(0);
  });

  it("says what to do about a language that is not there", () => {
    const [one] = left({ ...facts, extensions: without("plv8") });
    expect(one!.state).toBe("wrong");
    expect(one!.type.length).toBeGreaterThan(0);
  });
});

it("knows each platform of its list by some server", () => {
  expect(PLATFORMS).toHaveLength(12);
});

it("names what exists for what is there, and never guesses what it may not see", () => {
  expect(left({ extensions: [...without("plv8"), extension("pljs", null)] })[0]!.type).toEqual([
    "CREATE EXTENSION pljs;",
  ]);
  expect(left({ extensions: [...without("vector"), extension("vector", null)] })[0]!.type).toEqual([
    "CREATE EXTENSION vector;",
  ]);
  // It may be that one, or another: what finds out is typed.
  const hides = of({ loop: { ...INSTALLED.loop!, stands_still: true } });
  expect(
    left({ extensions: without("pg_cron"), cron_database: null, ...hides }).slice(0, 1),
  ).toMatchObject([
    {
      says: "pg_cron is not in app, and alice may not see which database it lives in",
      type: [expect.stringMatching(/^SELECT ruvector_healing_schedule/)],
    },
  ]);
  expect(withCron(WELL)).toBe("pg_stat_statements,pg_cron");
  expect(withCron({ ...WELL, preloaded: "rdsutils, auto_explain,$(x)" }, ["rdsutils"])).toBe(
    "auto_explain,pg_cron",
  );
  const [hidden] = left({
    settings: ["rds.extensions"],
    preloaded: null,
    cron_loaded: false,
    extensions: without("pg_cron"),
  });
  expect(hidden!.type.join("\n")).toContain("may not see shared_preload_libraries");
  // A name is data: nothing of it reaches a shell.
  const [hostile] = left({
    settings: ["cloudsql.x"],
    database: "a$(reboot)",
    cron_loaded: false,
    extensions: without("pg_cron"),
  });
  expect(hostile!.type.join("\n")).not.toContain("reboot");
});

it.each<[string, Partial<Facts>, RegExp, RegExp]>([
  ["an old server", { version_num: 140_010, version: "14.10" }, /15 or newer/, /./],
  ["another encoding", { encoding: "LATIN1" }, /UTF8/, /CREATE DATABASE app_utf8/],
  [
    "no right to create",
    { installed: null, may_create_in_public: false },
    /may not create/,
    /GRANT CREATE ON SCHEMA public TO alice;/,
  ],
  [
    "pg_cron elsewhere, and no loop",
    {
      cron_database: "postgres",
      extensions: without("pg_cron"),
      ...of({ loop: null, jobs: [] }),
    },
    /database postgres, not in app/,
    /ruvector_healing_schedule/,
  ],
  [
    "pg_cron of Debian 12",
    { extensions: [...without("pg_cron"), extension("pg_cron", "1.4-1")] },
    /every minute/,
    /1\.5/,
  ],
  ["pg_cron not for this role", { cron_usage: false }, /may not use/, /GRANT USAGE ON SCHEMA cron/],
  ["nothing installed", { installed: null }, /not installed/, /^npx ruvector-healing install$/],
  ["an older one", of({ version: "0.0.9" }), /older/, /upgrade/],
  ["a newer one", of({ version: "0.2.0" }), /newer/, /ruvector-healing@0\.2\.0/],
  [
    "a role without a level",
    of({ version: null }),
    /alice may not ask/,
    /grant\('alice', 'viewer'\)/,
  ],
  [
    "a job that fails",
    of({
      jobs: [
        {
          jobid: "7",
          jobname: null,
          schedule: "5 seconds",
          active: true,
          failure: "connection failed",
        },
      ],
    }),
    /job 7 fails: connection failed/,
    /jobid = 7/,
  ],
  [
    "a job that is off",
    of({
      jobs: [{ jobid: "7", jobname: null, schedule: "5 seconds", active: false, failure: null }],
    }),
    /switched off/,
    /alter_job\(7, active := true\)/,
  ],
  [
    "a stale loop",
    of({
      loop: { title: "", sentence: "The loop does not run.", statement: "X;", stands_still: true },
    }),
    /does not run/,
    /^X;$/,
  ],
  ["no table", of({ collections: 0 }), /no table/, /register/],
  [
    "a table of another role",
    of({ foreign_tables: [{ table: "app.docs", owner: "Bob" }] }),
    /healer has not the rights of Bob/,
    /^GRANT "Bob" TO healer;$/,
  ],
])("says of %s what to type", (_, facts, says, type) => {
  const [one] = left(facts);
  expect(one!.says).toMatch(says);
  expect(one!.type.join("\n")).toMatch(type);
});

it("orders versions by their numbers, one of development before its release", () => {
  expect(compareVersions("0.9.0", "0.10.0")).toBe(-1);
  expect(compareVersions("0.2.0", "0.2.0-dev")).toBe(1);
  expect(compareVersions("1.0", "1.0.0")).toBe(0);
});

it("reads settings as key=value and as JSON, together", () => {
  expect(setting("max_moves=100", setting("mode=observe"))).toEqual({
    mode: "observe",
    max_moves: 100,
  });
  expect(setting('{"enabled": false}', { mode: "auto" })).toEqual({ mode: "auto", enabled: false });
  expect(() => setting("observe")).toThrow("key=value");
  expect(() => setting("{oops")).toThrow("JSON object");
  // Infinite here, and null in JSON: the setting would be taken back.
  expect(setting("max_moves=1e999")).toEqual({ max_moves: "1e999" });
  expect(() => setting('{"max_moves": -1e999}')).toThrow("JSON object");
});

it("shows what configure changed, and of an older installation what was asked for", () => {
  const asked = { mode: "observe", settle_seconds: 5 };
  expect(changesText({ mode: { old: "auto", new: "observe" } }, asked)).toBe(
    "mode  auto -> observe",
  );
  expect(changesText({}, asked)).toMatch(/^Nothing changed/);
  expect(changesText({ mode: "observe", batch_rows: 9, settle_seconds: 5 }, asked)).toBe(
    "mode            observe\nsettle_seconds  5",
  );
});
