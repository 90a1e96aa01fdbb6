/** A ninth strategy, as docs/adding-a-strategy.md has it: writes a note on the table. */
import sql, { raw } from "sql-template-tag";
import * as z from "zod/mini";
import { sqlLiteral } from "../../../src/base/text.ts";
import type { Plan, Progress } from "../../../src/model/action.ts";
import type { Collection } from "../../../src/model/collection.ts";
import type { Host } from "../../../src/host/host.ts";
import { STRATEGIES } from "../../../src/strategies/registry.ts";
import type { Strategy } from "../../../src/strategies/strategy.ts";

export { call } from "../../../src/api/bundle.ts";

interface NotePlan extends Plan {
  readonly note: string;
}

interface Noted {
  readonly kind: "note";
  readonly details: { readonly note: string };
  /** The note before. */
  readonly journal: readonly (string | null)[];
}

const PARAMS = () => ({ note: z.optional(z.string().check(z.minLength(1), z.maxLength(50))) });

const noteOf = (host: Host, { relid }: Collection): string | null =>
  host.one<{ note: string | null }>(sql`SELECT obj_description(${relid}::oid, 'pg_class') AS note`)
    .note;

const write = (host: Host, { name, relid }: Collection, note: string | null): void =>
  void host
    .asOwner(relid, "catalogue")
    .execute(
      sql`COMMENT ON TABLE ${raw(name)} IS ${raw(note === null ? "NULL" : sqlLiteral(note))}`,
    );

const leaveNote: Strategy<NotePlan, Progress, Noted, typeof PARAMS> = {
  name: "leave_note",
  handles: ["unknown"],
  impact: 0.1,
  reversible: true,
  description: "Writes a note on the table.",
  params: PARAMS,
  start: {},
  applicable: () => true,
  plan: ({ host, collection, params }) =>
    noteOf(host, collection) === params.note
      ? { nothing: "the note is there", hint: "Give another note." }
      : {
          strategy: "leave_note",
          rows: 0,
          bytes: 0,
          wal_bytes: 1024,
          relation_locks: 1,
          predicted_lambda: null,
          estimated_duration_seconds: 1,
          locks: [`SHARE UPDATE EXCLUSIVE on ${collection.name}`],
          note: params.note ?? "healed",
        },
  boundTo: ({ note }) => ({ facts: { note: [note] }, amounts: {} }),
  executeBatch({ host, collection, action: { plan } }) {
    const journal = [noteOf(host, collection)];
    write(host, collection, plan.note);
    return {
      done: true,
      steps: [{ kind: "note", details: { note: plan.note }, rows: 0, journal }],
      progress: { done: true },
    };
  },
  undoStep({ host, collection }, { journal }) {
    write(host, collection, journal[0] ?? null);
    return { remaining: [], undone: 1, gone: 0, conflicts: 0 };
  },
  preflight: [],
  remeasures: [],
  describeStep: ({ details: { note } }) => `wrote "${note}" on the table`,
};

// Its line in the registry.
(STRATEGIES as Strategy[]).push(leaveNote);
