/**
 * One client of PostgreSQL's protocol on a stream: a socket, or a pair of streams within the
 * process. A batch of messages goes to the database when the client waits for an answer (a query,
 * Sync, Flush), so that a statement of the extended protocol is one trip to the worker.
 */
import { timingSafeEqual } from "node:crypto";
import type { Duplex } from "node:stream";
import type { EmbeddedDatabase } from "../client.ts";
import { copiesFromClient } from "./copy.ts";
import {
  askPassword,
  failed,
  fatal,
  message,
  type Message,
  type Problem,
  ProtocolViolation,
  query,
  type Reader,
  readerOf,
  type Status,
  startup,
  statusOf,
} from "./messages.ts";
import type { Turns } from "./turns.ts";

/** The one user and the one database of PGlite. */
export const USER = "postgres";
export const DATABASE = "postgres";

/** A database, and whose turn it is to use its one session. */
export interface Shared {
  readonly database: EmbeddedDatabase;
  readonly turns: Turns;
}

export interface ConnectionOptions {
  /** Asked for when it is given. */
  readonly password?: string;
  /** The database for a client that has said who it is, or why it cannot have it now. */
  readonly admit: () => Shared | Problem | Promise<Shared | Problem>;
}

/** As the server would: the statement fails where it stands, and its transaction with it. */
const NO_COPY = `DO $refused$BEGIN RAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
  MESSAGE = 'the embedded database cannot read COPY data from a client',
  HINT = 'Use INSERT ... SELECT or many rows in one INSERT, '
         'or a real server: npm run demo -- --server';
    END$refused$`;

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Messages after which the client waits for an answer: Query, Sync, FunctionCall, Flush. */
const ASKING = new Set(["Q", "S", "F", "H"]);

/**
 * Serves the client until it leaves, then makes the session as new for the next one. Never rejects.
 */
export async function serveConnection(stream: Duplex, options: ConnectionOptions): Promise<void> {
  // A client that is gone ends the reading.
  stream.on("error", () => undefined);
  try {
    const reader = readerOf(stream);
    const shared = await greet(reader, stream, options);
    if (shared) await answer(shared, reader, stream);
  } catch (error) {
    if (error instanceof ProtocolViolation)
      stream.write(fatal({ code: "08P01", message: error.message }));
    else
      stream.write(
        fatal({ code: "57P02", message: error instanceof Error ? error.message : String(error) }),
      );
  } finally {
    stream.end();
  }
}

/** Lets the client in, or says why not. */
async function greet(
  reader: Reader,
  stream: Duplex,
  { password, admit }: ConnectionOptions,
): Promise<Shared | undefined> {
  const parameters = await reader.startup();
  if (!parameters) return undefined;
  const admitted =
    unknown(parameters) ?? (await checkPassword(reader, stream, password)) ?? (await admit());
  if ("code" in admitted) {
    stream.write(fatal(admitted));
    return undefined;
  }
  const { database, turns } = admitted;
  await turns.run(async () => {
    const welcome = await database.execProtocolRaw(startup(USER, DATABASE));
    for (const [name, value] of settings(parameters)) {
      const done = await database.execProtocolRaw(
        query(`SELECT pg_catalog.set_config(${literal(name)}, ${literal(value)}, false)`),
      );
      if (failed(done))
        throw new ProtocolViolation(
          `the parameter "${name}" cannot be set to ${JSON.stringify(value)}`,
        );
    }
    stream.write(welcome);
  });
  return admitted;
}

function unknown(parameters: ReadonlyMap<string, string>): Problem | undefined {
  const user = parameters.get("user") ?? "";
  const database = parameters.get("database") || user;
  const hint = `There is one user, ${USER}, and one database, ${DATABASE}.`;
  if (user !== USER) return { code: "28000", message: `role "${user}" does not exist`, hint };
  return database === DATABASE
    ? undefined
    : { code: "3D000", message: `database "${database}" does not exist`, hint };
}

async function checkPassword(
  reader: Reader,
  stream: Duplex,
  password: string | undefined,
): Promise<Problem | undefined> {
  if (password === undefined) return undefined;
  stream.write(askPassword());
  const given = await reader.message();
  const wanted = Buffer.from(`${password}\0`);
  if (
    given?.type === "p" &&
    given.body.length === wanted.length &&
    timingSafeEqual(given.body, wanted)
  )
    return undefined;
  return {
    code: "28P01",
    message: `password authentication failed for user "${USER}"`,
    hint: "Use the whole address that the program printed.",
  };
}

/**
 * Settings that a client asks for at the start, by name or as PGOPTIONS ("-c name=value", a
 * backslash before a blank that belongs to the value).
 */
function* settings(
  parameters: ReadonlyMap<string, string>,
): Generator<[name: string, value: string]> {
  for (const [name, value] of parameters) {
    if (name === "options") {
      for (const [, key, setting] of value.matchAll(/(?:-c\s*|--)([\w.]+)=((?:\\.|\S)*)/g))
        yield [key!, setting!.replaceAll(/\\(.)/g, "$1")];
    } else if (!["user", "database", "replication"].includes(name) && !name.startsWith("_pq_."))
      yield [name, value];
  }
}

async function answer({ database, turns }: Shared, reader: Reader, stream: Duplex): Promise<void> {
  let release: (() => void) | undefined;
  let batch: Buffer[] = [];
  try {
    for (
      let next = await reader.message();
      next && next.type !== "X";
      next = await reader.message()
    ) {
      batch.push(passOn(next));
      if (!ASKING.has(next.type)) continue;
      release ??= await turns.take();
      const reply = await database.execProtocolRaw(Buffer.concat(batch));
      batch = [];
      stream.write(reply);
      // After a Flush there is no ReadyForQuery, and the session stays with this client.
      const status: Status | undefined = next.type === "H" ? undefined : statusOf(reply);
      if (status === "I") {
        release();
        release = undefined;
      }
    }
  } finally {
    release ??= await turns.take();
    // Sync ends what the client left half said; nothing of it, or of its settings and temporary
    // tables, is there for the next one.
    await database.execProtocolRaw(message("S", Buffer.alloc(0))).catch(() => undefined);
    for (const statement of ["ROLLBACK", "DISCARD ALL"])
      await database.execProtocolRaw(query(statement)).catch(() => undefined);
    release();
  }
}

/** The message as the database gets it. A statement of Query and Parse is looked at. */
function passOn({ type, body }: Message): Buffer {
  if (type === "Q" && copiesFromClient(body.toString("utf8"))) return query(NO_COPY);
  if (type === "P") {
    const name = body.subarray(0, body.indexOf(0) + 1);
    const rest = body.subarray(name.length);
    if (copiesFromClient(rest.subarray(0, rest.indexOf(0)).toString("utf8")))
      return message("P", Buffer.concat([name, Buffer.from(`${NO_COPY}\0\0\0`)]));
  }
  return message(type, body);
}
