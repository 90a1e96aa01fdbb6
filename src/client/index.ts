/**
 * HealingClient: the SQL functions with types, over a pool or a client of node-postgres that is the
 * caller's. In a transaction of theirs it is theirs: nothing here begins, commits or connects, but
 * listen() on a pool, which takes one connection of it.
 */
import type { Notification } from "./documents.ts";
import { type Arguments, FUNCTIONS, type Results } from "./functions.ts";

export type * from "./documents.ts";
export type * from "./functions.ts";

/** pg.Pool, pg.Client and pg.PoolClient are one; so is what wraps them. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

interface Listener extends Queryable {
  on(event: "notification", told: (message: Told) => void): unknown;
  on(event: "error", told: () => void): unknown;
  off(event: "notification", told: (message: Told) => void): unknown;
  off(event: "error", told: () => void): unknown;
}
interface Told {
  readonly channel: string;
  readonly payload?: string | undefined;
}
interface Pooled extends Listener {
  release(destroy?: boolean): void;
}
interface Pool extends Queryable {
  readonly totalCount: number;
  readonly ending?: boolean;
  connect(): Promise<Pooled>;
}

type Name = keyof typeof FUNCTIONS;
type Method<K extends Name> =
  Readonly<Record<string, never>> extends Arguments[K]
    ? (given?: Arguments[K]) => Promise<Results[K]>
    : (given: Arguments[K]) => Promise<Results[K]>;

export type Functions = { readonly [K in Name]: Method<K> };

export interface HealingClient extends Functions {
  /**
   * Tells of every transition (docs/monitoring.md has the kinds) until the answer is called. Of a
   * pool it takes one connection, and another one where that is lost; a client given is yours to
   * look after, and must not be in a transaction.
   */
  listen(told: (notification: Notification) => void): Promise<() => Promise<void>>;
}

interface Callable {
  readonly sql: string;
  readonly kind: "value" | "values" | "rows" | "procedure";
  readonly arguments: Readonly<Record<string, string>>;
  readonly renamed?: readonly string[];
  readonly calls?: readonly Call[];
}
interface Call {
  readonly takes: readonly string[];
  readonly needs: readonly string[];
}

/** PostgreSQL says of what cannot be given together only that there is no such function. */
function checkTogether({ sql, calls }: Callable, given: readonly string[]): void {
  const fits = ({ takes, needs }: Call): boolean =>
    given.every((key) => takes.includes(key)) && needs.every((key) => given.includes(key));
  if (calls === undefined || calls.some(fits)) return;
  const listed = calls.map(({ takes, needs }) =>
    takes.map((key) => (needs.includes(key) ? key : `[${key}]`)).join(", "),
  );
  throw new TypeError(
    `${sql} was given ${given.join(", ") || "nothing"}; it takes ${listed.join("; or ")}`,
  );
}

/** JSON would have null for NaN and Infinity, which takes a setting back. */
const documentOf = (value: unknown): string =>
  JSON.stringify(value, (key, one: unknown) => {
    if (typeof one === "number" && !Number.isFinite(one))
      throw new TypeError(`"${key}" is ${one}, which is no number of JSON`);
    return one;
  });

/** PostgreSQL says of 1.5 and of 1e21 only that they are no bigint, and not of which argument. */
const WHOLE = /::(big|small)?int(eger)?$/;

/** `sql(a => $1::text, ...)` with what was given. */
function statement(called: Callable, given: Record<string, unknown>) {
  const { sql, kind, arguments: known } = called;
  const values: unknown[] = [];
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  const written = named.map(([key, value]) => {
    const template = Object.hasOwn(known, key) ? known[key] : undefined;
    if (template === undefined)
      throw new TypeError(
        `${sql} takes no "${key}"; it takes ${Object.keys(known).join(", ") || "nothing"}`,
      );
    if (typeof value === "number" && WHOLE.test(template) && !Number.isSafeInteger(value))
      throw new TypeError(`"${key}" of ${sql} is ${value}, which is no whole number`);
    values.push(template.endsWith("::jsonb") ? documentOf(value) : value);
    return template.replace("$", () => `$${values.length}`);
  });
  checkTogether(
    called,
    named.map(([key]) => key),
  );
  const call = `${sql}(${written.join(", ")})`;
  if (kind === "procedure") return { text: `CALL ${call}`, values };
  // As JSON: the same values whatever type parsers the caller's pg has.
  return kind === "rows"
    ? { text: `SELECT pg_catalog.to_jsonb(r)::text AS answer FROM ${call} AS r`, values }
    : {
        text: `SELECT pg_catalog.to_jsonb(r.value)::text AS answer FROM ${call} AS r(value)`,
        values,
      };
}

function named(row: Record<string, unknown>, renamed: readonly string[]): unknown {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      renamed.includes(key) ? key.replace(/_$/, "") : key,
      value,
    ]),
  );
}

/** PostgreSQL says of a time only that it is none. */
function hinted(error: unknown, given: readonly string[]): unknown {
  const { code, hint } = (error ?? {}) as { code?: string; hint?: string };
  if ((code !== "22007" && code !== "22008") || hint || !given.includes("since")) return error;
  return Object.assign(error as object, {
    hint: 'since is a time: a Date, "2026-11-20T08:00:00Z", "yesterday".',
  });
}

async function ask(on: Queryable, called: Callable, given: object): Promise<unknown> {
  const { text, values } = statement(called, given as Record<string, unknown>);
  const { rows } = await on.query(text, values).catch((error: unknown) => {
    throw hinted(error, Object.keys(given));
  });
  if (called.kind === "procedure") return undefined;
  const answers = (rows as { answer: string | null }[]).map(({ answer }): unknown =>
    answer === null ? null : JSON.parse(answer),
  );
  if (called.kind === "value") return answers[0] ?? null;
  if (called.kind === "values") return answers;
  return answers.map((row) => named(row as Record<string, unknown>, called.renamed ?? []));
}

const isPool = (on: Queryable): on is Pool => "totalCount" in on && "connect" in on;

/**
 * Whoever may connect may NOTIFY: what is no document of ours is not told. Later, because what a
 * listener throws within node-postgres' own reading leaves the connection unusable.
 */
const heard =
  (told: (notification: Notification) => void) =>
  ({ channel, payload }: Told): void => {
    if (channel !== "ruvector_healing" || payload === undefined) return;
    let said: unknown;
    try {
      said = JSON.parse(payload);
    } catch {
      return;
    }
    if (typeof (said as Partial<Notification> | null)?.kind === "string")
      queueMicrotask(() => told(said as Notification));
  };

const LISTEN = "LISTEN ruvector_healing";
const UNLISTEN = "UNLISTEN ruvector_healing";
/** Between two tries for another connection, at most. */
const LONGEST_WAIT_MS = 15_000;

const listen = (on: Queryable, told: (notification: Notification) => void) =>
  isPool(on) ? listenByPool(on, heard(told)) : listenOn(on as Listener, heard(told));

/** How many listen on a client: UNLISTEN of one would end it for all. */
const listeners = new WeakMap<Listener, number>();
const counted = (client: Listener, more: 1 | -1): number => {
  const now = (listeners.get(client) ?? 0) + more;
  listeners.set(client, now);
  return now;
};

async function listenOn(client: Listener, hear: (message: Told) => void) {
  let held = true;
  const leave = (): number => {
    held = false;
    client.off("notification", hear);
    return counted(client, -1);
  };
  client.on("notification", hear);
  counted(client, 1);
  // One that is left there would hear all twice, once it is tried again.
  await client.query(LISTEN).catch((error: unknown) => {
    leave();
    throw error;
  });
  return async (): Promise<void> => {
    if (held && leave() === 0) await client.query(UNLISTEN);
  };
}

/** On a connection of the pool; where that is lost on another one, until it is told to stop. */
async function listenByPool(pool: Pool, hear: (message: Told) => void) {
  let close: (() => Promise<void>) | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const again = (wait: number): void => {
    close = null;
    if (stopped || pool.ending === true) return;
    timer = setTimeout(() => {
      open().catch(() => again(Math.min(2 * wait, LONGEST_WAIT_MS)));
    }, wait);
  };
  const open = async (): Promise<void> => {
    const client = await pool.connect();
    let held = true;
    const release = (destroy: boolean): void => {
      if (held) client.release(destroy);
      held = false;
      client.off("notification", hear);
      // The next one to listen may get the same connection: Node.js warns of eleven.
      if (!destroy) client.off("error", lost);
    };
    // Of a connection in use the pool hears nothing: unheard, its end would end the process.
    const lost = (): void => {
      if (!held) return;
      release(true);
      if (close !== null) again(500);
    };
    client.on("error", lost);
    client.on("notification", hear);
    await client.query(LISTEN).catch((error: unknown) => {
      release(true);
      throw error;
    });
    close = async () => {
      close = null;
      await client.query(UNLISTEN).then(
        () => release(false),
        () => release(true),
      );
    };
    if (stopped) await close();
  };
  await open();
  return async (): Promise<void> => {
    stopped = true;
    clearTimeout(timer);
    await close?.();
  };
}

function make(on: Queryable): HealingClient {
  const methods = Object.entries(FUNCTIONS as Record<string, Callable>).map(([name, called]) => [
    name,
    (given: object = {}) => ask(on, called, given),
  ]);
  return {
    ...(Object.fromEntries(methods) as Functions),
    listen: (told) => listen(on, told),
  };
}

/** `new HealingClient(pool)`, `new HealingClient(client)`: there is nothing to close. */
export const HealingClient = function HealingClient(on: Queryable): HealingClient {
  return make(on);
} as unknown as new (on: Queryable) => HealingClient;
