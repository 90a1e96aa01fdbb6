-- Indexes that actions made and nobody takes back any more once a collection (0: any) is forgotten,
-- or its table is not what was registered.
CREATE OR REPLACE FUNCTION ruvector.healing_left_indexes(wanted integer)
RETURNS TABLE (what text, statement text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  -- By its name alone, which is nobody else's: its schema may be called otherwise by now.
  SELECT format('index %I.%I: %s', n.nspname, c.relname, i.why),
         -- One that ATTACH PARTITION made a part of somebody's index goes with that alone.
         coalesce((SELECT format('-- DROP INDEX %I.%I; drops the whole index that it is a part of.',
                            pn.nspname, p.relname)
                     FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent
                     JOIN pg_namespace pn ON pn.oid = p.relnamespace
                    WHERE h.inhrelid = c.oid AND c.relispartition),
           format('DROP INDEX %s%I.%I;', CASE c.relkind WHEN 'I' THEN '' ELSE 'CONCURRENTLY ' END,
             n.nspname, c.relname))
    FROM (SELECT s.details ->> 'kept' AS index,
                 format('what action %s replaced, kept for its undo', s.action_id) AS why
            FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
           WHERE wanted IN (a.collection_id, 0) AND s.kind IN ('swap_index', 'swap_whole')
             AND s.undone_at IS NULL
           UNION
          SELECT s.details ->> 'built', format('built by action %s, which did not succeed',
                 s.action_id)
            FROM ruvector.healing_steps s JOIN ruvector.healing_actions a ON a.id = s.action_id
           WHERE wanted IN (a.collection_id, 0) AND s.kind = 'build_index'
             AND a.state <> 'succeeded') i
    JOIN pg_class c ON c.relname = reverse(split_part(reverse(i.index), '.', 1))
      AND c.relkind IN ('i', 'I')
    JOIN pg_namespace n ON n.oid = c.relnamespace
   ORDER BY 1;
$function$;
COMMENT ON FUNCTION ruvector.healing_left_indexes(integer)
  IS 'Indexes that actions on a collection made, or keep for their undo, and what drops them.';

-- What actions made on users' tables and nobody takes back any more once we are gone.
CREATE OR REPLACE FUNCTION ruvector.healing_left_behind()
RETURNS TABLE (what text, statement text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT l.what, l.statement FROM ruvector.healing_left_indexes(0) l
   UNION ALL
  -- By its oid, which is of this database where the journal's is; else by its name.
  SELECT format('table %I.%I: the partition for cold rows that action %s made', n.nspname,
           c.relname, s.action_id),
         format('-- DROP TABLE %I.%I; drops its rows, too.', n.nspname, c.relname)
    FROM ruvector.healing_steps s
    JOIN pg_class c ON c.oid = CASE
        WHEN (s.details ->> 'here')::oid = 'ruvector.healing_steps'::regclass
          THEN (s.details ->> 'table')::oid
        ELSE to_regclass(s.details ->> 'qualified') END AND c.relkind IN ('r', 'p')
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE s.kind = 'made_partition' AND s.undone_at IS NULL
   ORDER BY 1;
$function$;
COMMENT ON FUNCTION ruvector.healing_left_behind()
  IS 'What actions made on users'' tables that stays when ruvector_healing is dropped.';
