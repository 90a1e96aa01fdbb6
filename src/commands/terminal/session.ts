/**
 * One question to the database and its end: what goes wrong is said in one line, with the server's
 * own hint.
 */
import pg from "pg";
import pc from "../colours.ts";
import { connect, NO_PASSWORD, NO_TLS, type Target, target } from "../connect.ts";
import { EXIT } from "../exit.ts";
import { printable, sqlLiteral } from "../../base/text.ts";
import type { Query } from "../status-data/query.ts";

export interface Common {
  readonly dbname?: string;
  readonly json?: boolean;
}

/** What is wrong with what was asked for, in words that say what to type instead. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** Connects, asks, disconnects. @returns the exit code */
export async function asking(
  { dbname }: Common,
  ask: (query: Query) => Promise<number>,
): Promise<void> {
  const to = target(dbname);
  let client: pg.Client | undefined;
  try {
    client = await connect(to);
    const connected = client;
    connected.on("notice", ({ message }) =>
      process.stderr.write(`${pc.dim(printable(message ?? "", 1000))}\n`),
    );
    // One connection asks one thing at a time.
    let before: Promise<unknown> = Promise.resolve();
    const query: Query = (statement, parameters = []) => {
      const answer = before.then(() => connected.query(statement, [...parameters]));
      before = answer.catch(() => undefined);
      return answer.then(({ rows }) => rows);
    };
    process.exitCode = await ask(query);
  } catch (error) {
    process.stderr.write(`${pc.red(failure(error, to, dbname))}\n`);
    process.exitCode = EXIT.failed;
  } finally {
    await client?.end().catch(() => undefined);
  }
}

/** As it was typed; a password is not repeated. */
function sameDatabase(typed: string | undefined): string {
  if (typed === undefined || typed === "") return "";
  if (/:\/\/[^/?#@]*:.*@|password/is.test(typed)) return " -d (the same)";
  return ` -d ${/^[\w.:/@=-]+$/.test(typed) ? typed : `'${typed.replace(/'/g, "'\\''")}'`}`;
}

/** A text whose commands are for the database that was asked. */
export const onSame = (text: string, typed: string | undefined): string =>
  text.replace(
    /npx ruvector-healing(?:@\S+)? (?:install|doctor|upgrade)\b/g,
    (command) => command + sameDatabase(typed),
  );

/** @param typed the database as it was typed */
export function failure(error: unknown, to: Target, typed?: string): string {
  const where = to.shown;
  if (error instanceof Refusal) return error.message;
  if (error instanceof pg.DatabaseError) {
    const install = onSame("npx ruvector-healing install", typed);
    // Schema ruvector is not there; or it is, without the function.
    if (error.code === "3F000")
      return (
        `ruvector_healing is not installed in ${where}.\n${install}\n` +
        `What the server lacks for it: ${install.replace(" install", " doctor")}`
      );
    if (error.code === "42883" && error.message.includes("ruvector"))
      return (
        `ruvector_healing in ${where} is older than this command.\n` +
        install.replace(" install", " upgrade")
      );
    if (error.code === "3D000") return `${error.message}${collectionInstead(typed)}`;
    const hint = error.hint ?? hintFor(error, to);
    return [error.message, error.detail, hint].filter(Boolean).join("\n");
  }
  const { message, code, name: kind } = error as Error & { code?: string };
  // What a person was asked was left unanswered.
  if (kind === "AbortError") return `${message}: nothing was changed.`;
  if (message === NO_PASSWORD)
    return (
      `${where} asks for a password, and none was given.\nPGPASSWORD has it, a .pgpass, or the ` +
      "address: postgresql://user:password@host:5432/database"
    );
  if (message === NO_TLS)
    return `${where} speaks no TLS, which sslmode asks for.\nsslmode=prefer goes without it.`;
  return `${where} does not answer: ${message || code || String(error)}${collectionInstead(typed)}`;
}

/** A name alone on the line is a database, and may have been meant for a collection. */
const collectionInstead = (typed: string | undefined): string =>
  typed !== undefined && /^[\w."]+$/.test(typed)
    ? `. If it is a collection:\nnpx ruvector-healing explain ${typed}` +
      "    (the database comes from -d, DATABASE_URL or the PG* variables)"
    : "";

/** Where PostgreSQL says only that it is so. */
function hintFor({ code, message }: pg.DatabaseError, to: Target): string | null {
  if (code === "42501") return grantFor(message, to);
  if (code === "25006")
    return (
      "PGOPTIONS='-c default_transaction_read_only=off' before the command, where that was set; " +
      "a standby only reads: ask the primary."
    );
  return null;
}

/** What a viewer may not; test/server/see-cli.test.ts compares with ruvector_healing_rights(). */
export const LEVELS: readonly (readonly [level: string, verbs: readonly string[]])[] = [
  ["operator", ["approve", "reject", "abort", "trigger", "execute", "rollback"]],
  ["admin", ["register", "configure", "schedule", "unschedule"]],
];

/** PostgreSQL says only that it is denied. */
function grantFor(message: string, { config }: Target): string | null {
  if (!/\bruvector(_\w+)?\b/.test(message)) return null;
  if (message.includes("ruvector_healing_uninstall"))
    return "Only the role that installed ruvector_healing may, or a superuser.";
  const role = sqlLiteral(config.user ?? "");
  const [, verb = ""] = /ruvector_healing_(\w+)/.exec(message) ?? [];
  const level = LEVELS.find(([, verbs]) => verbs.includes(verb))?.[0];
  if (level !== undefined)
    return `SELECT ruvector_healing_grant(${role}, '${level}');    -- as the role that installed`;
  return (
    `SELECT ruvector_healing_grant(${role}, 'viewer');    -- as the role that installed; ` +
    "'operator' to act, 'admin' to change settings"
  );
}
