/** One-off jobs from a test: an action to hang them on, start, watch, cancel. */
import type { Job, NewJob } from "../../../src/store/jobs.ts";
import type { TestDatabase } from "./database.ts";
import { callInside, installInside } from "./inside.ts";
import { waitEnds } from "../../support/patience.ts";

export interface Jobs {
  readonly action: { readonly id: string; readonly collection_id: number };
  start(job: NewJob): Promise<Job>;
  watch(id: string): Promise<Job>;
  cancel(id: string, reason: string): Promise<Job>;
  sweep(): Promise<void>;
  /** Watches until the job satisfies; the last look when it never does within `seconds`. */
  until(id: string, satisfied: (job: Job) => boolean, seconds?: number): Promise<Job>;
}

/** An action that is at work, of no collection: jobs only need its id. */
export async function jobsInside(db: TestDatabase): Promise<Jobs> {
  await installInside(db, "test/server/support/jobs-bundle.ts");
  const action = (
    await db.rows<{ id: string; collection_id: number }>(`
    INSERT INTO ruvector.healing_actions (collection_id, collection, state, initiated_by, origin,
      problem_class, problem, strategy_name,
                                          reversible, plan, initial_lambda, initial_state,
                                            target_lambda)
    SELECT coalesce(min(collection_id), 0) - 1, 'none', 'executing', 'test', 'execute', 'unknown',
      '{}', 'test', true, '{}', 1, 0, 1
      FROM ruvector.healing_actions RETURNING id::text, collection_id`)
  )[0]!;
  const ask = async <T>(operation: string, input: object): Promise<T> => {
    const { result, error } = await callInside<T>(db, operation, { action, ...input });
    if (error) throw Object.assign(new Error(error.message), error);
    return result as T;
  };
  const watch = (id: string) => ask<Job>("watch", { id });
  return {
    action,
    watch,
    start: (job) => ask("start", { job }),
    cancel: (id, reason) => ask("cancel", { id, reason }),
    sweep: () => ask("sweep", {}),
    until: async (id, satisfied, seconds) => {
      const end = waitEnds(seconds);
      for (;;) {
        const job = await watch(id);
        if (satisfied(job) || Date.now() > end) return job;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  };
}
