/**
 * Signs the head of the audit chain with a key that the database never sees, and only a head that
 * extends the one signed last: what was signed once cannot be taken back by who owns the tables.
 */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { AuditKey } from "./audit-key.ts";
import { type Link, NotConnected } from "./link.ts";
import type { Log } from "./log.ts";

interface Head {
  readonly head: string | null;
  readonly seq: number | null;
  readonly hash: string | null;
  readonly key_id: string | null;
  readonly held_by: string | null;
  /** The newest place that the database has a signature of. */
  readonly signed_seq: number | null;
  /**
   * Events without a place in the chain, and since when; a database of an older version does not
   * say.
   */
  readonly unchained?: number;
  readonly unchained_seconds?: number | null;
}

interface ChainLink {
  readonly seq: string;
  readonly content_hash: string;
  readonly hash: string;
}

export interface Signed {
  readonly seq: number;
  readonly hash: string;
  /** When it was signed, milliseconds since 1970 by this machine's clock. */
  readonly at?: number;
}

/**
 * A tick that writes nothing else records one event a day (audit_alive): two of them missing are no
 * coincidence.
 */
export const SILENCE_SECONDS = 50 * 3600;

/**
 * Ticks chain what commits left over: events that wait for longer are kept out of the chain by
 * something.
 */
const UNCHAINED_SECONDS = 900;

const PAGE = 10_000;

const next = ({ hash }: Signed, { seq, content_hash }: ChainLink): string =>
  createHash("sha256").update(`${hash} ${seq} ${content_hash}`).digest("hex");

/** Why the head does not extend what was signed; null: it does. */
export async function extension(
  last: Signed,
  head: Signed,
  links: (after: number) => Promise<readonly ChainLink[]>,
): Promise<string | null> {
  if (head.seq < last.seq)
    return `the chain ends at ${head.seq}, and ${last.seq} was signed: its tail is gone`;
  let here = last;
  while (here.seq < head.seq) {
    const page = await links(here.seq);
    if (page.length === 0) return `the chain has no event after ${here.seq}`;
    for (const link of page) {
      if (here.seq === head.seq) break;
      if (Number(link.seq) !== here.seq + 1) return `event ${here.seq + 1} of the chain is missing`;
      const hash = next(here, link);
      if (hash !== link.hash) return `event ${link.seq} does not follow from what was signed`;
      here = { seq: here.seq + 1, hash };
    }
  }
  return here.hash === head.hash
    ? null
    : `the hash at ${head.seq} is another than the one that follows from what was signed`;
}

export class AuditSigner {
  private timer: NodeJS.Timeout | undefined;
  private last: Signed | null;
  problem: string | null = null;
  signatures = 0;

  /**
   * @param stateFile where the head signed last is kept; without it the first one after a start is
   *   taken on trust
   */
  constructor(
    private readonly key: AuditKey,
    private readonly link: Link,
    private readonly log: Log,
    private readonly every: number,
    private readonly stateFile: string | undefined,
  ) {
    this.last = stateFile === undefined ? null : remembered(stateFile);
  }

  start(): void {
    const turn = (): void => {
      void this.turn().finally(() => {
        this.timer = setTimeout(turn, this.every * 1000);
      });
    };
    this.timer = setTimeout(turn, 500);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async turn(): Promise<void> {
    if (!this.link.connected) return;
    try {
      const problem = await this.signDue();
      if (problem !== null && problem !== this.problem)
        this.log("error", `the audit trail is not as it was signed, or stands still: ${problem}`, {
          key: this.key.id,
        });
      this.problem = problem;
    } catch (error) {
      if (error instanceof NotConnected) return;
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.problem)
        this.log("error", `the audit head could not be signed: ${problem}`, { key: this.key.id });
      this.problem = problem;
    }
  }

  /**
   * Compares the head with what was signed last, whatever the database says of what is due, and
   * signs what is new. null: it is signed, or nothing was added.
   */
  private async signDue(): Promise<string | null> {
    const head = await this.link.value<Head>("SELECT ruvector.ruvector_healing_audit_head()");
    if (head.key_id !== this.key.id)
      return (
        `the chain is to be signed by key ${head.key_id} (${head.held_by}); this actuator has ` +
        `${this.key.id}`
      );
    const { seq, hash } = head;
    if (head.head === null || seq === null || hash === null)
      return this.last === null ? null : `the chain is empty, and ${this.last.seq} was signed`;
    if (this.last) {
      const links = (after: number) =>
        this.link.rows<ChainLink>(
          "SELECT seq, content_hash, hash FROM ruvector.ruvector_healing_audit_links($1, $2)",
          [after, PAGE],
        );
      const broken = await extension(this.last, { seq, hash }, links);
      if (broken !== null) return broken;
    } else this.log("info", "signs its first audit head, which it takes on trust", { seq });
    if (this.last?.seq === seq && head.signed_seq !== seq)
      this.log(
        "warning",
        "the signature of the audit head is gone from the database; it is signed again",
        { seq },
      );
    if (this.last?.seq !== seq || head.signed_seq !== seq)
      await this.sign(head.head, { seq, hash });
    return this.standstill(head);
  }

  private async sign(head: string, signed: Signed): Promise<void> {
    if (
      !head.startsWith(`ruvector_healing audit v1 ${signed.seq} ${signed.hash} `) ||
      !/^[\x20-\x7e]+$/.test(head)
    ) {
      throw new Error(`the text of the head is not that of ${signed.seq}`);
    }
    await this.link.once("SELECT ruvector.ruvector_healing_audit_sign($1, $2, $3)", [
      head,
      this.key.id,
      this.key.sign(head),
    ]);
    this.last = this.last?.seq === signed.seq ? this.last : { ...signed, at: Date.now() };
    this.signatures++;
    this.remember(this.last);
  }

  /** Why a head that does not move is not a quiet day; null: it may be one. */
  private standstill({ unchained = 0, unchained_seconds }: Head): string | null {
    const since = unchained_seconds ?? 0;
    if (unchained > 0 && since > UNCHAINED_SECONDS) {
      return (
        `${unchained} events have no place in the chain, the oldest for ${Math.round(since)} ` +
        "s: whoever may write the table can remove them unseen"
      );
    }
    const silent = (Date.now() - (this.last?.at ?? Date.now())) / 1000;
    return silent > SILENCE_SECONDS
      ? `no event was added for ${Math.round(silent / 3600)} hours; a running loop adds one a day`
      : null;
  }

  private remember(signed: Signed): void {
    if (this.stateFile === undefined) return;
    writeFileSync(`${this.stateFile}.new`, `${JSON.stringify({ key: this.key.id, ...signed })}\n`, {
      mode: 0o600,
    });
    renameSync(`${this.stateFile}.new`, this.stateFile);
  }
}

function remembered(file: string): Signed | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const { seq, hash, at } = JSON.parse(text) as Partial<Signed>;
  if (typeof seq !== "number" || typeof hash !== "string" || !/^[0-9a-f]{64}$/.test(hash))
    throw new Error(`${file} holds no signed head: move it away to begin anew`);
  // A file of an older version has no time: the silence is counted from now.
  return { seq, hash, at: typeof at === "number" ? at : Date.now() };
}
