/**
 * What an operator does from the page: approve, reject, abort, measure a recall curve. Only where
 * the page was started with --operate and its role is of level operator; the functions check, do
 * and audit it themselves. No other site can: a POST needs a token that only this page can read
 * (GET answers nobody else's scripts), and an Origin that is this server's own.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import pg from "pg";
import { type Handler, json, pathOf } from "../actuator/http.ts";
import { grant, type Query } from "../status-data/query.ts";

/** What the page may offer; the token goes with every POST. */
export interface Operating {
  readonly token: string;
  /** Null: it may; else why it may not, and what to type. */
  readonly refused: string | null;
}

export interface Operations {
  /** Whether the role may, asked anew: rights come and go. */
  state(): Promise<Operating>;
  /** How many were asked for: what was read before the last one is old. */
  readonly asked: number;
  readonly handler: Handler;
}

interface Statement {
  readonly sql: string;
  readonly values: (body: Body) => readonly unknown[];
}

interface Body {
  readonly action?: unknown;
  readonly reason?: unknown;
  readonly collection?: unknown;
}

const MOST_BYTES = 4096;

const action = ({ action: id }: Body): string => {
  if (typeof id === "number" && Number.isSafeInteger(id) && id > 0) return String(id);
  throw new Wrong("action is the number of an action");
};
const text = (value: unknown, what: string): string => {
  if (typeof value === "string" && value !== "" && value.length <= 1000) return value;
  throw new Wrong(`${what} is a text of at most 1000 characters`);
};

const STATEMENTS: Readonly<Record<string, Statement>> = {
  "/api/approve": {
    sql: "SELECT ruvector.ruvector_healing_approve($1::bigint) AS answer",
    values: (body) => [action(body)],
  },
  "/api/reject": {
    sql: "SELECT ruvector.ruvector_healing_reject($1::bigint, $2::text) AS answer",
    values: (body) => [
      action(body),
      body.reason === undefined || body.reason === "" ? null : text(body.reason, "reason"),
    ],
  },
  "/api/abort": {
    sql: "SELECT ruvector.ruvector_healing_abort($1::bigint) AS answer",
    values: (body) => [action(body)],
  },
  "/api/recall-curve": {
    sql:
      "SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(c)), '[]') AS answer " +
      "FROM ruvector.ruvector_healing_recall_curve($1::text) c",
    values: ({ collection }) => [text(collection, "collection")],
  },
};

class Wrong extends Error {}

/**
 * @param query for what is read; @param once a connection of its own for each: what acts runs
 *   JavaScript
 * @param told a line for the log of the page: who did what
 */
export function operations(
  { query, once }: { readonly query: Query; readonly once: Query },
  told: (line: string) => void,
): Operations {
  const token = randomBytes(24).toString("base64url");
  let asked = 0;
  return {
    get asked() {
      return asked;
    },
    async state() {
      const [row] = await query<{ may: boolean; role: string }>(
        "SELECT pg_catalog.has_function_privilege(" +
          "'ruvector.ruvector_healing_approve(bigint)', 'EXECUTE') AS may, current_user AS role",
      );
      const refused = row?.may
        ? null
        : `the page's role ${row?.role ?? ""} is no operator: ${await grant(query, "operator")}`;
      return { token, refused };
    },
    handler: async (request, response) => {
      const path = pathOf(request);
      if (!Object.hasOwn(STATEMENTS, path)) return false;
      const foreign = isForeign(request, token);
      if (foreign !== null) return json(response, 403, { error: foreign });
      return run(STATEMENTS[path]!, path, request, response, { once, told }).finally(() => asked++);
    },
  };
}

/** Why the request is none of this page's; null: it is. */
function isForeign({ headers }: IncomingMessage, token: string): string | null {
  const { origin, host } = headers;
  // With a proxy before it that speaks TLS, the scheme differs and the host does not.
  const from = origin === undefined ? "" : origin.replace(/^https?:\/\//, "");
  if (host === undefined || from !== host) return "only this page itself may ask for that";
  if (!/^application\/json\b/.test(headers["content-type"] ?? "")) return "write it as JSON";
  const given = Buffer.from(String(headers["x-page-token"] ?? ""));
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted)
    ? null
    : "the page is older than its server: load it again";
}

async function run(
  { sql, values }: Statement,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { once, told }: { readonly once: Query; readonly told: (line: string) => void },
): Promise<true> {
  const verb = path.replace("/api/", "");
  try {
    const body = await bodyOf(request);
    const parameters = values(body);
    const [row] = await once<{ answer: unknown }>(sql, parameters);
    told(`${verb} ${String(parameters[0])} by ${whoAsks(request)}: done`);
    return json(response, 200, { answer: row?.answer ?? null });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    told(`${verb} by ${whoAsks(request)}: ${message}`);
    if (error instanceof Wrong) return json(response, 400, { error: message });
    const { code, hint, detail } = error instanceof pg.DatabaseError ? error : ({} as never);
    return json(response, code === undefined ? 503 : 409, { error: message, code, hint, detail });
  }
}

/** As a proxy with a login says it, else the address. */
function whoAsks({ headers, socket }: IncomingMessage): string {
  const user = headers["x-forwarded-user"] ?? headers["x-remote-user"];
  const named = typeof user === "string" ? `${user.replace(/[^\x21-\x7e]/g, "?")} at ` : "";
  return `${named.slice(0, 100)}${socket.remoteAddress ?? "nobody"}`;
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    // Read to its end all the same: whoever leaves the loop closes the connection.
    if (size <= MOST_BYTES) parts.push(part);
  }
  if (size > MOST_BYTES) throw new Wrong(`at most ${MOST_BYTES} bytes`);
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"));
    if (typeof body === "object" && body !== null) return body as Body;
  } catch {
    // Said below.
  }
  throw new Wrong("write a JSON object");
}
