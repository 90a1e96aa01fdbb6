-- Publications that pass on what happens to the table or its partitions, with what they leave out:
-- "moves (inserts only)", "part (of single partitions: r_1, with a row filter)".
CREATE OR REPLACE FUNCTION ruvector.healing_publications_of(relation oid, partitions oid[])
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN QUERY
  WITH t AS (SELECT c.* FROM pg_class c WHERE c.oid = relation),
  leaves AS (
    SELECT c.oid, c.relname, c.relnamespace
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = relation AND (partitions IS NULL OR c.oid = ANY (partitions))
  ), family AS (
    SELECT oid, relnamespace FROM t UNION SELECT oid, relnamespace FROM leaves
  )
  SELECT format('%I (%s)', p.pubname, concat_ws(', ',
           CASE WHEN p.puballtables THEN 'for all tables'
                WHEN EXISTS (SELECT FROM pg_publication_rel r JOIN t ON r.prrelid = t.oid
                  WHERE r.prpubid = p.oid) THEN NULL
                WHEN EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid
                  AND s.pnnspid IN (SELECT relnamespace FROM family)) THEN 'for the schema'
                ELSE 'of single partitions: ' || (SELECT string_agg(quote_ident(l.relname), ', '
                  ORDER BY l.relname) FROM pg_publication_rel r JOIN leaves l ON l.oid = r.prrelid
                  WHERE r.prpubid = p.oid) END,
           CASE WHEN p.pubinsert AND p.pubupdate AND p.pubdelete THEN 'all operations'
                ELSE concat_ws(' and ', CASE WHEN p.pubinsert THEN 'inserts' END, CASE
                  WHEN p.pubupdate THEN 'updates' END, CASE WHEN p.pubdelete
                  THEN 'deletes' END, 'nothing else') END,
           CASE WHEN EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid
             AND r.prqual IS NOT NULL AND r.prrelid IN (SELECT oid FROM family))
             THEN 'with a row filter' END,
           CASE WHEN EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid
             AND r.prattrs IS NOT NULL AND r.prrelid IN (SELECT oid FROM family))
             THEN 'with a column list' END))
    FROM pg_publication p
   WHERE (p.puballtables AND (SELECT relpersistence FROM t) = 'p')
      OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid
        AND r.prrelid IN (SELECT oid FROM family))
      OR EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid
        AND s.pnnspid IN (SELECT relnamespace FROM family));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_publications_of(oid, oid[])
  IS 'Publications of a table and of some of its partitions (NULL: of all), with what they leave '
  'out.';

-- partitions: those that matter, NULL: all. What lies on them counts like what lies on the table.
CREATE OR REPLACE FUNCTION ruvector.healing_move_facts(relation oid, partitions oid[])
RETURNS json
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $function$
BEGIN
  RETURN (
  WITH t AS (SELECT c.* FROM pg_class c WHERE c.oid = relation),
  leaves AS (
    SELECT c.oid, c.relkind, c.relname, c.relowner, c.relpersistence, c.relam, c.relrowsecurity,
           c.relacl
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = relation AND (partitions IS NULL OR c.oid = ANY (partitions))
  ), family AS (
    SELECT oid FROM t UNION SELECT oid FROM leaves
  ), key AS (
    SELECT a.attname, a.atttypid, a.atttypmod, p.partclass[0] AS opclass,
           p.partcollation[0] AS collation
      FROM pg_partitioned_table p JOIN pg_attribute a ON a.attrelid = p.partrelid
       AND a.attnum = p.partattrs[0] WHERE p.partrelid = relation
  ), place(attname) AS (
    SELECT attname FROM key UNION ALL SELECT 'tableoid'
  ), computed AS (
    SELECT a.attrelid, a.attname, a.attnum, d.oid, pg_get_expr(d.adbin, d.adrelid) AS expression
      FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid IN (SELECT oid FROM family) AND a.attgenerated <> ''
  ), found(kind, name) AS (
    -- A user's, that fires. A throttle's is ours, and sees statements of INSERT only.
    SELECT 'triggers', g.tgname::text FROM pg_trigger g
     WHERE g.tgrelid IN (SELECT oid FROM family) AND NOT g.tgisinternal AND g.tgenabled <> 'D'
       AND g.tgfoid NOT IN (SELECT p.oid FROM pg_proc p
         WHERE p.pronamespace = 'ruvector'::regnamespace
           AND p.proname IN ('healing_throttle_before', 'healing_throttle_after'))
    -- ON UPDATE, on the table itself: rules of partitions do not see a statement on the table.
    UNION SELECT 'rules', r.rulename FROM pg_rewrite r JOIN t ON r.ev_class = t.oid
     WHERE r.ev_type = '2' AND r.ev_enabled <> 'D'
    -- A foreign key that is not enforced (PostgreSQL 18) fires nothing, but says what leads where:
    -- one with the partition column in it would lead nowhere. Those of partitions are their
    -- table's.
    UNION SELECT 'referenced_by', format('%I of %s', f.conname, f.conrelid::regclass)
      FROM pg_constraint f
     WHERE f.confrelid IN (SELECT oid FROM family) AND f.contype = 'f' AND f.conparentid = 0
       AND (coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
         OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = f.confrelid
           AND a.attnum = ANY (f.confkey) AND a.attname IN (SELECT attname FROM key)))
    UNION SELECT 'references', format('%I to %s', f.conname, f.confrelid::regclass)
      FROM pg_constraint f
     WHERE f.conrelid IN (SELECT oid FROM family) AND f.contype = 'f' AND f.conparentid = 0
       AND (coalesce((to_jsonb(f) ->> 'conenforced')::boolean, true)
         OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = f.conrelid
           AND a.attnum = ANY (f.conkey) AND a.attname IN (SELECT attname FROM key)))
    UNION SELECT 'publications', p
      FROM ruvector.healing_publications_of(relation, partitions) p
    -- One of pgoutput's sees what its publications say, every other one all there is.
    UNION SELECT 'decoding', format('%I (%s)', s.slot_name, s.plugin) FROM pg_replication_slots s
     WHERE s.slot_type = 'logical' AND s.plugin <> 'pgoutput'
       AND s.database = (SELECT current_database())
    UNION SELECT 'subscriptions', s.subname
      FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid
     WHERE r.srrelid IN (SELECT oid FROM family)
    -- Unique or exclusion constraints that the row mover cannot check before it moves.
    UNION SELECT 'unclear_constraints', c.relname
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid IN (SELECT oid FROM family) AND (i.indisexclusion
       OR (i.indisunique AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL
       -- NULL meets NULL only in the index, and so does what another collation takes for equal.
       OR (i.indnullsnotdistinct AND EXISTS (SELECT FROM pg_attribute a
         WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull))
       OR EXISTS (SELECT FROM unnest(i.indkey::int2[], i.indcollation::oid[]) k(attnum, held)
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE k.held <> 0 AND k.held <> a.attcollation)
       -- What an extension's type takes for equal (citext) the = of pg_catalog does not, or there
       -- is none (ltree, vector).
       OR EXISTS (SELECT FROM unnest(i.indclass::oid[]) k(class)
         JOIN pg_opclass o ON o.oid = k.class
        WHERE o.opcnamespace <> 'pg_catalog'::regnamespace))))
    UNION SELECT 'deferrable_constraints', c.relname
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid IN (SELECT oid FROM family) AND NOT i.indimmediate
    -- Generated columns that follow from the partition key, or are computed otherwise elsewhere.
    UNION SELECT 'generated', c.attname FROM computed c
     WHERE EXISTS (SELECT FROM pg_depend o JOIN pg_attribute a ON a.attrelid = o.refobjid
         AND a.attnum = o.refobjsubid AND a.attname IN (SELECT attname FROM place)
        WHERE o.refclassid = 'pg_class'::regclass AND o.refobjid = c.attrelid
          AND ((o.classid = 'pg_attrdef'::regclass AND o.objid = c.oid)
            OR (o.classid = 'pg_class'::regclass AND o.objid = c.attrelid
              AND o.objsubid = c.attnum)))
        OR EXISTS (SELECT FROM computed r WHERE r.attrelid = relation
          AND r.attname = c.attname AND r.expression <> c.expression)
    UNION SELECT 'sub_partitioned', relname FROM leaves WHERE relkind = 'p'
    UNION SELECT 'foreign_partitions', relname FROM leaves WHERE relkind = 'f'
    UNION SELECT 'other_owners', format('%I of %s', l.relname,
      quote_ident(pg_get_userbyid(l.relowner)))
      FROM leaves l JOIN t ON l.relowner <> t.relowner
    -- Of the table it is part of nothing is looked at: its keys, its triggers, its publications.
    UNION SELECT 'parents', i.inhparent::regclass::text FROM pg_inherits i
     WHERE i.inhrelid = relation
    -- Who sees a row, where that follows from its place: by a policy that reads the partition
    -- column (of this table or of another; a whole row is not in pg_depend), or on a partition
    -- alone.
    UNION SELECT 'policies', format('%I on %s', y.polname, y.polrelid::regclass)
      FROM pg_policy y JOIN pg_class c ON c.oid = y.polrelid AND c.relrowsecurity
     WHERE EXISTS (SELECT FROM pg_depend o JOIN pg_attribute a ON a.attrelid = o.refobjid
         AND a.attnum = o.refobjsubid AND a.attname IN (SELECT attname FROM place)
        WHERE o.classid = 'pg_policy'::regclass AND o.objid = y.oid
          AND o.refclassid = 'pg_class'::regclass AND o.refobjid IN (SELECT oid FROM family))
        OR (y.polrelid = relation AND concat(y.polqual, y.polwithcheck) ~ '[:]varattno 0 ')
    UNION SELECT 'policies', format('row-level security of %I', relname) FROM leaves
     WHERE relrowsecurity
    UNION SELECT 'privileges', format('%s on %I', CASE g.grantee WHEN 0 THEN 'PUBLIC'
        ELSE quote_ident(pg_get_userbyid(g.grantee)) END, g.relname)
      FROM (SELECT a.grantee, min(l.relname) AS relname, count(DISTINCT l.oid) AS on_leaves
              FROM leaves l CROSS JOIN LATERAL aclexplode(l.relacl) a
             WHERE a.privilege_type = 'SELECT' AND a.grantee <> l.relowner GROUP BY 1) g
     WHERE g.on_leaves < (SELECT count(*) FROM leaves)
       AND NOT EXISTS (SELECT FROM t CROSS JOIN LATERAL aclexplode(t.relacl) a
         WHERE a.privilege_type = 'SELECT' AND a.grantee IN (g.grantee, 0))
    UNION SELECT 'privileges', format('%s on %I (%I)', CASE g.grantee WHEN 0 THEN 'PUBLIC'
        ELSE quote_ident(pg_get_userbyid(g.grantee)) END, g.relname, g.attname)
      FROM (SELECT a.grantee, c.attname, min(l.relname) AS relname,
                   count(DISTINCT l.oid) AS on_leaves
              FROM leaves l
             -- The columns of each, and not those of all tables.
             CROSS JOIN LATERAL (SELECT n.attname, n.attacl FROM pg_attribute n
               WHERE n.attrelid = l.oid AND n.attnum > 0 AND n.attacl IS NOT NULL OFFSET 0) c
             CROSS JOIN LATERAL aclexplode(c.attacl) a
             WHERE a.privilege_type = 'SELECT' AND a.grantee <> l.relowner GROUP BY 1, 2) g
     WHERE g.on_leaves < (SELECT count(*) FROM leaves)
       AND NOT EXISTS (SELECT FROM t CROSS JOIN LATERAL aclexplode(t.relacl) a
         WHERE a.privilege_type = 'SELECT' AND a.grantee IN (g.grantee, 0))
       AND NOT EXISTS (SELECT FROM pg_attribute n CROSS JOIN LATERAL aclexplode(n.attacl) a
         WHERE n.attrelid = relation AND n.attname = g.attname
           AND a.privilege_type = 'SELECT' AND a.grantee IN (g.grantee, 0))
    -- What reads or writes partitions by their names, and not all of them (views, functions whose
    -- body was parsed when they were made, policies of other tables): a moved row would leave it or
    -- come into it. Anybody can make one of what they may not read: nobody sees a row by it.
    UNION SELECT 'views', format('%s of %I%s', v.what, v.relname,
        CASE WHEN v.on_leaves > 1 THEN format(' and %s more', v.on_leaves - 1) ELSE '' END)
      FROM (SELECT w.what, min(l.relname) AS relname, count(DISTINCT l.oid) AS on_leaves
              FROM leaves l JOIN pg_depend o ON o.refclassid = 'pg_class'::regclass
               AND o.refobjid = l.oid
             CROSS JOIN LATERAL (
               SELECT c.oid::regclass::text AS what, c.relowner AS owner
                 FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
                  AND c.relkind IN ('v', 'm') AND c.relpersistence <> 't'
                WHERE o.classid = 'pg_rewrite'::regclass AND r.oid = o.objid
               UNION ALL SELECT 'function ' || p.oid::regprocedure, p.proowner FROM pg_proc p
                WHERE o.classid = 'pg_proc'::regclass AND p.oid = o.objid
               UNION ALL SELECT format('policy %I on %s', p.polname, c.oid::regclass), c.relowner
                 FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
                WHERE o.classid = 'pg_policy'::regclass AND p.oid = o.objid
                  AND c.oid NOT IN (SELECT f.oid FROM family f)) w
             WHERE has_any_column_privilege(w.owner, l.oid, 'SELECT, INSERT, UPDATE')
             GROUP BY 1) v
     WHERE v.on_leaves < (SELECT count(*) FROM leaves)
    -- What a crash would take from one partition and not from another.
    UNION SELECT 'unlogged', relname FROM leaves WHERE relpersistence = 'u'
       AND EXISTS (SELECT FROM leaves o WHERE o.relpersistence = 'p')
    UNION SELECT 'access_methods', format('%I (%I)', l.relname, m.amname)
      FROM leaves l JOIN pg_am m ON m.oid = l.relam
     WHERE l.relam <> 2 AND EXISTS (SELECT FROM leaves o WHERE o.relkind = 'r'
       AND o.relam <> l.relam)
    -- Constraints that a row meets in one partition and not in another: of the table, with the
    -- partition column and another one in it; of a partition alone, but for what repeats its bound.
    -- One that is NOT VALID is let be: rows break it, and it stops a move by itself.
    UNION SELECT 'checks', format('%I on %s', k.conname, k.conrelid::regclass)
      FROM pg_constraint k
     WHERE k.conrelid IN (SELECT oid FROM family) AND k.contype = 'c'
       AND (k.convalidated OR NOT coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true))
       AND (SELECT CASE WHEN k.conrelid = relation
              THEN bool_or(a.attname IN (SELECT attname FROM place))
                AND bool_or(a.attname NOT IN (SELECT attname FROM place))
              ELSE k.coninhcount = 0 AND bool_or(a.attname NOT IN (SELECT attname FROM place)) END
              FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
    UNION SELECT 'checks', format('NOT NULL of %I on %I', r.attname, l.relname)
      FROM pg_attribute r CROSS JOIN leaves l
     -- Each looked up by its name, and not the columns of all tables read.
     CROSS JOIN LATERAL (SELECT FROM pg_attribute a WHERE a.attrelid = l.oid
       AND a.attname = r.attname AND a.attnotnull OFFSET 0) n
     WHERE r.attrelid = relation AND r.attnum > 0 AND NOT r.attisdropped AND NOT r.attnotnull
    -- 3 and 3.00, 'a' and 'A' in some collations, are equal: what is written back is one of them.
    UNION SELECT 'alike', k.attname FROM key k JOIN pg_opclass o ON o.oid = k.opclass
        LEFT JOIN pg_collation c ON c.oid = k.collation
     WHERE NOT coalesce(c.collisdeterministic, true)
        OR NOT ((k.atttypid = 'numeric'::regtype AND k.atttypmod <> -1)
          OR EXISTS (SELECT FROM pg_amproc p WHERE p.amprocfamily = o.opcfamily
            AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype
            AND p.amprocnum = 4))
  )
  SELECT json_build_object(
    'found', coalesce((SELECT json_object_agg(g.kind, g.names) FROM (SELECT f.kind,
      json_agg(f.name ORDER BY f.name COLLATE "C") AS names FROM found f GROUP BY f.kind) g), '{}'),
    'forced_row_security', (SELECT relrowsecurity AND (relforcerowsecurity
      OR NOT pg_has_role(current_user, relowner, 'USAGE')) FROM t)));
END
$function$;
COMMENT ON FUNCTION ruvector.healing_move_facts(oid, oid[])
  IS 'Everything that a move of rows would set off, wait for, or be seen by: names by kind.';

-- The partitions of a table, by name, with their bounds as the server writes them. Upwards from the
-- foreign tables, which are few: looked for below each of 256 partitions: 344 ms a batch, 8 so
