/**
 * Tables of a role that nobody trusts, and every kind of code an owner can hang on one. What runs
 * counts itself in a sequence, which no rollback takes back, where somebody else's session runs it:
 * `ran()`.
 */
import type pg from "pg";
import type { TestDatabase } from "../support/database.ts";

export interface Attacker {
  readonly role: string;
  /** As this role, in a session of the superuser's. */
  as(statements: string): Promise<unknown>;
  /** How often code of the role has run since the last look, in a session that is not its own. */
  ran(): Promise<number>;
}

/** A role with a schema of that name: note() is what all its code calls. */
export async function attacker(db: TestDatabase, name: string): Promise<Attacker> {
  const role = `${db.name}_${name}`;
  const as = (statements: string): Promise<unknown> =>
    db.client
      .query(`SET SESSION AUTHORIZATION ${role}; ${statements}; RESET SESSION AUTHORIZATION`)
      .catch(
        async (error: pg.DatabaseError) => (
          await db.client.query("RESET SESSION AUTHORIZATION"),
          Promise.reject(new Error(`${error.message} in: ${statements}`))
        ),
      );
  await db.client.query(
    `CREATE ROLE ${role} LOGIN; CREATE SCHEMA ${name} AUTHORIZATION ${role};
      GRANT ALL ON SCHEMA public TO ${role}; GRANT USAGE ON SCHEMA ${name} TO PUBLIC`,
  );
  await as(`
    CREATE SEQUENCE ${name}.calls; GRANT USAGE ON SEQUENCE ${name}.calls TO PUBLIC;
    CREATE FUNCTION ${name}.note() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
      IF session_user <> '${role}' THEN PERFORM nextval('${name}.calls'); END IF;
        RETURN true; END $$;
    -- Lies: none of them is immutable. With a constant they run as soon as a statement is planned.
    CREATE FUNCTION ${name}.text(v text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
      PERFORM ${name}.note(); RETURN v; END $$;
    CREATE FUNCTION ${name}.yes(v anyelement) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
      RETURN ${name}.note(); END $$;
    CREATE FUNCTION ${name}.vector(v public.vector) RETURNS public.vector IMMUTABLE
      LANGUAGE plpgsql AS $$ BEGIN PERFORM ${name}.note(); RETURN v; END $$;
    CREATE FUNCTION ${name}.like(a text, b text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
      BEGIN RETURN ${name}.note(); END $$;
    CREATE FUNCTION ${name}.compare(a text, b text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
      BEGIN PERFORM ${name}.note(); RETURN bttextcmp(a, b); END $$;
    CREATE OPERATOR ${name}.~~~ (FUNCTION = ${name}.like, LEFTARG = text, RIGHTARG = text);
    CREATE FUNCTION ${name}.watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM ${name}.note(); RETURN coalesce(NEW, OLD); END $$`);
  return {
    role,
    as,
    ran: async () => {
      const [row] = await db.rows<{ calls: number }>(
        `SELECT (CASE WHEN is_called THEN last_value ELSE 0 END)::int AS calls FROM ${name}.calls`,
      );
      await db.client.query(`ALTER SEQUENCE ${name}.calls RESTART`);
      return row!.calls;
    },
  };
}

export interface TableOptions {
  readonly rows?: readonly number[];
  /** Type of the payload, and of the key beside partition_id. */
  readonly payload?: string;
  readonly id?: string;
  readonly key?: string;
}

/**
 * A table with a hot partition, of that role alone; partition_id only spreads its rows. Without
 * autovacuum, whose ANALYZE computes index expressions by itself.
 */
export async function ownedTable(
  who: Attacker,
  table: string,
  {
    rows = [20, 20, 20, 210, 20, 20],
    payload = "text",
    id = "bigint",
    key = "int",
  }: TableOptions = {},
): Promise<void> {
  await who.as(`
    CREATE TABLE ${table} (id ${id} NOT NULL, partition_id ${key} NOT NULL, payload ${payload},
      embedding public.vector(3), PRIMARY KEY (partition_id, id)) PARTITION BY LIST (partition_id);
    ${rows
      .map(
        (count, place) => `CREATE TABLE ${table}_${place} PARTITION OF ${table} FOR
          VALUES IN ('${place}') WITH (autovacuum_enabled = false);
      INSERT INTO ${table}
        SELECT (${place * 1000} + g)::text::${id}, '${place}'::text::${key}, 'p' || g, ARRAY[g, 1,
        random()]::public.vector FROM generate_series(1, ${count}) g;`,
      )
      .join("\n")}`);
}

export interface Code {
  readonly kind: string;
  /**
   * What its owner types; `s` is their schema, `t` the table. With `superuser`, what somebody
   * careless with such rights typed for them.
   */
  readonly attach: (s: string, t: string) => string;
  readonly superuser?: boolean;
  readonly table?: (t: string) => TableOptions;
  /** Made before the table. */
  readonly before?: (s: string, t: string) => string;
  /** What it is refused for; null: nothing of ours ever runs it. */
  readonly refused: "read" | "move" | null;
  /** A statement of anybody that runs it; without one, the move of a row. */
  readonly bites?: (s: string, t: string) => string;
}

/** Reading makes the planner run it: a constant is computed at once. */
const PLANNED = (_: string, t: string): string => `SELECT count(*) FROM ${t}_3 WHERE payload = 'x'`;

export const EVERY_KIND: readonly Code[] = [
  {
    kind: "an index expression",
    attach: (s, t) => `CREATE INDEX ON ${t} (${s}.text(payload))`,
    refused: "read",
  },
  {
    kind: "an index expression that is computed when planning",
    attach: (s, t) => `CREATE INDEX ON ${t}_3 ((${s}.text('x') || payload))`,
    refused: "read",
    bites: PLANNED,
  },
  {
    kind: "an index predicate",
    attach: (s, t) => `CREATE INDEX ON ${t}_3 (id) WHERE ${s}.text('x') = 'x'`,
    refused: "read",
    bites: PLANNED,
  },
  {
    kind: "a vector index's expression",
    attach: (s, t) =>
      `CREATE INDEX ON ${t}_3 USING ivfflat ((${s}.vector(embedding)::public.vector(3)) ` +
      "public.vector_l2_ops) WITH (lists = 1)",
    refused: "read",
    bites: (_, t) => `INSERT INTO ${t} VALUES (999999, 3, 'x', '[1,2,3]')`,
  },
  {
    kind: "a unique index",
    attach: (s, t) => `CREATE UNIQUE INDEX ON ${t}_3 (id, ${s}.text(payload))`,
    refused: "read",
    bites: (_, t) => `INSERT INTO ${t} VALUES (999999, 3, 'x')`,
  },
  {
    kind: "a CHECK of the table",
    attach: (s, t) => `ALTER TABLE ${t} ADD CHECK (${s}.yes(payload))`,
    refused: "read",
  },
  {
    kind: "a CHECK of one partition, not validated",
    attach: (s, t) => `ALTER TABLE ${t}_0 ADD CHECK (${s}.yes(payload)) NOT VALID`,
    refused: "read",
  },
  {
    kind: "a CHECK by an operator",
    attach: (s, t) => `ALTER TABLE ${t} ADD CHECK (payload OPERATOR(${s}.~~~) 'x')`,
    refused: "read",
  },
  {
    kind: "a CHECK that has PostgreSQL run a text",
    attach: (s, t) =>
      `ALTER TABLE ${t} ADD CHECK (query_to_xml('SELECT ${s}.note()', true, true, '') IS NOT ` +
      "NULL) NOT VALID",
    refused: "read",
  },
  {
    kind: "a CHECK that calls a domain's input by number",
    before: (s) => `CREATE DOMAIN ${s}.hidden AS text CHECK (${s}.yes(VALUE))`,
    attach: (s, t) =>
      `DO $$ BEGIN EXECUTE format('ALTER TABLE ${t} ADD CHECK (domain_in(''x'', %s::oid, -1) ` +
      `IS NOT NULL) NOT VALID', '${s}.hidden'::regtype::oid::int); END $$`,
    refused: "read",
  },
  {
    kind: "a stored generated column",
    attach: (s, t) =>
      `ALTER TABLE ${t} ADD made text GENERATED ALWAYS AS (${s}.text(payload)) STORED`,
    refused: "move",
  },
  {
    kind: "statistics on an expression",
    attach: (s, t) =>
      `CREATE STATISTICS ${s}.statistics_${t.replace(/\W/g, "_")} ON (${s}.text('x') || ` +
      `payload), id FROM ${t}_3`,
    refused: "read",
    bites: PLANNED,
  },
  {
    kind: "a trigger",
    attach: (s, t) =>
      `CREATE TRIGGER watch BEFORE UPDATE OR INSERT OR DELETE ON ${t} FOR EACH ROW EXECUTE ` +
      `FUNCTION ${s}.watch()`,
    refused: "move",
  },
  {
    kind: "a deferred trigger of a partition",
    attach: (s, t) =>
      `CREATE CONSTRAINT TRIGGER later AFTER INSERT OR DELETE OR UPDATE ON ${t}_3 DEFERRABLE ` +
      `INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ${s}.watch()`,
    refused: "move",
    bites: (_, t) => `UPDATE ${t}_3 SET payload = payload ; SET CONSTRAINTS ALL IMMEDIATE`,
  },
  {
    kind: "a rule",
    attach: (s, t) => `CREATE RULE also AS ON UPDATE TO ${t} DO ALSO SELECT ${s}.note()`,
    refused: "move",
  },
  {
    kind: "a foreign key's other table",
    attach: (
      s,
      t,
    ) => `CREATE TABLE ${t}_child (p int, i bigint, FOREIGN KEY (p, i) REFERENCES ${t} ON
      UPDATE CASCADE); INSERT INTO ${t}_child SELECT 3, min(id) FROM ${t}_3;
      CREATE TRIGGER watch BEFORE UPDATE ON ${t}_child FOR EACH ROW EXECUTE FUNCTION ${s}.watch()`,
    refused: null,
  },
  {
    kind: "a domain of the partition key",
    before: (_, t) => `CREATE DOMAIN ${t}_key AS int`,
    table: (t) => ({ key: `${t}_key` }),
    attach: (s, t) => `ALTER DOMAIN ${t}_key ADD CHECK (${s}.yes(VALUE)) NOT VALID`,
    refused: "move",
  },
  {
    kind: "a cast of a key column's type",
    before: (_, t) =>
      `CREATE TYPE ${t}_id AS ENUM (${Array.from({ length: 6 }, (_, place) =>
        Array.from({ length: 30 }, (_, g) => `'${place * 1000 + g + 1}'`),
      )
        .flat()
        .join(", ")})`,
    table: (t) => ({ id: `${t}_id`, rows: [6, 6, 6, 30, 6, 6] }),
    attach: (s, t) =>
      `CREATE FUNCTION ${s}.cast_text(v ${t}_id) RETURNS text LANGUAGE plpgsql AS $$ BEGIN ` +
      `PERFORM ${s}.note(); RETURN format('%s', v); END $$; CREATE CAST (${t}_id AS text) ` +
      `WITH FUNCTION ${s}.cast_text(${t}_id)`,
    refused: "move",
    bites: (_, t) => `SELECT id::text FROM ${t}_3`,
  },
  {
    kind: "an operator class that a superuser made of their function",
    superuser: true,
    attach: (s, t) =>
      `CREATE OPERATOR CLASS ${s}.odd_ops FOR TYPE text USING btree AS OPERATOR 1 <, ` +
      "OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 " +
      `${s}.compare(text, text); CREATE INDEX ON ${t}_3 (payload ${s}.odd_ops)`,
    refused: "read",
    bites: (_, t) => `INSERT INTO ${t} VALUES (999999, 3, 'x')`,
  },
  // Nothing of ours runs these: the usual table has them.
  {
    kind: "a DEFAULT",
    attach: (s, t) => `ALTER TABLE ${t} ALTER payload SET DEFAULT ${s}.text('x')`,
    refused: null,
    bites: (_, t) => `INSERT INTO ${t} (id, partition_id) VALUES (999999, 3)`,
  },
  {
    kind: "a policy",
    attach: (s, t) =>
      `ALTER TABLE ${t} ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON ${t} USING ` +
      `(${s}.yes(payload)); GRANT ALL ON ${t} TO PUBLIC`,
    refused: null,
    bites: (_, t) => `SET ROLE pg_monitor; SELECT count(*) FROM ${t}; RESET ROLE`,
  },
  {
    kind: "a domain of a column that is no key",
    before: (_, t) => `CREATE DOMAIN ${t}_text AS text`,
    table: (t) => ({ payload: `${t}_text` }),
    attach: (s, t) => `ALTER DOMAIN ${t}_text ADD CHECK (${s}.yes(VALUE)) NOT VALID`,
    refused: null,
    bites: (_, t) => `INSERT INTO ${t} VALUES (999999, 3, 'x')`,
  },
];

/**
 * What anybody's session does with the table, so that an attack is seen to bite where nobody looks
 * after it.
 */
export async function bite(db: TestDatabase, { bites }: Code, s: string, t: string): Promise<void> {
  await db.client
    .query(
      `BEGIN; ${
        bites?.(s, t) ??
        `UPDATE ${t} SET partition_id = '0' WHERE partition_id = '3'
        AND id = (SELECT min(id) FROM ${t}_3)`
      }`,
    )
    .finally(() => db.client.query("ROLLBACK"));
}
