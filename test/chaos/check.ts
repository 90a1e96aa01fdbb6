/**
 * What must hold after every fault, once the loop has had its time. Everything is read from the
 * server anew.
 */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { pause } from "../../src/workbench/load.ts";
import type { Fault } from "./faults/fault.ts";
import { BUSY, SUM, TABLES } from "./tables.ts";
import { USER_JOBS, type World } from "./world.ts";
import type { Workload } from "./workload.ts";

/**
 * Errors that the loop's work may always mean to a user (README: retry 40001; a throttle in mode
 * reject).
 */
const USERS_ALWAYS = ["40001", "RV012"];

/**
 * Failures of a tick that are part of its design: locks that are not waited for, races that are
 * retried.
 */
const TICKS_ALWAYS = ["55P03", "40001"];

/**
 * Seconds in which everything that is only true in the end must have come true, on a machine that
 * is busy.
 */
const PATIENCE = 90;

/** What a server that was killed, or whose disk failed, says by right. */
const CRASH = new RegExp(
  [
    "was terminated by signal 9",
    'PANIC:  could not fsync file "pg_tblspc',
    "checkpointer process .* signal 6",
  ].join("|"),
);

/** What is wrong now and must not be for long, a row each. */
const EVENTUAL: Readonly<Record<string, string>> = {
  "an action is stuck beyond its deadline": `
    SELECT format('action %s (%s of %s) is %s: %s', id, strategy_name, collection, state,
      message) AS found FROM ruvector.healing_actions
     WHERE (state IN ('executing', 'rolling_back', 'awaiting_approval')
       AND deadline < clock_timestamp())
        OR (state = 'stabilizing' AND stabilize_until < clock_timestamp()) OR (state = 'planned'
          AND updated_at < clock_timestamp() - interval '1 second')`,
  "a lease is left": `
    SELECT format('lease %s (%s) of action %s, which is %s; it expires at %s', l.id, l.kind, a.id,
      a.state, l.expires_at) AS found
      FROM ruvector.healing_leases l JOIN ruvector.healing_actions a ON a.id = l.action_id
     WHERE l.ended_at IS NULL AND (l.expires_at < clock_timestamp()
       OR a.state IN ('rolled_back', 'aborted', 'failed', 'expired'))`,
  "a one-off job is left": `
    SELECT format('job %s (%s) of action %s, which is %s', j.id, j.purpose, a.id, a.state) AS found
      FROM ruvector.healing_jobs j JOIN ruvector.healing_actions a ON a.id = j.action_id
     WHERE j.state IN ('scheduled', 'running') AND a.finished_at IS NOT NULL
       AND j.purpose <> 'clear_up' AND a.finished_at < clock_timestamp() - interval '1 second'
     UNION ALL
    SELECT format('cron.job %s is there, and its job is %s', c.jobname,
      coalesce(j.state, 'unknown'))
      FROM cron.job c LEFT JOIN ruvector.healing_jobs j ON j.jobid = c.jobid
     WHERE c.jobname LIKE 'ruvector_healing_job_%'
       AND coalesce(j.state, 'gone') NOT IN ('scheduled', 'running')`,
  // While an action is at work on the table, or its clearing up is, an index may be half built.
  "an invalid index is left": `
    SELECT format('index %s of %s', i.indexrelid::regclass, i.indrelid::regclass) AS found
      FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
     WHERE t.relnamespace = 'chaos'::regnamespace AND NOT (i.indisvalid AND i.indisready
       AND i.indislive)
       AND NOT EXISTS (SELECT
         FROM ruvector.healing_actions a JOIN ruvector.collections c USING (collection_id)
                        WHERE a.state IN ('planned', 'executing', 'stabilizing', 'rolling_back')
                          AND c.table_name = regexp_replace(t.relname, '_p\\d+$', ''))
       AND NOT EXISTS (SELECT FROM ruvector.healing_jobs j
         WHERE j.state IN ('scheduled', 'running'))`,
  "triggers of a throttle are left": `
    SELECT format('%s on %s', t.tgname, t.tgrelid::regclass) AS found FROM pg_trigger t
     WHERE t.tgname LIKE 'ruvector%' AND NOT EXISTS (SELECT FROM ruvector.healing_leases l
       WHERE l.kind = 'throttle' AND l.ended_at IS NULL)
       AND NOT EXISTS (SELECT FROM ruvector.healing_actions a
         WHERE a.strategy_name = 'throttle_ingestion'
         AND a.state IN ('planned', 'executing', 'rolling_back'))`,
  "a job of the user is left paused": `
    SELECT format('%s is %s with schedule %s', jobname, CASE WHEN active THEN 'on'
      ELSE 'off' END, schedule) AS found FROM cron.job
     WHERE jobname LIKE 'chaos_%' AND NOT (active AND schedule = ($1::jsonb ->> jobname))
       AND NOT EXISTS (SELECT FROM ruvector.healing_leases l WHERE l.ended_at IS NULL
         AND l.strategy_name = 'pause_maintenance')
       AND NOT EXISTS (SELECT FROM ruvector.healing_actions a
         WHERE a.strategy_name = 'pause_maintenance'
         AND a.state IN ('planned', 'executing', 'rolling_back'))`,
  "a route is wrong": `
    SELECT format('key %s leads to %s with weight %s', r.partition_key, r.partition, r.weight)
      AS found
      FROM ruvector.healing_routes r JOIN ruvector.collections c USING (collection_id)
     WHERE c.table_name = 'busy' AND (
           -- To where rows cannot go.
           NOT EXISTS (SELECT FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
                        WHERE i.inhparent = '${BUSY.name}'::regclass
                          AND pg_get_expr(p.relpartbound,
                          p.oid) ~ ('IN \\(''?' || r.partition_key || '''?\\)'))
           -- Closed although nobody holds it closed.
        OR (r.weight = 0 AND NOT EXISTS (SELECT FROM ruvector.healing_leases l
          WHERE l.ended_at IS NULL AND l.collection_id = r.collection_id
          AND l.strategy_name = 'drain_hot_partition'))
           -- Lowered to this by nobody, or by what was taken back.
        OR (r.weight > 0 AND r.weight < 1
            AND NOT EXISTS (SELECT
              FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id,
                                        jsonb_array_elements(s.details -> 'weights') w
                             WHERE a.collection_id = r.collection_id AND s.undone_at IS NULL
                               AND s.kind = 'route_weights'
                               AND w ->> 'label' = r.partition
                                 AND abs((w ->> 'weight')::float8 - r.weight) < 1e-9)))`,
  "a request to an actuator is left": `
    SELECT format('request %s is %s, and its action %s is %s', u.id, u.state, a.id,
      a.state) AS found
      FROM ruvector.healing_actuations u JOIN ruvector.healing_actions a ON a.id = u.action_id
     WHERE u.state IN ('requested', 'taken') AND u.deadline < clock_timestamp()
       AND a.finished_at IS NOT NULL`,
};

/** "an action is stuck: action 7 (...)" whatever its state and message are meanwhile. */
const identity = (found: string): string =>
  found
    .split(/: (\S+ \S+ \S+)/)
    .slice(0, 2)
    .join();

export class Check {
  readonly #world: World;
  readonly #workload: Workload;
  #logFrom = 0;
  #event = 0;
  /** Up to here the audit chain was verified. */
  #chained = 0;
  /** Faults since then. */
  #unverified = 0;

  constructor(world: World, workload: Workload) {
    this.#world = world;
    this.#workload = workload;
  }

  /** Everything before this is nobody's fault. */
  async begin(): Promise<void> {
    this.#logFrom = await this.#logSize();
    this.#event = Number(
      await this.#world.value<string>(
        "SELECT coalesce(max(id), 0)::text FROM ruvector.healing_events",
      ),
    );
  }

  /**
   * All that is wrong after a fault; empty when it was survived.
   * @param whole the audit chain is verified from its beginning, not only where it was added to
   * @param lap told what has just been done
   */
  async after(
    fault: Pick<Fault, "explains">,
    whole = false,
    lap: (what: string) => void = () => undefined,
  ): Promise<string[]> {
    const found: string[] = [];
    found.push(...(await this.#ticks()));
    lap("loop");
    found.push(...(await this.#eventual()));
    found.push(...(await this.#rows()));
    found.push(...(await this.#audit(whole)));
    found.push(...this.#users(fault.explains.users ?? []));
    found.push(...(await this.#failedTicks(fault.explains.ticks ?? [])));
    found.push(...(await this.#log(fault.explains.crash === true)));
    lap("checked");
    return found;
  }

  /**
   * A whole tick begins and ends from now on (they are counted as they begin), and none is at work
   * any more that the fault could have met: what it says would be put down to the next fault.
   */
  async #ticks(): Promise<string[]> {
    const [now] = await this.#world.ask<{ ticks: string; at: string }>(
      "SELECT ticks::text, clock_timestamp()::text AS at FROM ruvector.healing_ticks",
    );
    const last = await this.#world.until<string>(
      "SELECT ticks::text FROM ruvector.healing_ticks",
      (ticks) => Number(ticks) >= Number(now!.ticks) + 2,
      PATIENCE,
    );
    await this.#world.until<string>(
      `SELECT count(*)::text FROM pg_stat_activity WHERE state = 'active'
        AND query ILIKE '%call%healing_tick()%'
      AND pid <> pg_backend_pid() AND datname = current_database()
        AND query_start <= $1::timestamptz`,
      (count) => count === "0",
      PATIENCE,
      [now!.at],
    );
    return Number(last) >= Number(now!.ticks) + 2
      ? []
      : [`the loop does not run: ${Number(last) - Number(now!.ticks)} ticks in ${PATIENCE} s`];
  }

  async #eventual(): Promise<string[]> {
    // What is still the same at every look: work goes on, and something else may be on its way each
    // time.
    let wrong: string[] | undefined;
    for (const end = Date.now() + PATIENCE * 1000; ; await pause(100)) {
      const now: string[] = [];
      for (const [what, statement] of Object.entries(EVENTUAL)) {
        const rows = await this.#world.ask<{ found: string }>(
          statement,
          statement.includes("$1") ? [JSON.stringify(USER_JOBS)] : [],
        );
        now.push(...rows.map(({ found }) => `${what}: ${found}`));
      }
      const before = new Set(wrong?.map(identity));
      wrong = wrong === undefined ? now : now.filter((one) => before.has(identity(one)));
      if (wrong.length === 0 || Date.now() > end) return wrong;
    }
  }

  /**
   * Every acknowledged row is there once, with what was last written, in one snapshot while nobody
   * writes.
   */
  async #rows(): Promise<string[]> {
    const wrong: string[] = [...this.#workload.wrong.splice(0)];
    const { stuck } = await this.#workload.quiet(60, async () => {
      for (const { name } of TABLES) {
        const rows = await this.#world.ask<{ id: number; payload: string; whole: boolean }>(
          [name, ...(name === BUSY.name ? this.#world.detached : [])]
            .map((table) => `SELECT id::int, payload, sum = ${SUM} AS whole FROM ${table}`)
            .join(" UNION ALL "),
        );
        const found = new Map<number, string[]>();
        for (const { id, payload } of rows) found.set(id, [...(found.get(id) ?? []), payload]);
        const differences = this.#workload.ledgers.get(name)!.compare(found);
        wrong.push(
          ...differences
            .slice(0, 10)
            .map(
              ({ id, expected, found: there }) =>
                `row ${id} of ${name} is ${JSON.stringify(there)}; the ledger has ` +
                `${expected.map((one) => JSON.stringify(one)).join(" or ")}`,
            ),
        );
        if (differences.length > 10)
          wrong.push(`and ${differences.length - 10} more rows of ${name}`);
        const broken = rows.filter(({ whole }) => !whole);
        if (broken.length > 0)
          wrong.push(
            `${broken.length} rows of ${name} do not match their own sum, the first is ` +
              `${broken[0]!.id}`,
          );
      }
    });
    if (stuck > 0)
      wrong.push(`${stuck} sessions of users do not come back from a statement within 60 s`);
    return wrong;
  }

  /**
   * 1 ms an event, and on a busy machine 10: after every fifth fault, what came since; after the
   * last one, all.
   */
  async #audit(whole: boolean): Promise<string[]> {
    if (!whole && ++this.#unverified < 5) return [];
    this.#unverified = 0;
    const from = whole || this.#chained === 0 ? null : this.#chained;
    const answer = await this.#world.value<Record<string, unknown>>(
      "SELECT ruvector_healing_verify_audit(from_ := $1::bigint)",
      [from],
    );
    this.#chained = Number(answer["last_seq"] ?? 0);
    const { message, findings } = answer;
    return answer["intact"] === true
      ? []
      : ["the audit chain does not verify: " + JSON.stringify({ message, findings }).slice(0, 800)];
  }

  #users(explained: readonly string[]): string[] {
    const allowed = new Set([...USERS_ALWAYS, ...explained]);
    const unexplained = this.#workload.errors
      .splice(0)
      .filter(({ sqlstate }) => !allowed.has(sqlstate));
    return unexplained
      .slice(0, 10)
      .map(({ who, sqlstate, message }) => `${who} got ${sqlstate}: ${message}`);
  }

  async #failedTicks(explained: readonly string[]): Promise<string[]> {
    const allowed = [...TICKS_ALWAYS, ...explained].map((one) => one.split(" "));
    const rows = await this.#world.ask<{ id: string; sqlstate: string; text: string }>(
      `
      SELECT id::text, details ->> 'sqlstate' AS sqlstate,
        format('a tick failed on %s in phase %s: %s %s', collection, details ->> 'phase', message,
        left(details ->> 'detail', 600)) AS text
        FROM ruvector.healing_events WHERE kind = 'tick_failed' AND id > $1::bigint
          ORDER BY healing_events.id`,
      [this.#event],
    );
    this.#event = Number(rows[rows.length - 1]?.id ?? this.#event);
    const unexplained = rows.filter(
      ({ sqlstate, text }) =>
        !allowed.some(([state, word]) => state === sqlstate && text.includes(word ?? "")),
    );
    return unexplained.slice(0, 5).map(({ sqlstate, text }) => `${sqlstate}: ${text}`);
  }

  /** Nothing dies that was not killed. */
  async #log(crash: boolean): Promise<string[]> {
    const size = await this.#logSize();
    const file = await open(this.logFile).catch(() => undefined);
    if (!file) return [];
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.max(0, size - this.#logFrom)),
      0,
      Math.max(0, size - this.#logFrom),
      this.#logFrom,
    );
    await file.close();
    this.#logFrom = size;
    const deaths = buffer
      .subarray(0, bytesRead)
      .toString("utf8")
      .split("\n")
      .filter((line) => /PANIC|TRAP:|was terminated by signal|stack smashing/.test(line));
    return deaths
      .filter((line) => !(crash && CRASH.test(line)))
      .slice(0, 5)
      .map((line) => `the server's log: ${line}`);
  }

  get logFile(): string {
    return join(this.#world.server.where, "postgresql.log");
  }

  async #logSize(): Promise<number> {
    return (await stat(this.logFile).catch(() => ({ size: 0 }))).size;
  }
}
