/** pg_cron that runs no jobs of superusers, where one has installed. */
import { expect, it } from "vitest";
import { raised } from "../support/database.ts";
import { cronServer, external } from "./support/cron.ts";

const db = external
  ? null!
  : await cronServer({ suffix: "superjobs", settings: { "cron.enable_superuser_jobs": "off" } });

it.skipIf(external)("scheduling says what runs none, and what to type", async () => {
  expect(await raised(db.client, "SELECT ruvector_healing_schedule()")).toMatchObject({
    code: "RV009",
    message: "pg_cron runs no jobs of superusers here",
    hint: expect.stringContaining("ALTER SYSTEM SET cron.enable_superuser_jobs = on;"),
  });
});
