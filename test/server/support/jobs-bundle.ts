/** Entry of a test bundle: one-off jobs alone, without a strategy. */
import { cancelJob } from "../../../src/jobs/watch.ts";
import type { NewJob } from "../../../src/store/jobs.ts";
import type { Action } from "../../../src/model/action.ts";
import { startJob, sweepJobs, watchJob } from "../../../src/jobs/jobs.ts";
import { postgres, resetHost, thrownByPostgres } from "../../../src/host/postgres.ts";
import { HealingError, SqlError } from "../../../src/base/errors.ts";

interface Input {
  readonly action: Action;
  readonly job: NewJob;
  readonly id: string;
  readonly reason: string;
}

export function call(operation: string, input: string): string {
  resetHost();
  const { action, job, id, reason } = JSON.parse(input) as Input;
  try {
    const work: Readonly<Record<string, () => unknown>> = {
      start: () => startJob(postgres, action, job),
      watch: () => watchJob(postgres, id),
      cancel: () => cancelJob(postgres, id, reason),
      sweep: () => sweepJobs(postgres, action.collection_id),
    };
    return JSON.stringify({ result: work[operation]!() ?? null });
  } catch (error) {
    if (thrownByPostgres()) throw error;
    const document =
      error instanceof HealingError || error instanceof SqlError
        ? error.document
        : { sqlstate: "XX000", message: String(error), detail: null, hint: null };
    return JSON.stringify({ error: document });
  }
}
