/** An installation that belongs to a role without any special right, as on a managed server. */
import type { TestDatabase } from "./database.ts";

/**
 * Hands schema, tables and functions of ruvector_healing, and the tables of `public`, to the role.
 */
export async function handTo(db: TestDatabase, role: string, language: string): Promise<void> {
  await db.client.query(
    `GRANT USAGE ON LANGUAGE ${language} TO ${role};
      GRANT USAGE, CREATE ON SCHEMA public TO ${role}; ALTER SCHEMA ruvector OWNER TO ${role}`,
  );
  const { rows } = await db.client.query<{ statement: string }>(`
    SELECT format('ALTER TABLE %s OWNER TO ${role}', c.oid::regclass) AS statement FROM pg_class c
     WHERE c.relnamespace IN ('ruvector'::regnamespace, 'public'::regnamespace)
       AND c.relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
         AND d.objid = c.oid AND d.deptype = 'e')
     UNION ALL
    SELECT format('ALTER ROUTINE %s OWNER TO ${role}', p.oid::regprocedure) FROM pg_proc p
     WHERE p.pronamespace IN ('ruvector'::regnamespace, 'public'::regnamespace)
       AND p.proname ~ '^(ruvector_)?(healing|integrity|contracted)_'`);
  for (const { statement } of rows) await db.client.query(statement);
}
