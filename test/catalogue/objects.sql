-- Every object that the script makes, as text: one row for an object or a part of it, in an order
-- that does not depend on when it was made. Bodies of functions are left out: their source is in
-- sql/.
WITH rights AS (
  SELECT 'class' AS kind, c.oid, a.grantee, a.privilege_type
    FROM pg_class c CROSS JOIN LATERAL aclexplode(coalesce(
           c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 'S' ELSE 'r' END::"char", c.relowner)))
             a
   WHERE a.grantee <> c.relowner
  UNION ALL
  SELECT 'proc', p.oid, a.grantee, a.privilege_type
    FROM pg_proc p CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
   WHERE a.grantee <> p.proowner
  UNION ALL
  SELECT 'namespace', n.oid, a.grantee, a.privilege_type
    FROM pg_namespace n
      CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
   WHERE a.grantee <> n.nspowner
), granted AS (
  SELECT kind, oid, string_agg(
           format('%s to %s', privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC'
             ELSE grantee::regrole::text END),
           ', ' ORDER BY grantee::regrole::text COLLATE "C", privilege_type COLLATE "C") AS list
    FROM rights GROUP BY kind, oid
), classes AS (
  SELECT c.*, format('%s %s.%s',
           CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm'
             THEN 'materialized view'
                          WHEN 'S' THEN 'sequence' ELSE c.relkind::text END, n.nspname, c.relname)
                            AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = 'ruvector' AND c.relkind IN ('r', 'v', 'm', 'S')
), routines AS (
  SELECT p.*, format('%s %s.%s(%s)', CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
           n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname = 'ruvector' OR n.nspname = 'public' AND p.proname LIKE 'ruvector\_%'
), parts AS (
  SELECT format('schema %s', n.nspname) AS name, 0 AS place, '' AS part,
    format('rights: %s', coalesce(g.list, 'none')) AS text
    FROM pg_namespace n LEFT JOIN granted g ON g.kind = 'namespace' AND g.oid = n.oid
   WHERE n.nspname = 'ruvector'
  UNION ALL
  SELECT name, 0, '', concat_ws(', ', 'rights: ' || coalesce((SELECT g.list FROM granted g
    WHERE g.kind = 'class' AND g.oid = c.oid), 'none'),
           CASE c.relpersistence WHEN 'u' THEN 'unlogged' END, CASE WHEN c.relrowsecurity
             THEN 'row level security' END,
           array_to_string(c.reloptions, ', '))
    FROM classes c
  UNION ALL
  SELECT c.name, 1, lpad(a.attnum::text, 3, '0'),
    format('column %s %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
           CASE WHEN a.attnotnull THEN ' not null' END, CASE a.attidentity WHEN 'a'
             THEN ' identity always' WHEN 'd' THEN ' identity' END,
           CASE WHEN a.attgenerated <> '' THEN ' generated ' || pg_get_expr(d.adbin, d.adrelid)
                ELSE ' default ' || pg_get_expr(d.adbin, d.adrelid) END)
    FROM classes c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE c.relkind <> 'S'
  UNION ALL
  SELECT c.name, 2, x.conname, format('constraint %s %s', x.conname, pg_get_constraintdef(x.oid))
    FROM classes c JOIN pg_constraint x ON x.conrelid = c.oid AND x.contype <> 'n'
  UNION ALL
  SELECT c.name, 3, i.relname, pg_get_indexdef(i.oid)
    FROM classes c JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
  UNION ALL
  SELECT c.name, 4, t.tgname, pg_get_triggerdef(t.oid)
    FROM classes c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
  UNION ALL
  SELECT c.name, 5, pol.polname, format('policy %s using %s', pol.polname,
    pg_get_expr(pol.polqual, pol.polrelid))
    FROM classes c JOIN pg_policy pol ON pol.polrelid = c.oid
  UNION ALL
  SELECT c.name, 6, '', format('view %s', pg_get_viewdef(c.oid)) FROM classes c
    WHERE c.relkind IN ('v', 'm')
  UNION ALL
  SELECT c.name, 7, lpad(d.objsubid::text, 3, '0'), format('comment%s: %s', ' on ' || a.attname,
    d.description)
    FROM classes c JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
  UNION ALL
  SELECT p.name, 0, '', concat_ws(', ', 'returns ' || pg_get_function_result(p.oid),
           (SELECT l.lanname FROM pg_language l WHERE l.oid = p.prolang),
           CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' END, CASE
             WHEN p.proisstrict THEN 'strict' END,
           CASE WHEN p.prosecdef THEN 'security definer' END, CASE WHEN p.proparallel <> 'u'
             THEN format('parallel %s', p.proparallel) END)
    FROM routines p
  UNION ALL
  SELECT p.name, 1, '', 'arguments: ' || pg_get_function_arguments(p.oid) FROM routines p
    WHERE p.pronargdefaults > 0
  UNION ALL
  SELECT p.name, 2, '', 'set ' || array_to_string(p.proconfig, ', ') FROM routines p
    WHERE p.proconfig IS NOT NULL
  UNION ALL
  SELECT p.name, 3, '', 'rights: ' || coalesce((SELECT g.list FROM granted g WHERE g.kind = 'proc'
    AND g.oid = p.oid), 'none') FROM routines p
  UNION ALL
  SELECT p.name, 4, '', 'comment: ' || d.description
    FROM routines p JOIN pg_description d ON d.classoid = 'pg_proc'::regclass AND d.objoid = p.oid
)
SELECT name, text FROM parts ORDER BY name COLLATE "C", place, part COLLATE "C", text COLLATE "C"
