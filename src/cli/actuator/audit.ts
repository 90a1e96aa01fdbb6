/**
 * Signs the head of the audit chain with a key that the database never sees, and only a head that extends the one signed last: what was signed
 * once cannot be taken back by who owns the tables.
 */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { AuditKey } from "./audit-key.ts";
import { type Link, NotConnected } from "./link.ts";
import type { Log } from "./log.ts";

interface Head {
  readonly head: string | null;
  readonly seq: number;
  readonly hash: string;
  readonly key_id: string;
  readonly held_by: string;
  readonly due: boolean;
}

interface ChainLink {
  readonly seq: string;
  readonly content_hash: string;
  readonly hash: string;
}

export interface Signed {
  readonly seq: number;
  readonly hash: string;
}

const PAGE = 10_000;

const next = ({ hash }: Signed, { seq, content_hash }: ChainLink): string => createHash("sha256").update(`${hash} ${seq} ${content_hash}`).digest("hex");

/** Why the head does not extend what was signed; null: it does. */
export async function extension(last: Signed, head: Signed, links: (after: number) => Promise<readonly ChainLink[]>): Promise<string | null> {
  if (head.seq < last.seq) return `the chain ends at ${head.seq}, and ${last.seq} was signed: its tail is gone`;
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
  return here.hash === head.hash ? null : `the hash at ${head.seq} is another than the one that follows from what was signed`;
}

export class AuditSigner {
  private timer: NodeJS.Timeout | undefined;
  private last: Signed | null;
  problem: string | null = null;
  signatures = 0;

  /** @param stateFile where the head signed last is kept; without it the first one after a start is taken on trust */
  constructor(private readonly key: AuditKey, private readonly link: Link, private readonly log: Log, private readonly every: number, private readonly stateFile: string | undefined) {
    this.last = stateFile === undefined ? null : remembered(stateFile);
  }

  start(): void {
    const turn = (): void => {
      void this.turn().finally(() => { this.timer = setTimeout(turn, this.every * 1000); });
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
      if (problem !== null && problem !== this.problem) this.log("error", `the audit head is not signed: ${problem}`, { key: this.key.id });
      this.problem = problem;
    } catch (error) {
      if (error instanceof NotConnected) return;
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.problem) this.log("error", `the audit head could not be signed: ${problem}`, { key: this.key.id });
      this.problem = problem;
    }
  }

  /** null: it is signed, or there is nothing to sign. */
  private async signDue(): Promise<string | null> {
    const head = await this.link.value<Head>("SELECT ruvector_healing_audit_head()");
    if (head.key_id !== this.key.id) return `the chain is to be signed by key ${head.key_id} (${head.held_by}); this actuator has ${this.key.id}`;
    if (!head.due || head.head === null) return null;
    const { seq, hash } = head;
    if (!head.head.startsWith(`ruvector_healing audit v1 ${seq} ${hash} `) || !/^[\x20-\x7e]+$/.test(head.head)) return `the text of the head is not that of ${seq}`;
    if (this.last) {
      const broken = await extension(this.last, head, (after) => this.link.rows<ChainLink>("SELECT seq, content_hash, hash FROM ruvector_healing_audit_links($1, $2)", [after, PAGE]));
      if (broken !== null) return broken;
    } else this.log("info", "signs its first audit head, which it takes on trust", { seq });
    await this.link.once("SELECT ruvector_healing_audit_sign($1, $2, $3)", [head.head, this.key.id, this.key.sign(head.head)]);
    this.last = { seq, hash };
    this.signatures++;
    this.remember(this.last);
    return null;
  }

  private remember(signed: Signed): void {
    if (this.stateFile === undefined) return;
    writeFileSync(`${this.stateFile}.new`, `${JSON.stringify({ key: this.key.id, ...signed })}\n`, { mode: 0o600 });
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
  const { seq, hash } = JSON.parse(text) as Partial<Signed>;
  if (typeof seq !== "number" || typeof hash !== "string" || !/^[0-9a-f]{64}$/.test(hash)) throw new Error(`${file} holds no signed head: move it away to begin anew`);
  return { seq, hash };
}
