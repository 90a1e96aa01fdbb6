/**
 * Sends to one webhook what it has not been sent, in order, and tells the database how far it has
 * come: a restart goes on from there. Whatever an endpoint does, the others and the actuator's work
 * go on.
 */
import { milliseconds } from "../../status-data/query.ts";
import { backoff } from "../clock.ts";
import { type Link, NotConnected } from "../link.ts";
import type { Log } from "../log.ts";
import { hintOf, messageOf } from "../said.ts";
import type { Webhook } from "./config.ts";
import { type Posted, post } from "./post.ts";
import { sentNow, sort, together } from "./quiet.ts";
import type { Alert, Said } from "./template.ts";

/** So many are held through quiet hours at most; then they are said together. */
const HELD = 400;
const LIMIT = 500;

export interface SenderOptions {
  readonly actuator: string;
  readonly every: number;
  readonly count: (webhook: string, outcome: Posted["outcome"]) => void;
  /** For tests: what time it is. */
  readonly clock?: () => Date;
}

/** What /healthz says of one; nothing of the address but the host. */
export interface WebhookState {
  readonly name: string;
  readonly host: string;
  readonly sent: number;
  readonly held: number;
  readonly problem: string | null;
}

export class Sender {
  private readonly ending = new AbortController();
  private readonly like = new Map<string, number>();
  private turning: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private database: string | null = null;
  private attempt = 0;
  /** Since when the first of them is tried, in milliseconds. */
  private trying: { readonly seq: number; readonly since: number } | null = null;
  private sent = 0;
  private held = 0;
  private problem: string | null = null;

  constructor(
    private readonly webhook: Webhook,
    private readonly link: Link,
    private readonly log: Log,
    private readonly options: SenderOptions,
  ) {}

  get state(): WebhookState {
    const { sent, held, problem } = this;
    return { name: this.webhook.name, host: this.webhook.url.host, sent, held, problem };
  }

  start(): void {
    const turn = (): void => {
      this.turning = this.turn().then((seconds) => {
        if (!this.ending.signal.aborted) this.timer = setTimeout(turn, seconds * 1000);
      });
    };
    turn();
  }

  /** What is being sent is sent, and written down. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    const patience = setTimeout(() => this.ending.abort(), 3000);
    this.stopping = true;
    await this.turning;
    clearTimeout(patience);
    this.ending.abort();
    clearTimeout(this.timer);
  }

  private stopping = false;

  /** @returns seconds until the next */
  private async turn(): Promise<number> {
    if (!this.link.connected) return 1;
    try {
      this.database ??= await this.link.value<string>("SELECT current_database()");
      return (await this.sendDue()) ?? this.options.every;
    } catch (error) {
      if (!(error instanceof NotConnected)) this.trouble(messageOf(error), hintOf(error));
      return this.options.every;
    }
  }

  /** @returns seconds to wait where it could not be sent; null: nothing is left */
  private async sendDue(): Promise<number | null> {
    const { webhook } = this;
    const rows = await this.link.rows<Omit<Alert, "at"> & { readonly at: number }>(
      `SELECT seq::float8 AS seq, ${milliseconds("at")} AS at, kind, collection, ` +
        "action_id::float8 AS action_id, message FROM ruvector.ruvector_healing_alerts($1, $2, $3)",
      [this.options.actuator, webhook.name, LIMIT],
    );
    const alerts = rows.map((row): Alert => ({ ...row, at: new Date(row.at).toISOString() }));
    const { send, ignore, held } = sort(webhook, alerts, this.like, this.now());
    this.held = held.length;
    if (ignore.length > 0) await this.acknowledge(ignore);
    for (const { alert, covers } of send) {
      if (this.stopping) return null;
      const wait = await this.one(alert, covers, covers.length - 1);
      if (wait !== null) return wait;
    }
    if (held.length < HELD) return null;
    return this.one(
      together(held),
      held.map(({ seq }) => seq),
      0,
    );
  }

  private now(): Date {
    return this.options.clock?.() ?? new Date();
  }

  private async one(alert: Alert, covers: readonly number[], more: number): Promise<number | null> {
    const said: Said = { ...alert, database: this.database ?? "", more };
    const posted = await post(this.webhook, said, this.ending.signal);
    this.options.count(this.webhook.name, posted.outcome);
    if (posted.outcome === "failed" && !this.givesUp(alert)) {
      this.trouble(posted.why, { event: alert.seq });
      // "Retry-After: 0", or a time that is over, would be asked hundreds of times a second.
      const after = posted.afterSeconds ?? 0;
      return after >= 1 ? after : backoff(this.attempt++, 1, 300);
    }
    if (posted.outcome === "sent") {
      this.sent++;
      // What was not taken was not said: the same again is news.
      sentNow(this.like, alert);
      if (this.problem !== null)
        this.log("info", "the webhook takes what it is sent again", { webhook: this.webhook.name });
      this.problem = null;
    } else
      this.log("error", `the webhook did not take an event, which is left out: ${posted.why}`, {
        webhook: this.webhook.name,
        event: alert.seq,
        kind: alert.kind,
      });
    if (posted.outcome !== "sent") this.problem = posted.why;
    this.attempt = 0;
    this.trying = null;
    await this.acknowledge(covers);
    return null;
  }

  private givesUp({ seq }: Alert): boolean {
    const now = Date.now();
    if (this.trying?.seq !== seq) this.trying = { seq, since: now };
    return now - this.trying.since > this.webhook.giveUpSeconds * 1000;
  }

  /** Tried until it is written down: it was sent. */
  private async acknowledge(seqs: readonly number[]): Promise<void> {
    for (;;) {
      try {
        await this.link.value("SELECT ruvector.ruvector_healing_alerts_sent($1, $2, $3)", [
          this.options.actuator,
          this.webhook.name,
          seqs,
        ]);
        return;
      } catch (error) {
        if (!(error instanceof NotConnected) || this.ending.signal.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  private trouble(why: string, details: Readonly<Record<string, unknown>>): void {
    if (this.problem !== why)
      this.log("warning", `the webhook cannot be sent to: ${why}`, {
        webhook: this.webhook.name,
        ...details,
      });
    this.problem = why;
  }
}
