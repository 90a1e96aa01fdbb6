/** What the commands say where they could not ask, and what to type. */
import pg from "pg";
import { describe, expect, it } from "vitest";
import { NO_PASSWORD, target } from "../../src/commands/connect.ts";
import { failure } from "../../src/commands/terminal/session.ts";

const to = target("postgresql://ann@h/app", {});
const refused = (code: string, message: string, more: object = {}): pg.DatabaseError =>
  Object.assign(new pg.DatabaseError(message, message.length, "error"), { code, ...more });

describe("failure", () => {
  it("names the GRANT that a role lacks, and leaves the server's own hints", () => {
    const role = target("host=h user=o'brien", {});
    for (const what of ["schema ruvector", "function ruvector_healing_status"])
      expect(failure(refused("42501", `permission denied for ${what}`), role)).toMatch(
        /^permission denied.*\nSELECT ruvector_healing_grant\('o''brien', 'viewer'\);/,
      );
    expect(
      failure(refused("42501", "permission denied for function ruvector_healing_uninstall"), to),
    ).toContain("Only the role that installed");
    expect(failure(refused("42501", "permission denied for table docs"), to)).toBe(
      "permission denied for table docs",
    );
    expect(failure(refused("42501", "not ruvector", { hint: "Theirs." }), to)).toBe(
      "not ruvector\nTheirs.",
    );
  });

  it("takes an installation for older where a function of ours is missing, and no other", () => {
    const missing = (name: string): string =>
      failure(refused("42883", `function ${name}(integer) does not exist`), to);
    expect(missing("ruvector.ruvector_healing_report")).toContain("is older than this command");
    expect(missing("app.price")).toBe("function app.price(integer) does not exist");
  });

  it("calls no server silent that answered", () => {
    expect(failure(new Error(NO_PASSWORD), to)).toMatch(
      /^ann@h:5432\/app asks for a password.*PGPASS/s,
    );
    expect(failure(new Error("The server does not support SSL connections"), to)).toMatch(
      /speaks no TLS.*\nsslmode=prefer/,
    );
    const left = Object.assign(new Error("Aborted with Ctrl+D"), { name: "AbortError" });
    expect(failure(left, to)).toBe("Aborted with Ctrl+D: nothing was changed.");
    expect(failure(new Error("connect ECONNREFUSED"), to)).toContain("does not answer");
  });

  it("repeats what was typed as a shell takes it, and no password", () => {
    const missing = refused("3F000", 'schema "ruvector" does not exist');
    for (const [typed, shown] of [
      ["host=h dbname='my db'", ` -d 'host=h dbname='\\''my db'\\'''`],
      ["postgresql://h/d?a=1&b=2", " -d 'postgresql://h/d?a=1&b=2'"],
      ["postgresql://h/app", " -d postgresql://h/app"],
      ["postgresql://ann:hush/h@ush@h/app", " -d (the same)"],
    ] as const)
      expect(failure(missing, to, typed)).toContain(`npx ruvector-healing install${shown}\n`);
  });
});
