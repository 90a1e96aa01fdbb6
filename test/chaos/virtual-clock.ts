/**
 * Time passes where waiting is all there is to do: for a lease, an approval, a verdict, a one-off
 * job's minute.
 */
import type pg from "pg";
import { shifting, type StoredTimes, storedTimes } from "../support/stored-times.ts";

/**
 * pg_cron's clock cannot be moved, and a one-off job waits for its minute: it starts within a
 * second or two here, and once, as from its own line. The launcher itself takes the interval back
 * as it begins the run, so that none can follow.
 */
export const QUICK_JOBS = `
  CREATE FUNCTION chaos.soon() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.schedule := '1 second'; RETURN NEW; END $$;
  CREATE TRIGGER chaos_soon BEFORE INSERT ON cron.job FOR EACH ROW
    WHEN (NEW.jobname LIKE 'ruvector_healing_job_%')
    EXECUTE FUNCTION chaos.soon();
  CREATE FUNCTION chaos.once() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE cron.job SET schedule = '0 0 1 1 *' WHERE jobid = NEW.jobid
      AND jobname LIKE 'ruvector_healing_job_%';
    RETURN NEW;
  END $$;
  CREATE TRIGGER chaos_once BEFORE INSERT ON cron.job_run_details FOR EACH ROW
    EXECUTE FUNCTION chaos.once()`;

/**
 * The session that ticks moves the stored times: any other one waits for that tick's locks, a third
 * of all time when it was so.
 */
export class VirtualClock {
  #stored: readonly StoredTimes[] | undefined;
  /** Seconds by which the stored times are to grow older. */
  #passing = 0;

  /** With the timer's next tick. */
  pass(seconds: number): void {
    this.#passing = Math.max(this.#passing, seconds);
  }

  /**
   * Not while one-off jobs are due, which pg_cron begins by the machine's clock: they would be late
   * by the loop's.
   */
  async letPass(client: pg.Client): Promise<void> {
    if (this.#passing === 0) return;
    const { rows: due } = await client.query(
      "SELECT FROM ruvector.healing_jobs WHERE state IN ('scheduled', 'running') LIMIT 1",
    );
    if (due.length > 0) return;
    this.#stored ??= await storedTimes(client);
    const seconds = this.#passing;
    this.#passing = 0;
    // The loop's own locks first: it is at no table then, and no tick fails by a deadlock that
    // nothing explains. One message is one transaction.
    const locks = "SELECT FROM ruvector.healing_locks ORDER BY kind, id FOR UPDATE";
    await client
      .query(`${locks}; ${shifting(this.#stored, () => -seconds)}`)
      .catch((error: { code?: string }) => {
        if (error.code !== "40P01") throw error;
        this.#passing = seconds;
      });
  }
}
