/** Where the commands connect to, as psql would. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConnectionProblem, target } from "../../src/commands/connect.ts";
import { filedPassword, passwordIn } from "../../src/commands/password-file.ts";
import { externalUrl } from "../../src/workbench/db/external.ts";

const none = { PGHOST: "nowhere" };

describe("target", () => {
  it("takes a URL before the environment", () => {
    const { config, shown } = target(
      "postgresql://ann:s%3Acret@db.example:6000/my%20db?application_name=x",
      { ...none, PGUSER: "bob", PGPORT: "1", PGDATABASE: "other", PGSSLMODE: "disable" },
    );
    expect(config).toMatchObject({
      host: "db.example",
      port: 6000,
      user: "ann",
      password: "s:cret",
      database: "my db",
      application_name: "x",
      ssl: false,
    });
    expect(shown).toBe("ann@db.example:6000/my db");
  });

  it("takes the PG* variables", () => {
    expect(
      target(undefined, {
        PGHOST: "h",
        PGPORT: "5433",
        PGUSER: "u",
        PGDATABASE: "d",
        PGCONNECT_TIMEOUT: "3",
        PGAPPNAME: "a",
      }).config,
    ).toMatchObject({
      host: "h",
      port: 5433,
      user: "u",
      database: "d",
      connectionTimeoutMillis: 3000,
      application_name: "a",
    });
    expect(target(undefined, none).config).toMatchObject({
      host: "nowhere",
      port: 5432,
      user: userInfo().username,
      database: userInfo().username,
    });
  });

  it("takes DATABASE_URL where nothing else is named, before the PG* variables", () => {
    const environment = { ...none, DATABASE_URL: "postgresql://ann@there:6000/app" };
    expect(target(undefined, environment).shown).toBe("ann@there:6000/app");
    expect(target("", environment).shown).toBe("ann@there:6000/app");
    expect(target("other", environment).config).toMatchObject({ host: "nowhere" });
    expect(target(undefined, { ...none, DATABASE_URL: "", PGUSER: "u" }).config.host).toBe(
      "nowhere",
    );
  });

  it("takes a conninfo string and the bare name of a database", () => {
    expect(target(`host=h port=5433 user='o\\'neil' dbname = 'my db'`, none).config).toMatchObject({
      host: "h",
      port: 5433,
      user: "o'neil",
      database: "my db",
    });
    expect(target("app", none).config).toMatchObject({ host: "nowhere", database: "app" });
    expect(target("postgresql:///app?host=/tmp", none).config).toMatchObject({
      host: "/tmp",
      database: "app",
      ssl: false,
    });
    // As Cloud SQL writes it: a user, and no host but a folder.
    for (const at of ["ann@", "ann:p%40ss@"])
      expect(target(`postgresql://${at}/app?host=/cloudsql/a:b:c`, none).config).toMatchObject({
        host: "/cloudsql/a:b:c",
        user: "ann",
        database: "app",
        ...(at.includes(":") && { password: "p@ss" }),
      });
    expect(target("postgresql://ann@/app", none).config).toMatchObject({ host: "nowhere" });
  });

  it("takes names and passwords as libpq does, whatever is in them", () => {
    for (const [typed, database] of [
      ["postgresql://h/a%2Fb", "a/b"],
      ["postgresql://h/q%3Fx%23y%25", "q?x#y%"],
      ["postgresql://%2Ftmp/My%20%22D%C3%A2ta%20Base", 'My "Dâta Base'],
      ["postgresql:///a%2Fb?host=/tmp", "a/b"],
      ["host=h dbname=o'brien", "o'brien"],
    ] as const)
      expect(target(typed, none).config.database, typed).toBe(database);
    expect(target("host=h password=it's user=a dbname=", none).config).toMatchObject({
      user: "a",
      password: "it's",
      database: "a",
    });
  });

  it("reads sslmode as libpq does", () => {
    const tls = (mode: string, more = "") => target(`postgresql://h/d?sslmode=${mode}${more}`, {});
    expect(tls("disable")).toMatchObject({ config: { ssl: false }, tlsIsOptional: false });
    expect(tls("prefer")).toMatchObject({
      config: { ssl: { rejectUnauthorized: false } },
      tlsIsOptional: true,
    });
    expect(target("postgresql://h/d", {})).toMatchObject({
      config: { ssl: { rejectUnauthorized: false } },
      tlsIsOptional: true,
    });
    expect(tls("require")).toMatchObject({
      config: { ssl: { rejectUnauthorized: false } },
      tlsIsOptional: false,
    });
    expect(tls("verify-full", "&sslrootcert=system").config.ssl).toEqual({});
    expect(target("postgresql://h/d", { PGSSLMODE: "require" })).toMatchObject({
      tlsIsOptional: false,
    });
  });

  it("drills and the throwaway server's commands repeat no password either", () => {
    const before = process.env["DATABASE_URL"];
    process.env["DATABASE_URL"] = "postgresql://ann:hushhush/hush@h:5432/d";
    try {
      expect(() => externalUrl()).toThrow("not an address: postgresql://ann:***@h:5432/d");
    } finally {
      if (before === undefined) delete process.env["DATABASE_URL"];
      else process.env["DATABASE_URL"] = before;
    }
  });

  it("says what is wrong, without the password", () => {
    for (const [text, environment] of [
      ["host", { PGSSLMODE: "maybe" }],
      ["host=h nonsense", {}],
      ["postgresql://ann:hushhush@h:port/d", {}],
      ["postgresql://ann:hush/hushhush@h/d", {}],
      ["postgresql://ann:hushhush/hush@h/d", {}],
      ["postgresql://ann:hushhush#hush@h/d", {}],
      ["host=h password='hushhush", {}],
      ["host=h password='it''s hushhush'", {}],
      ["postgresql://ann:hushhush@h,h2/d", {}],
      ["postgresql://ann:hushhush@h:1,h2:2/d", {}],
      ["host=h,h2 password=hushhush", {}],
      ["host=h port=many", {}],
      ["host=h port=65536", {}],
      ["host=h", { PGPORT: "many" }],
      ["", { PGPORT: "99999" }],
      ["mysql://ann:hushhush@h/d", {}],
      ["jdbc:postgresql://h/d", {}],
      // Another server than psql's would be asked.
      ["service=app", {}],
      ["postgresql:///?service=app", {}],
      ["", { PGSERVICE: "app" }],
      ["postgresql://h/d?sslmode=verify-ca", {}],
      ["postgresql://h/d?sslmode=verify-full&sslrootcert=/does/not/exist", {}],
    ] as const) {
      expect(() => target(text, environment), text).toThrow(ConnectionProblem);
      expect(() => target(text, environment), text).toThrow(
        expect.not.stringContaining("hushhush"),
      );
    }
  });
});

describe("a password file", () => {
  const at = { host: "db", port: 5432, database: "app", user: "ann" };
  it.each([
    ["db:5432:app:ann:secret", "secret"],
    ["# db:5432:app:ann:no\n\nother:*:*:*:no\r\n*:*:*:ann:secret\r\n*:*:*:*:later", "secret"],
    ["db:5432:app:ann:with:colons\\\\and\\:more", "with:colons\\and:more"],
    ["db:5433:app:ann:no", undefined],
    ["db:5432:app:ann:", undefined],
    ["db:5432:app:ann", undefined],
    ["", undefined],
  ])("%j has %j", (text, password) => {
    expect(passwordIn(text, at)).toBe(password);
  });

  it("has names with colons, and sockets as localhost", () => {
    expect(passwordIn("db:1:a\\:b\\\\:ann:x", { ...at, port: 1, database: "a:b\\" })).toBe("x");
    expect(passwordIn("localhost:*:*:*:x", { ...at, host: "/var/run/postgresql" })).toBe("x");
  });

  it("that others may read is left unread, and that is said", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ruvector-healing-"));
    const file = join(folder, "pgpass");
    const said: string[] = [];
    const read = () => filedPassword(file, at, (problem) => void said.push(problem));
    expect(read()).toBeUndefined();
    await writeFile(file, "*:*:*:*:secret\n", { mode: 0o644 });
    expect(read()).toBeUndefined();
    expect(said).toEqual([expect.stringContaining(`chmod 600 ${file}`)]);
    await chmod(file, 0o600);
    expect(read()).toBe("secret");
    // Asked for where nothing else has one, and only then.
    const asked = (where: string, more = {}) =>
      target(where, { PGPASSFILE: file, ...more }).config.password;
    expect((asked("postgresql://ann@db/app") as () => string)()).toBe("secret");
    expect((asked(`host=db passfile=${file}`, { PGPASSFILE: "/no" }) as () => string)()).toBe(
      "secret",
    );
    expect(asked("postgresql://ann@db/app", { PGPASSWORD: "other" })).toBe("other");
    expect(asked("postgresql://ann:own@db/app", { PGPASSWORD: "other" })).toBe("own");
    await rm(folder, { recursive: true });
    expect(asked("postgresql://ann@db/app") as () => string).toThrow("none was given");
  });
});

it("takes addresses as other tools write them, and says what is none", () => {
  const address = "postgresql://ann:secret@db:6000/app";
  for (const quote of ['"', "'"])
    expect(target(undefined, { DATABASE_URL: `${quote}${address}${quote}` }).shown).toBe(
      "ann@db:6000/app",
    );
  for (const typed of ["localhost:5432/app", "db.example:5432", "[::1]:5432/app"])
    expect(() => target(typed, none)).toThrow(`write postgresql://${typed}`);
  const tls = (parameters: string) => target(`${address}?${parameters}`, none);
  expect(tls("ssl=true")).toMatchObject({
    tlsIsOptional: false,
    config: { ssl: { rejectUnauthorized: false } },
  });
  expect(tls("sslmode=no-verify").config).toMatchObject({ ssl: { rejectUnauthorized: false } });
  expect(tls("ssl=false").config.ssl).toBe(false);
  expect(tls("ssl=true&sslmode=disable").config.ssl).toBe(false);
});
