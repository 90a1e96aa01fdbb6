/**
 * The actuator's session with the database: it listens, it is the only one under its name, and it
 * is made anew whenever it is lost. Needs a session of its own: a pooler in transaction mode hands
 * LISTEN and the claim to the name to somebody else.
 */
import type pg from "pg";
import { connect, type Target } from "../connect.ts";
import { backoff } from "./clock.ts";
import type { Log } from "./log.ts";

export interface LinkEvents {
  /** A session is there: everything is to be looked at anew. */
  connected(): void;
  notified(payload: string): void;
}

/** There is no session at the moment. */
export class NotConnected extends Error {
  override readonly name = "NotConnected";
}

const CHANNEL = "ruvector_healing_actuation";
/**
 * A server or a network that went away without a word is noticed within half a minute, on both
 * sides: the claim to the name must not stand for the two hours that an operating system waits by
 * default.
 */
const SESSION = `SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5;
  SET tcp_keepalives_count = 3;
  SET statement_timeout = '15s'; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout
    = '30s'`;
const QUERY_TIMEOUT_MS = 20_000;

export class Link {
  private client: pg.Client | undefined;
  private ended = false;
  private attempt = 0;
  private timer: NodeJS.Timeout | undefined;
  /** A session answers one statement at a time; several parts of the process ask. */
  private before: Promise<unknown> = Promise.resolve();
  /** How often a session was lost. */
  losses = 0;
  /** Why there is none, for /healthz. */
  problem: string | null = "not connected yet";

  constructor(
    private readonly target: Target,
    private readonly name: string,
    private readonly events: LinkEvents,
    private readonly log: Log,
  ) {}

  private get applicationName(): string {
    return `ruvector-healing actuator ${this.name}`.slice(0, 63);
  }

  get connected(): boolean {
    return this.client !== undefined;
  }

  start(): void {
    void this.open();
  }

  /** The first column of the first row. @throws NotConnected */
  async value<T>(statement: string, parameters: readonly unknown[] = []): Promise<T> {
    return Object.values(
      (await this.rows<Record<string, T>>(statement, parameters))[0] ?? {},
    )[0] as T;
  }

  /** @throws NotConnected */
  async rows<Row extends object>(
    statement: string,
    parameters: readonly unknown[] = [],
  ): Promise<Row[]> {
    const answer = this.before.then(() => this.asked<Row>(statement, parameters));
    this.before = answer.catch(() => undefined);
    return answer;
  }

  private async asked<Row extends object>(
    statement: string,
    parameters: readonly unknown[],
  ): Promise<Row[]> {
    const { client } = this;
    if (!client) throw new NotConnected(this.problem ?? "there is no session");
    try {
      return (await client.query<Row>(statement, [...parameters])).rows;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      // A standby is what the primary became: the name of the server may lead to another one by
      // now.
      if (code === "RV020" || code === undefined || /^(08|57P)/.test(code)) {
        this.lost(client, message);
        throw new NotConnected(message);
      }
      throw error;
    }
  }

  /**
   * The same on a connection that is closed behind it: for functions that run JavaScript. PLJS
   * 1.0.5 takes SIGTERM from a session that it has run in, also while it is idle: "pg_ctl stop -m
   * fast" would wait for this process.
   * @throws NotConnected
   */
  async once<T>(statement: string, parameters: readonly unknown[] = []): Promise<T> {
    if (!this.client) throw new NotConnected(this.problem ?? "there is no session");
    const client = await connect(this.target, {
      query_timeout: QUERY_TIMEOUT_MS,
      application_name: this.applicationName,
    });
    // Its loss is the statement's failure.
    client.on("error", () => undefined);
    try {
      return Object.values(
        (await client.query<Record<string, T>>(statement, [...parameters])).rows[0] ?? {},
      )[0] as T;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async end(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    const { client } = this;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  private async open(): Promise<void> {
    let client: pg.Client | undefined;
    try {
      client = await connect(this.target, {
        query_timeout: QUERY_TIMEOUT_MS,
        application_name: this.applicationName,
      });
      await client.query(SESSION);
      const { rows } = await client.query<{ mine: boolean }>(
        "SELECT ruvector.ruvector_healing_actuator_connect($1) AS mine",
        [this.name],
      );
      if (!rows[0]?.mine)
        throw new Error(
          `another process is connected as actuator "${this.name}": give this one another --name`,
        );
      client.on("notification", ({ payload }) => this.events.notified(payload ?? ""));
      client.on("error", (error) => this.lost(client!, error.message));
      client.on("end", () => this.lost(client!, "the server closed the connection"));
      await client.query(`LISTEN ${CHANNEL}`);
      if (this.ended) return await client.end();
      this.client = client;
      this.attempt = 0;
      this.problem = null;
      this.log("info", "connected to the database", { database: this.target.shown });
      this.events.connected();
    } catch (error) {
      await client?.end().catch(() => undefined);
      this.again(whyNot(error));
    }
  }

  private lost(client: pg.Client, why: string): void {
    if (this.client !== client || this.ended) return;
    this.client = undefined;
    this.losses++;
    void client.end().catch(() => undefined);
    this.again(why);
  }

  private again(why: string): void {
    if (this.ended) return;
    const seconds = backoff(this.attempt++, 0.5, 15);
    if (this.problem !== why)
      this.log("warning", `no session with the database: ${why}`, {
        again_in_seconds: Number(seconds.toFixed(1)),
      });
    this.problem = why;
    this.timer = setTimeout(() => void this.open(), seconds * 1000);
  }
}

function whyNot(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  if (code === "42883" || code === "3F000")
    return (
      "ruvector_healing in this database is not there, or older than this actuator: run the " +
      "newer script over it (docs/install.md)"
    );
  if (code === "42501") return `${message}: docs/actuator.md has the GRANT that this role needs`;
  return message || String(error);
}
