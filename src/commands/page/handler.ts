/**
 * The status page's part of an HTTP server: its files, and the JSON it reads. It only calls reading
 * functions.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import pg from "pg";
import { answer, type Handler, json, pathOf } from "../actuator/http.ts";
import { type GraphDocument, readCollection } from "../status-data/collection.ts";
import { readOverview } from "../status-data/overview.ts";
import { readReportLines } from "../status-data/report.ts";
import { readTrends } from "../status-data/trends.ts";
import { grant, type Query } from "../status-data/query.ts";
import { assets, runbookAt } from "./assets.ts";
import { createCache } from "./cache.ts";
import type { Operations } from "./operate.ts";

/**
 * Nothing from anywhere else, nothing inline: what a hostile table name could smuggle in is not
 * run.
 */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src " +
  "'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
};

/**
 * How long answers are shared, in milliseconds. The graph measures the whole collection: a second
 * of work at 256 partitions.
 */
const KEPT = {
  overview: 1500,
  trends: 10_000,
  collection: 3000,
  graph: 15_000,
  explain: 2000,
  report: 10_000,
} as const;

const MINUTES = [15, 60, 360, 1440] as const;
const REPORT_DAYS = [1, 7, 30] as const;

type Read = (parameters: URLSearchParams) => Promise<unknown>;

/**
 * @param once asks on a connection of its own: for functions that run JavaScript
 * @param operates where it is more than read-only
 */
export function page(
  { query, once }: { readonly query: Query; readonly once: Query },
  operates: Operations | null = null,
): Handler {
  const cache = createCache();
  const graph = (name: string): Promise<GraphDocument> =>
    cache.get(
      `graph ${name}`,
      KEPT.graph,
      async () =>
        (
          await once<{ graph: GraphDocument }>(
            "SELECT ruvector.ruvector_contracted_graph($1) AS graph",
            [name],
          )
        )[0]!.graph,
    );
  const trends: typeof readTrends = (...from) =>
    cache.get("trends", KEPT.trends, () => readTrends(...from));
  const reads: Readonly<Record<string, Read>> = {
    "/api/status": () =>
      cache.get(`overview ${operates?.asked ?? 0}`, KEPT.overview, async () => ({
        ...(await readOverview(query, 30, trends)),
        operating: (await operates?.state()) ?? null,
      })),
    "/api/collection": async (parameters) => {
      const name = wanted(parameters, "name");
      const minutes = MINUTES.find((one) => String(one) === parameters.get("minutes")) ?? 60;
      return cache.get(`collection ${minutes} ${name}`, KEPT.collection, () =>
        readCollection(query, name, minutes, graph),
      );
    },
    "/api/explain": async (parameters) => {
      const [statement, what] = explaining(parameters);
      return cache.get(`explain ${statement} ${what}`, KEPT.explain, async () => ({
        text: (await once<{ text: string }>(statement, [what]))[0]?.text ?? "",
      }));
    },
    "/api/report": async (parameters) => {
      const days = REPORT_DAYS.find((one) => String(one) === parameters.get("days")) ?? 7;
      return cache.get(`report ${days}`, KEPT.report, async () => ({
        text: (await readReportLines(query, `${days} days`)).join("\n"),
      }));
    },
  };
  return async (request, response) => {
    const path = pathOf(request);
    const asset = (await assets()).get(path);
    if (asset) return answer(response, 200, asset.type, asset.body, HEADERS);
    const runbook = await runbookAt(path);
    if (runbook !== null)
      return answer(response, 200, "text/plain; charset=utf-8", runbook, HEADERS);
    const read = Object.prototype.hasOwnProperty.call(reads, path) ? reads[path] : undefined;
    return read ? data(request, response, read, query) : false;
  };
}

class NotFound extends Error {}

/** The statement for an action or a collection, and which. */
function explaining(parameters: URLSearchParams): readonly [statement: string, what: string] {
  const action = parameters.get("action");
  if (action === null)
    return [
      "SELECT ruvector.ruvector_healing_explain($1::text) AS text",
      wanted(parameters, "collection"),
    ];
  if (!/^\d{1,18}$/.test(action)) throw new NotFound("action is the number of an action");
  return ["SELECT ruvector.ruvector_healing_explain($1::bigint) AS text", action];
}

function wanted(parameters: URLSearchParams, key: string): string {
  const value = parameters.get(key);
  if (value === null || value === "" || value.length > 1000)
    throw new NotFound(`${key} is missing`);
  return value;
}

/** What was typed wrong: an unknown collection, an unknown action. */
const TYPED_WRONG = new Set(["RV001", "RV002", "RV006"]);

async function data(
  request: IncomingMessage,
  response: ServerResponse,
  read: Read,
  query: Query,
): Promise<true> {
  try {
    return json(
      response,
      200,
      await read(new URL(request.url ?? "/", "http://localhost").searchParams),
    );
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? error.code : undefined;
    const message =
      error instanceof Error && error.message !== ""
        ? error.message
        : String((error as { code?: unknown }).code ?? error);
    if (error instanceof NotFound || (code !== undefined && TYPED_WRONG.has(code)))
      return json(response, 404, { error: message, code });
    if (code === "3F000")
      return json(response, 503, {
        error: "ruvector_healing is not installed in this database",
        code,
        hint: "npx ruvector-healing install",
      });
    return json(response, 503, {
      error: message,
      code,
      hint: await hintOf(error, query),
    });
  }
}

/** Of what is denied PostgreSQL says nothing more. */
async function hintOf(error: unknown, query: Query): Promise<string | undefined> {
  if (!(error instanceof pg.DatabaseError)) return undefined;
  return error.code === "42501" ? (error.hint ?? (await grant(query, "viewer"))) : error.hint;
}
