-- Nobody else's code runs in the loop: before rows of a table are read or moved, it is looked up in
-- the catalogue what would run on the way, and whose it is.
--
-- Trusted are superusers, the role that installed, and roles that were given trust
-- (ruvector_healing_trust: EXECUTE on the function below, which nobody calls; so it is renamed,
-- dropped, dumped and restored with the role, and one that is made again under the same name has
-- none). What counts is who owns a FUNCTION, whatever extension it is a member of: its owner can
-- replace it, an extension's owner can add others'.
CREATE OR REPLACE FUNCTION ruvector.healing_level_trusted() RETURNS void
  LANGUAGE sql IMMUTABLE AS '';
COMMENT ON FUNCTION ruvector.healing_level_trusted()
  IS 'Roles that may execute it are trusted: what belongs to them may run while the loop reads '
  'and moves rows.';

CREATE OR REPLACE FUNCTION ruvector.healing_trusted_roles()
RETURNS SETOF oid
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT r.oid FROM pg_roles r WHERE r.rolsuper
  UNION SELECT n.nspowner FROM pg_namespace n WHERE n.nspname = 'ruvector'
  UNION SELECT a.grantee FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
         WHERE p.pronamespace = 'ruvector'::regnamespace AND p.proname = 'healing_level_trusted'
           AND a.grantee <> 0;
$function$;
COMMENT ON FUNCTION ruvector.healing_trusted_roles() IS 'Roles whose code may run in the loop.';

-- A table and all its partitions; unlike pg_partition_tree it takes no locks. An array, of which
-- the planner expects few: of the recursion itself it expected 157,867 rows where there were 17,
-- and read pg_class and pg_index from end to end.
CREATE OR REPLACE FUNCTION ruvector.healing_family(relation oid)
RETURNS oid[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  RETURN ARRAY(
    WITH RECURSIVE f(relid) AS (SELECT relation UNION SELECT i.inhrelid
      FROM f JOIN pg_inherits i ON i.inhparent = f.relid)
    SELECT f.relid FROM f);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_family(oid)
  IS 'A table and all its partitions, looked up without a lock.';

-- What hangs on one table: (classid, objid) as in pg_depend. usage read: it may run as soon as a
-- statement on the table is planned (the planner evaluates indexes, CHECKs and statistics); move:
-- only when rows are written. Not here, because no statement of ours runs it: DEFAULTs (nothing is
-- inserted anew but by a move, which has all its values), policies (row_security is off: an error
-- in their place), columns that are neither key nor indexed (only their bytes are counted or
-- moved), foreign keys (they forbid moves both ways).
CREATE OR REPLACE FUNCTION ruvector.healing_hanging(relation oid)
RETURNS TABLE (member oid, classid oid, objid oid, type oid, usage text, code pg_node_tree)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH f(relid) AS MATERIALIZED (SELECT * FROM unnest(ruvector.healing_family(relation))),
  -- Foreign tables are not read.
  member AS MATERIALIZED (SELECT c.oid, c.relkind FROM f JOIN pg_class c ON c.oid = f.relid
    AND c.relkind IN ('r', 'p')),
  indexes AS MATERIALIZED (SELECT i.indrelid, i.indexrelid, i.indisunique, h.amname
    FROM member m JOIN pg_index i ON i.indrelid = m.oid JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am h ON h.oid = c.relam)
  SELECT m.oid, 'pg_class'::regclass::oid, m.oid, NULL::oid, 'read', NULL::pg_node_tree
    FROM member m WHERE m.relkind = 'p'
  UNION ALL SELECT i.indrelid, 'pg_class'::regclass, i.indexrelid, NULL, 'read', NULL FROM indexes i
  UNION ALL SELECT i.indrelid, 'pg_class'::regclass, i.indexrelid, a.atttypid, 'read', NULL
              FROM indexes i JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum > 0
                AND a.atttypid >= 16384 WHERE i.amname IN ('ivfflat', 'hnsw')
  -- Compared before a row moves.
  UNION ALL SELECT i.indrelid, 'pg_class'::regclass, i.indexrelid, a.atttypid, 'move', NULL
              FROM indexes i JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum > 0
                AND a.atttypid >= 16384 WHERE i.indisunique
  UNION ALL SELECT m.oid, 'pg_constraint'::regclass, k.oid, NULL, 'read', k.conbin
    FROM member m JOIN pg_constraint k ON k.conrelid = m.oid AND k.contype IN ('c', 'x')
  UNION ALL SELECT m.oid, 'pg_statistic_ext'::regclass, s.oid, NULL, 'read', s.stxexprs
    FROM member m JOIN pg_statistic_ext s ON s.stxrelid = m.oid
  -- A virtual column is computed whenever it is read.
  UNION ALL SELECT m.oid, 'pg_attrdef'::regclass, d.oid, NULL, CASE a.attgenerated WHEN 's'
    THEN 'move' ELSE 'read' END, d.adbin
              FROM member m JOIN pg_attrdef d ON d.adrelid = m.oid
                JOIN pg_attribute a ON a.attrelid = m.oid AND a.attnum = d.adnum
                AND a.attgenerated <> ''
  UNION ALL SELECT m.oid, 'pg_trigger'::regclass, g.oid, NULL, 'move', g.tgqual
    FROM member m JOIN pg_trigger g ON g.tgrelid = m.oid AND NOT g.tgisinternal
    AND g.tgenabled <> 'D'
  UNION ALL SELECT m.oid, 'pg_rewrite'::regclass, r.oid, NULL, 'move', r.ev_action
    FROM member m JOIN pg_rewrite r ON r.ev_class = m.oid AND r.ev_enabled <> 'D'
  -- The key, and the columns by which rows are picked: their texts are read and written.
  UNION ALL SELECT relation, 'pg_class'::regclass, relation, a.atttypid, 'move', NULL
              FROM pg_attribute a
             WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
               AND (a.attnum = ANY ((SELECT p.partattrs::int2[] FROM pg_partitioned_table p
                 WHERE p.partrelid = relation)::int2[])
                    OR a.attname
                      IN (SELECT unnest(ARRAY[k.tenant_column, k.options ->> 'access_column'])
                      -- Not by to_regclass, which asks for a right to the schemas of all others.
                      FROM ruvector.collections k
                     WHERE k.relid = relation OR (k.schema_name, k.table_name)
                       IN (SELECT n.nspname, r.relname FROM pg_class r
                           JOIN pg_namespace n ON n.oid = r.relnamespace
                           WHERE r.oid = relation)));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_hanging(oid)
  IS 'Objects on a table and its partitions that can bring code with them.';

-- PostgreSQL's own functions that are no excuse: those with an effect on the session or the server
-- (volatile), and those that run what they are given: a text, a view, or a type's input function
-- called by hand with the oid of any domain.
CREATE OR REPLACE FUNCTION ruvector.healing_harmless(routine oid)
RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT CASE WHEN p.oid < 16384 THEN
           (p.provolatile <> 'v'
             OR p.proname IN ('random', 'random_normal', 'gen_random_uuid', 'uuidv4', 'uuidv7',
             'clock_timestamp', 'timeofday'))
           AND p.proname NOT LIKE E'%\\_to\\_xml%'
             AND NOT ('cstring'::regtype = ANY (p.proargtypes::oid[])
             OR 'internal'::regtype = ANY (p.proargtypes::oid[]))
         -- An extension's, or ours: what takes a text may run it.
         WHEN p.pronamespace = 'ruvector'::regnamespace OR EXISTS (SELECT FROM pg_depend e
           WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
           THEN p.provolatile <> 'v'
         ELSE true END
    FROM pg_proc p WHERE p.oid = routine;
$function$;
COMMENT ON FUNCTION ruvector.healing_harmless(oid)
  IS 'Whether a trusted function may run in an expression that somebody else wrote.';

-- (PL/pgSQL, here and above, keeps the plan: most of the time of one look is planning, and a slice
-- has a look for each batch.) Everything that would run with a table's rows and belongs to nobody
-- who is trusted, what reading meets first. Empty: the usual table. One query an operation, under
-- its lock. From what hangs on the table along pg_depend (PostgreSQL's own objects are not in it),
-- and to what pg_depend does not say: operator families, casts, domains' constraints. A trusted
-- function is not looked into.
CREATE OR REPLACE FUNCTION ruvector.healing_untrusted(relation oid)
RETURNS TABLE (usage text, what text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
-- What the planner thinks a recursion costs has it compiled: 7.5 s in place of 0.07 s (PostgreSQL
-- 17).
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
#variable_conflict use_column
BEGIN
  -- Whatever is found below is the function, type or table of a role that is not trusted. Where no
  -- such role owns any of them in this database, nothing is: who owns what stands in pg_shdepend
  -- (but for what is the bootstrap superuser's), and that is asked in a tenth of the time.
  IF NOT EXISTS (SELECT FROM pg_shdepend d
      WHERE d.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
        AND d.classid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_class'::regclass)
        AND d.deptype = 'o' AND d.refobjid NOT IN (SELECT r
          FROM ruvector.healing_trusted_roles() r))
     AND 10 IN (SELECT r FROM ruvector.healing_trusted_roles() r) THEN
    RETURN;
  END IF;
  RETURN QUERY
  WITH RECURSIVE f(relid) AS MATERIALIZED (
    SELECT * FROM unnest(ruvector.healing_family(relation))),
  trusted AS MATERIALIZED (SELECT r FROM ruvector.healing_trusted_roles() r),
  hanging AS MATERIALIZED (SELECT * FROM ruvector.healing_hanging(relation)),
  -- What hangs on each of several hundred partitions is the same mostly, and is followed once.
  first(classid, objid, usage, place) AS (
    SELECT d.refclassid, d.refobjid, h.usage, min(h.classid::int8 << 32 | h.objid::int8)
      FROM hanging h JOIN pg_depend d ON d.classid = h.classid AND d.objid = h.objid
     -- Not what its columns are of: of those, keys alone count.
     WHERE h.type IS NULL AND d.objsubid = 0 AND d.refobjid >= 16384
       AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass,
         'pg_opclass'::regclass, 'pg_am'::regclass)
     GROUP BY 1, 2, 3
    UNION ALL SELECT 'pg_type'::regclass, h.type, h.usage,
      min(h.classid::int8 << 32 | h.objid::int8) FROM hanging h WHERE h.type >= 16384
      GROUP BY 1, 2, 3
  ),
  walk AS (
    SELECT * FROM first
    UNION
    SELECT n.classid, n.objid, w.usage, w.place
      FROM walk w CROSS JOIN LATERAL (
        SELECT d.refclassid, d.refobjid FROM pg_depend d
         WHERE w.classid <> 'pg_proc'::regclass AND d.classid = w.classid AND d.objid = w.objid
           AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass,
             'pg_opclass'::regclass)
        UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k
          WHERE w.classid = 'pg_type'::regclass AND k.contypid = w.objid
        UNION ALL SELECT 'pg_class'::regclass, t.typrelid FROM pg_type t
          WHERE w.classid = 'pg_type'::regclass AND t.oid = w.objid
        UNION ALL SELECT 'pg_opclass'::regclass, o.oid FROM pg_opclass o
          WHERE w.classid = 'pg_type'::regclass AND o.opcintype = w.objid
        UNION ALL SELECT 'pg_opfamily'::regclass, o.opcfamily FROM pg_opclass o
          WHERE w.classid = 'pg_opclass'::regclass AND o.oid = w.objid
        UNION ALL SELECT 'pg_proc'::regclass, a.amproc FROM pg_amproc a
          WHERE w.classid = 'pg_opfamily'::regclass AND a.amprocfamily = w.objid
        UNION ALL SELECT 'pg_operator'::regclass, a.amopopr FROM pg_amop a
          WHERE w.classid = 'pg_opfamily'::regclass AND a.amopfamily = w.objid
        UNION ALL SELECT 'pg_operator'::regclass, unnest(ARRAY[o.oprcom, o.oprnegate])
          FROM pg_operator o WHERE w.classid = 'pg_operator'::regclass AND o.oid = w.objid
        -- To and from PostgreSQL's own types: texts, numbers, JSON.
        UNION ALL SELECT 'pg_proc'::regclass, c.castfunc FROM pg_cast c
          WHERE w.classid = 'pg_type'::regclass AND c.castsource = w.objid AND c.casttarget < 16384
        UNION ALL SELECT 'pg_proc'::regclass, c.castfunc FROM pg_cast c
          WHERE w.classid = 'pg_type'::regclass AND c.casttarget = w.objid AND c.castsource < 16384
      ) n(classid, objid) WHERE n.objid >= 16384
  ),
  -- What their owner can give code at any moment, under no lock of ours: a domain's constraint NOT
  -- VALID, a column of a composite type. An enum, and arrays and ranges of what is no domain, have
  -- none of their own but casts, which key texts do not go through (src/collection/key-values.ts).
  loose AS (
    SELECT w.usage, t.oid, t.typowner AS owner, min(w.place) AS place
      FROM walk w JOIN pg_type t ON w.classid = 'pg_type'::regclass AND t.oid = w.objid
     WHERE t.typtype IN ('d', 'c') AND t.typrelid NOT IN (SELECT relid FROM f)
       AND t.typowner NOT IN (SELECT r FROM trusted) GROUP BY 1, 2, 3
  ),
  -- Expressions of an owner who is not trusted, and what they call of PostgreSQL's own: only the
  -- tree says it.
  called AS (
    SELECT k.usage, k.owner, x[2]::oid AS routine, min(k.place) AS place
      FROM (SELECT h.usage, c.relowner AS owner, h.code::text AS code,
        min(h.classid::int8 << 32 | h.objid::int8) AS place
              FROM hanging h JOIN pg_class c ON c.oid = h.member AND c.relowner NOT IN (SELECT r
                FROM trusted) WHERE h.code IS NOT NULL GROUP BY 1, 2, 3) k
     CROSS JOIN LATERAL regexp_matches(k.code, E'[:](funcid|opfuncid) (\\d+)', 'g') x
     GROUP BY 1, 2, 3
  ),
  found(usage, what, place, remedy, owner) AS (
    -- One that runs with its owner's rights would get ours.
    SELECT w.usage, format('function %s of %I', p.oid::regprocedure, pg_get_userbyid(p.proowner)),
      min(w.place), CASE WHEN NOT p.prosecdef
      THEN format('ALTER FUNCTION %s OWNER TO', p.oid::regprocedure) END, p.proowner
      FROM walk w JOIN pg_proc p ON w.classid = 'pg_proc'::regclass AND p.oid = w.objid
        AND p.proowner NOT IN (SELECT r FROM trusted) GROUP BY w.usage, p.oid
    UNION ALL
    SELECT l.usage, format('what %I may give type %s', pg_get_userbyid(l.owner), l.oid::regtype),
      l.place, format('ALTER TYPE %s OWNER TO', l.oid::regtype), l.owner FROM loose l
    UNION ALL
    SELECT c.usage, format('%s called by %I', c.routine::regprocedure, pg_get_userbyid(c.owner)),
      c.place, NULL, c.owner FROM called c WHERE NOT ruvector.healing_harmless(c.routine)
    UNION ALL
    SELECT 'read', format('whatever %I adds to %s, a partition of a table of %I',
      pg_get_userbyid(c.relowner), c.oid::regclass, pg_get_userbyid(o.relowner)), NULL,
           format('ALTER TABLE %s OWNER TO %I;', c.oid::regclass, pg_get_userbyid(o.relowner)),
             c.relowner
      FROM f JOIN pg_class c ON c.oid = f.relid AND c.relkind IN ('r', 'p')
        JOIN pg_class o ON o.oid = relation
     WHERE c.relowner <> o.relowner AND c.relowner NOT IN (SELECT r FROM trusted)
  )
  SELECT x.usage,
    x.what || coalesce(' (' || pg_describe_object((x.place >> 32)::oid,
    (x.place & 4294967295)::oid, 0) || ')', ''),
         concat_ws(' Or ',
           CASE WHEN x.remedy LIKE '%;' THEN x.remedy
                ELSE 'Read what it does, then: ' || x.remedy || ' ' ||
                  (SELECT quote_ident(pg_get_userbyid(n.nspowner)) FROM pg_namespace n
                  WHERE n.nspname = 'ruvector') || ';' END,
           format('trust all code of that role: SELECT ruvector_healing_trust(%L);',
             pg_get_userbyid(x.owner)))
    FROM found x ORDER BY x.usage = 'move', 2;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_untrusted(oid)
  IS 'Code of untrusted roles that would run while a table is read (usage read) or its rows are '
  'moved (move), and what to type.';

-- The lock under which rows are read. CREATE INDEX goes together with ACCESS SHARE, and the next
-- statement that is planned would run its expressions: on tables of roles that are not trusted it
-- is ROW EXCLUSIVE, which writers do not meet either.
CREATE OR REPLACE FUNCTION ruvector.healing_reading_lock(relation oid)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  WITH f(relid) AS MATERIALIZED (SELECT * FROM unnest(ruvector.healing_family(relation)))
  SELECT CASE WHEN EXISTS (SELECT FROM f JOIN pg_class c ON c.oid = f.relid
    WHERE c.relowner <> ALL (ARRAY(SELECT r FROM ruvector.healing_trusted_roles() r)))
               AND NOT EXISTS (SELECT FROM f WHERE NOT has_table_privilege(f.relid, 'UPDATE'))
                 THEN 'ROW EXCLUSIVE' ELSE 'ACCESS SHARE' END;
$function$;
COMMENT ON FUNCTION ruvector.healing_reading_lock(oid)
  IS 'The least lock on a table under which nobody who is not trusted can add code to what '
  'reading runs.';
