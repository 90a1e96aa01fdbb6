/**
 * The audit trail read by an implementation of its own: node:crypto over the columns, nothing of
 * the product.
 */
import { createHash, createPublicKey, verify } from "node:crypto";
import type { TestDatabase } from "./database.ts";

const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");

export interface ChainedEvent {
  readonly id: string;
  readonly seq: string;
  readonly text: string;
  readonly content_hash: string;
  readonly hash: string;
}

/**
 * The events with the text that their hash covers, put together here from the columns: JSON as
 * PostgreSQL writes jsonb, which is ", " between elements, the time without trailing zeros, and
 * details as they are stored.
 */
export async function chainedEvents(db: TestDatabase): Promise<ChainedEvent[]> {
  const rows = await db.rows<Record<string, string | null>>(`
    SELECT id::text, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS at,
      collection_id::text, collection, action_id::text, kind, message,
           details::text, actor, seq::text, encode(content_hash, 'hex') AS content_hash,
             encode(hash, 'hex') AS hash
      FROM ruvector.healing_events e WHERE e.seq IS NOT NULL ORDER BY e.seq`);
  return rows.map((row) => {
    const text = (value: string | null | undefined) =>
      value == null ? "null" : JSON.stringify(value);
    const at = row["at"]!.replace(/\.?0+$/, "");
    const columns = [
      "1",
      row["id"],
      text(at),
      row["collection_id"] ?? "null",
      text(row["collection"]),
      row["action_id"] ?? "null",
      text(row["kind"]),
      text(row["message"]),
      row["details"],
      text(row["actor"]),
    ];
    return {
      id: row["id"]!,
      seq: row["seq"]!,
      text: `[${columns.join(", ")}]`,
      content_hash: row["content_hash"]!,
      hash: row["hash"]!,
    };
  });
}

/** Verifies everything anew; a sentence for the first thing that is wrong, null when nothing is. */
export async function verifiedOutside(db: TestDatabase): Promise<string | null> {
  const [head] = await db.rows<{ seq: string; hash: string; base_seq: string; base_hash: string }>(
    `SELECT seq::text, encode(hash, 'hex') AS hash, base_seq::text,
      encode(base_hash, 'hex') AS base_hash FROM ruvector.healing_audit_head`,
  );
  if (!head) return "no head";
  let seq = BigInt(head.base_seq);
  let hash = head.base_hash;
  const hashes = new Map([[seq, hash]]);
  for (const event of await chainedEvents(db)) {
    seq += 1n;
    if (event.seq !== String(seq)) return `seq ${seq} is missing`;
    if (event.content_hash !== sha256(event.text))
      return `event ${event.id}: its text is ${event.text}`;
    hash = sha256(`${hash} ${seq} ${event.content_hash}`);
    if (event.hash !== hash) return `event ${event.id}: its hash`;
    hashes.set(seq, hash);
  }
  if (head.seq !== String(seq) || head.hash !== hash) return "the head";
  const signatures = await db.rows<{
    seq: string;
    head: string;
    public_key: string;
    signature: string;
  }>(`
    SELECT s.seq::text, s.head, encode(k.public_key, 'hex') AS public_key,
      encode(s.signature, 'hex') AS signature
      FROM ruvector.healing_audit_signatures s JOIN ruvector.healing_audit_keys k USING (key_id)
        ORDER BY s.seq`);
  for (const one of signatures) {
    const [, , , at, of] = one.head.split(" ");
    if (at !== one.seq || hashes.get(BigInt(one.seq)) !== of)
      return `signature of seq ${one.seq}: another head`;
    const key = createPublicKey({
      key: Buffer.from(`302a300506032b6570032100${one.public_key}`, "hex"),
      format: "der",
      type: "spki",
    });
    if (!verify(null, Buffer.from(one.head), key, Buffer.from(one.signature, "hex")))
      return `signature of seq ${one.seq}`;
  }
  return null;
}

export interface Verdict {
  readonly intact: boolean;
  readonly message: string;
  readonly broken: {
    readonly seq: number | null;
    readonly event_id: number | null;
    readonly problem: string;
    readonly message: string;
  } | null;
  readonly findings: readonly {
    readonly problem: string;
    readonly seq: number | null;
    readonly event_id: number | null;
  }[];
  readonly findings_total: number;
  readonly events: number;
  readonly first_seq: number | null;
  readonly last_seq: number | null;
  readonly signatures: number;
  readonly signatures_checked: number;
  readonly signed_seq: number | null;
  readonly unchained: number;
  readonly unchained_since: string | null;
  readonly head: { readonly seq: number; readonly hash: string };
  readonly checkpoint: { readonly seq: number } | null;
  readonly keys: readonly {
    readonly key_id: string;
    readonly public_key: string;
    readonly held_by: string;
    readonly first_seq: number;
    readonly last_seq: number | null;
  }[];
}

export const verifyAudit = (db: Pick<TestDatabase, "value">): Promise<Verdict> =>
  db.value<Verdict>("SELECT ruvector_healing_verify_audit()");
