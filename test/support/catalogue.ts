/** What an installation is made of, as text: every object of ours, and which the extension has. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../build/project.ts";
import type { TestDatabase } from "./database.ts";

/** A line for each object or part of one; roles named in `rights` count as in any installation. */
export async function objects(db: Pick<TestDatabase, "rows">): Promise<string[]> {
  const query = await readFile(join(root, "test/catalogue/objects.sql"), "utf8");
  const rows = await db.rows<{ name: string; text: string }>(query);
  return rows.map(({ name, text }) => `${name}: ${text}`);
}

/** Members of the extension, and the tables whose rows pg_dump carries. */
export const members = (db: Pick<TestDatabase, "rows">): Promise<{ what: string }[]> =>
  db.rows<{ what: string }>(
    `SELECT pg_describe_object(d.classid, d.objid, 0) AS what FROM pg_depend d
       JOIN pg_extension e ON e.oid = d.refobjid
      WHERE e.extname = 'ruvector_healing' AND d.refclassid = 'pg_extension'::regclass
        AND d.deptype = 'e'
     UNION ALL
     SELECT 'dumped: ' || t.relation::regclass FROM pg_extension e,
       unnest(e.extconfig) t (relation) WHERE e.extname = 'ruvector_healing' ORDER BY 1`,
  );
