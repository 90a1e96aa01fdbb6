/** What reads through a pooler: PgBouncer refuses parameters that it does not know. */
import { expect, it } from "vitest";
import { reader } from "../../src/commands/actuator/reader.ts";
import { target } from "../../src/commands/connect.ts";
import { afterwards } from "../support/afterwards.ts";
import { pgbouncer, startPooler } from "../support/pgbouncer.ts";
import { testDatabase } from "./support/database.ts";

const programs = await pgbouncer();

it.skipIf(programs === null)(
  "the page and watch read through a pooler that knows no statement_timeout",
  async () => {
    const db = await testDatabase();
    const pooler = await startPooler(programs!.pgbouncer, db.url, "session");
    afterwards(() => pooler.stop());
    const reads = reader(target(pooler.url));
    try {
      for (const asked of [reads.query, reads.once])
        expect(await asked("SELECT 7 AS seven")).toEqual([{ seven: 7 }]);
      // Asked once whether it knows that, and not by each connection.
      expect(pooler.log().match(/closing because: unsupported startup parameter/g)).toHaveLength(1);
    } finally {
      await reads.end();
    }
    // Where nothing is in between the server ends what takes too long.
    const straight = reader(target(db.url));
    expect(await straight.query("SHOW statement_timeout")).toEqual([{ statement_timeout: "10s" }]);
    await straight.end();
  },
);
