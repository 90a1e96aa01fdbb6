-- Of two first installations at once the second ended in a raw duplicate key, or in "tuple
-- concurrently updated". Whoever makes the schema is the first; the other waits here until that
-- transaction has ended, and then finds it installed, or goes on itself. Not an advisory lock: one
-- may be held by whoever may connect. Later ones wait in sql/install/lock_order.sql.
DO $one$
BEGIN
  IF pg_catalog.to_regnamespace('ruvector') IS NULL THEN
    CREATE SCHEMA ruvector;
  END IF;
EXCEPTION WHEN unique_violation OR duplicate_schema THEN
  NULL;
END
$one$;
