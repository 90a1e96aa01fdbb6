/** The commands of decision scripts: each is a call of the product's SQL, or what people do. */
import { makeTable } from "../../support/collection.ts";
import type { TestDatabase } from "../../support/database.ts";
import { shiftStored } from "../../support/stored-times.ts";
import { minute, pgCron } from "./cron.ts";
import { Happened } from "./happened.ts";
import type { Command } from "./script.ts";
import { type Answer, answerLines, type Considered, consideredLines, lines } from "./text.ts";

interface World {
  readonly db: TestDatabase;
  readonly happened: Happened;
  /** Of the last answer. */
  considered: readonly Considered[];
}

type Run = (world: World, rest: string) => Promise<string[]>;

/** "other {"a": 1}" is for the table other; without a name it is for docs. */
function named(rest: string): { readonly table: string; readonly rest: string } {
  const [, name, more] = /^(?:([a-z_]\w*)(?:\s+|$))?([^]*)$/.exec(rest)!;
  return { table: name ?? "docs", rest: more! };
}

/** What was sensed, the answer, then whatever else it led to. */
async function told(world: World, statement: string, parameters: unknown[]): Promise<string[]> {
  const { db, happened } = world;
  const answer = await db.value<Answer>(statement, parameters);
  world.considered = answer.considered ?? [];
  return [
    ...(answer.action_id == null ? await happened.sensed() : []),
    ...answerLines(answer),
    ...(await happened.beside(answer.action_id ?? null)),
  ];
}

/** One of three holds 80 % of the rows. Fewer partitions are cheaper: 70 ms a sample, 100 for 5. */
const HOT = "20 20 160";

const nothing = async (work: Promise<unknown>): Promise<string[]> => {
  await work;
  return [];
};

const COMMANDS: Readonly<Record<string, Run>> = {
  table: ({ db }, rest) => {
    const { table, rest: rows } = named(rest);
    return nothing(makeTable(db, { table, rows: (rows || HOT).split(/\s+/).map(Number) }));
  },
  register: ({ db }, rest) => {
    const { table, rest: options } = named(rest);
    return nothing(db.value("SELECT ruvector_healing_register($1, $2)", [table, options || "{}"]));
  },
  settings: ({ db }, rest) => {
    const { table, rest: settings } = named(rest);
    return nothing(
      db.value("SELECT ruvector_healing_configure($1, $2)", [
        settings,
        table === "all" ? null : table,
      ]),
    );
  },
  report: async ({ db, happened }, rest) => {
    const { table, rest: report } = named(rest);
    await db.value("SELECT ruvector_integrity_report($1, $2)", [table, report]);
    return happened.sensed();
  },
  tick: async ({ db, happened }, rest) => {
    const out: string[] = [];
    for (let tick = 0; tick < Number(rest || 1); tick++) {
      await db.client.query("CALL ruvector_healing_tick()");
      out.push(...(await happened.sensed()), ...(await happened.lines()));
    }
    return out;
  },
  later: ({ db }, rest) => nothing(shiftStored(db.client, () => -Number(rest))),
  trigger: (world, rest) => told(world, "SELECT ruvector_healing_trigger($1)", [named(rest).table]),
  execute: (world, rest) => {
    const [, strategy, params] = /^(\w+)\s*(.*)$/s.exec(rest)!;
    return told(world, "SELECT ruvector_healing_execute('docs', $1, $2)", [
      strategy,
      params || "{}",
    ]);
  },
  approve: (world, rest) => told(world, "SELECT ruvector_healing_approve($1)", [rest]),
  reject: (world, rest) => {
    const [, id, reason] = /^(\d+)\s*(.*)$/.exec(rest)!;
    return told(world, "SELECT ruvector_healing_reject($1, $2)", [id, reason || null]);
  },
  abort: (world, rest) => told(world, "SELECT ruvector_healing_abort($1)", [rest]),
  rollback: (world, rest) =>
    told(world, "SELECT ruvector_healing_rollback($1)", [named(rest).table]),
  feedback: async ({ db }, rest) => {
    const [, id, score, note] = /^(\d+)\s+(\S+)\s*(.*)$/.exec(rest)!;
    const answer = await db.value<{ feedback: number; weight: number; strategy: string }>(
      "SELECT ruvector_healing_feedback($1, $2, $3)",
      [id, score, note || null],
    );
    return [`judged ${answer.feedback}: ${answer.strategy} weighs ${answer.weight.toFixed(2)}`];
  },
  /** Each strategy as the last evaluation that somebody asked for weighed it. */
  considered: async ({ considered }) => consideredLines(considered).flatMap(lines),
  /** The first paragraph: what a person reads first. */
  explain: async ({ db }, rest) => {
    const text = await db.value<string>("SELECT ruvector_healing_explain($1)", [named(rest).table]);
    const first = text.split("\n\n")[0]!.replace(/\n +/g, " ");
    return lines(first.replace(/ State .*? sampled \S+ s ago\./, ""));
  },
  resume: async ({ db, happened }, rest) => {
    const answer = await db.value<{ message: string }>(
      "SELECT ruvector_healing_resume($1, 'docs')",
      [rest],
    );
    return [...lines(answer.message), ...(await happened.lines())];
  },
  /** What a person types: statements, or one that answers. */
  sql: async ({ db }, rest) => {
    await db.client.query(rest);
    // A session reports its counts once a second: what is sensed would depend on the machine.
    await db.client.query("SELECT pg_stat_force_next_flush()");
    return [];
  },
  ask: async ({ db }, rest) =>
    (await db.rows<Record<string, unknown>>(rest)).flatMap((row) =>
      lines(
        Object.values(row)
          .map((value) => (typeof value === "string" ? value : JSON.stringify(value)))
          .join(", "),
      ),
    ),
  /** A maintenance window that is open now, or opens in two hours. */
  window: ({ db }, rest) => {
    const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const [from, to] = rest === "open" ? [at(-1), at(1)] : [at(2), at(3)];
    const windows = [{ from: from.slice(11, 16), to: to.slice(11, 16) }];
    return nothing(
      db.value("SELECT ruvector_healing_configure($1, 'docs')", [
        JSON.stringify({ maintenance_windows: windows }),
      ]),
    );
  },
  pg_cron: ({ db }) => nothing(pgCron(db)),
  minute: ({ db }) => minute(db),
};

/** Carries out the commands of a block, one after the other. */
export async function run(world: World, commands: readonly Command[]): Promise<string[]> {
  const out: string[] = [];
  for (const { name, rest } of commands) {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command)
      throw new Error(`no command "${name}"; there are: ${Object.keys(COMMANDS).join(", ")}`);
    out.push(...(await command(world, rest)));
  }
  return out;
}
