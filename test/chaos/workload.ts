/**
 * Writers and readers of the tables, each on a session of its own, whatever happens to the server.
 */
import type pg from "pg";
import { pause } from "../../src/workbench/load.ts";
import { Ledger } from "./ledger.ts";
import { type Random, random } from "./random.ts";
import { SUM, type Table, vectorOf } from "./tables.ts";
import { isLost, type World } from "./world.ts";

export interface UserError {
  readonly who: string;
  /** "connection" where the session was lost without one. */
  readonly sqlstate: string;
  readonly message: string;
}

/** Rows up to this share of a table are never written after they were made: readers know them. */
const CALM = 0.2;

/** So many of every 100 of a writer's statements. */
const KINDS = [
  { kind: "insert", weight: 22 },
  { kind: "delete", weight: 20 },
  { kind: "update", weight: 58 },
] as const;

export class Workload {
  readonly ledgers = new Map<string, Ledger>();
  /** Taken by the check after each fault. */
  errors: UserError[] = [];
  /** What a reader or writer saw that must never be seen. */
  wrong: string[] = [];
  statements = 0;
  #running = true;
  #paused = false;
  #idle = 0;
  readonly #sessions: Promise<void>[] = [];
  readonly #world: World;

  constructor(world: World, tables: readonly Table[], seed: number) {
    this.#world = world;
    for (const table of tables) {
      const ledger = new Ledger();
      for (let id = 1; id <= table.rows; id++) ledger.acknowledge(id, `base-${id}`);
      this.ledgers.set(table.name, ledger);
      for (const place of [0, 1])
        this.#sessions.push(
          this.#session(
            `writer ${place} of ${table.name}`,
            seed,
            this.#writer(table, ledger, place),
          ),
        );
      this.#sessions.push(this.#session(`reader of ${table.name}`, seed, this.#reader(table)));
    }
  }

  /** Nobody writes while the work goes on; false: some statement does not end within `seconds`. */
  async quiet<T>(
    seconds: number,
    work: () => Promise<T>,
  ): Promise<{ readonly result?: T; readonly stuck: number }> {
    this.#paused = true;
    try {
      for (
        const end = Date.now() + seconds * 1000;
        this.#idle < this.#sessions.length;
        await pause(5)
      ) {
        if (Date.now() > end) return { stuck: this.#sessions.length - this.#idle };
      }
      return { result: await work(), stuck: 0 };
    } finally {
      this.#paused = false;
    }
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#sessions);
  }

  async #session(
    who: string,
    seed: number,
    turn: (client: pg.Client, choices: Random) => Promise<void>,
  ): Promise<void> {
    const choices = random(seed, who);
    let client: pg.Client | undefined;
    while (this.#running) {
      if (this.#paused) {
        this.#idle++;
        while (this.#paused && this.#running) await pause(5);
        this.#idle--;
        continue;
      }
      try {
        client ??= await this.#world.connect(`chaos ${who}`, 2);
        await turn(client, choices);
        this.statements++;
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        this.errors.push({
          who,
          sqlstate: isLost(error) && !/^\w{5}$/.test(code ?? "") ? "connection" : (code ?? "none"),
          message,
        });
        if (isLost(error)) {
          await client?.end().catch(() => undefined);
          client = undefined;
        }
      }
      // Every 40 ms, by six sessions: more only takes the loop's share of a small machine.
      await pause(40);
    }
    await client?.end().catch(() => undefined);
  }

  #writer(
    table: Table,
    ledger: Ledger,
    place: number,
  ): (client: pg.Client, choices: Random) => Promise<void> {
    const calm = table.rows * CALM;
    const ids = Array.from({ length: table.rows }, (_, index) => index + 1).filter(
      (id) => id > calm && id % 2 === place,
    );
    let next = 1_000_000 * (place + 1);
    let count = 0;
    return async (client, choices) => {
      const { kind } = choices.weighted(KINDS);
      const id = kind === "insert" ? next++ : choices.pick(ids);
      if (kind === "insert") ids.push(id);
      if (ledger.isDoubtful(id)) return;
      const payload = kind === "delete" ? null : `w${place}-${count++}-${id}`;
      const before = ledger.has(id);
      try {
        if (kind === "insert") {
          const route = `, ruvector_healing_route('${table.name}')::int AS key`;
          const [column, key, routed] =
            table.keys.length > 0 ? [", partition_id", ", n.key", route] : ["", "", ""];
          await client.query(
            `INSERT INTO ${table.name} (id, payload, embedding, sum${column})
             SELECT n.id, n.payload, n.embedding,
                    md5(n.id::text || n.payload || n.embedding::text)${key}
               FROM (SELECT $1::bigint AS id, $2::text AS payload,
                            ${vectorOf("$1::bigint")} AS embedding${routed}) n`,
            [id, payload],
          );
          ledger.acknowledge(id, payload);
        } else {
          const statement =
            kind === "delete"
              ? client.query(`DELETE FROM ${table.name} WHERE id = $1`, [id])
              : client.query(
                  `UPDATE ${table.name} SET payload = $2, used_at = clock_timestamp(),
                    sum = ${SUM.replace("payload", "$2")} WHERE id = $1`,
                  [id, payload],
                );
          const { rowCount } = await statement;
          // A row that is there is found: a move must not hide it. Of a partition that was detached
          // meanwhile it is not.
          if (rowCount !== (before ? 1 : 0) && !this.#world.outside)
            this.wrong.push(
              `${kind} of ${id} in ${table.name} found ${rowCount} rows; the ledger has ` +
                `${before ? "one" : "none"}`,
            );
          if (rowCount === 1) ledger.acknowledge(id, payload);
        }
        if (kind === "delete" && !ledger.has(id)) ids.splice(ids.indexOf(id), 1);
      } catch (error) {
        if (isLost(error)) ledger.doubt(id, payload);
        throw error;
      }
    };
  }

  /**
   * Rows that nobody writes are there once, in every snapshot; and the nearest neighbours are
   * found.
   */
  #reader(table: Table): (client: pg.Client, choices: Random) => Promise<void> {
    const calm = Math.floor(table.rows * CALM);
    return async (client, choices) => {
      if (choices.chance(0.5)) {
        const first = choices.int(1, calm - 20);
        const { rows } = await client.query<{ seen: string }>(
          `SELECT count(*) || ' rows, ' || count(DISTINCT id) || ' ids' AS seen FROM ${table.name}
            WHERE id BETWEEN $1 AND $2 AND payload = 'base-' || id`,
          [first, first + 19],
        );
        if (rows[0]!.seen !== "20 rows, 20 ids" && !this.#world.outside)
          this.wrong.push(
            `a reader saw ${rows[0]!.seen} of ${table.name} from ${first} to ${first + 19}, ` +
              "where there are 20",
          );
      } else {
        await client.query(
          `SELECT id FROM ${table.name} ORDER BY embedding <-> ${vectorOf("$1::int")} LIMIT 5`,
          [choices.int(1, table.rows)],
        );
      }
      await pause(50);
    };
  }
}
