/**
 * One question to the database and its end: what goes wrong is said in one line, with the server's
 * own hint.
 */
import pg from "pg";
import pc from "../colours.ts";
import { connect, target } from "../connect.ts";
import { EXIT } from "../exit.ts";
import { printable } from "../../base/text.ts";
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
    process.stderr.write(`${pc.red(failure(error, to.shown))}\n`);
    process.exitCode = EXIT.failed;
  } finally {
    await client?.end().catch(() => undefined);
  }
}

export function failure(error: unknown, where: string): string {
  if (error instanceof Refusal) return error.message;
  if (error instanceof pg.DatabaseError) {
    if (error.code === "42883" || error.code === "3F000")
      return `ruvector_healing is not installed in ${where}, or is older than this command.`;
    return [error.message, error.detail, error.hint].filter(Boolean).join("\n");
  }
  const { message, code } = error as { message?: string; code?: string };
  return `${where} does not answer: ${message || code || String(error)}`;
}
