-- Names of settings that policies ask for, from their expressions as they are kept: the first
-- constant behind a call. pg_get_expr() would lock the table and wait: one session that has any
-- table with a policy to itself would hold up the loop for all collections. (600 policies: 5 ms, 12
-- by pg_get_expr(), 35 by a pattern over all constants.) What is not ASCII comes out as another.
CREATE OR REPLACE FUNCTION ruvector.healing_policy_settings()
RETURNS SETOF text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT (SELECT string_agg(chr(CASE WHEN b::integer BETWEEN 1 AND 127
            THEN b::integer ELSE 127 END), '' ORDER BY place)
            FROM string_to_table(btrim(k.bytes), ' ') WITH ORDINALITY u (b, place)
           -- Behind the length, in its four bytes.
           WHERE place > 4)
    FROM (SELECT DISTINCT split_part(split_part(u.part, ']', 1), '[', 2) AS bytes
            FROM pg_policy y CROSS JOIN LATERAL concat_ws(' ', y.polqual, y.polwithcheck) e(kept)
           CROSS JOIN pg_proc p CROSS JOIN LATERAL string_to_table(e.kept,
             format('funcid %s ', p.oid)) WITH ORDINALITY u (part, place)
           WHERE p.proname = 'current_setting' AND p.pronamespace = 'pg_catalog'::regnamespace
             AND u.place > 1) k
   -- Not what somebody called a column: "[ 99999999999 ]".
   WHERE k.bytes ~ '^( -{0,1}[0-9]{1,3})+ $';
$function$;
COMMENT ON FUNCTION ruvector.healing_policy_settings()
  IS 'Settings that policies ask for by name, read without a lock on their tables.';

-- What code could leave behind in a session. Compared before and after whatever ran as an owner; an
-- operation that ends with another state is undone. search_path is looked at after each statement;
-- the loop itself sets lock_timeout, until the end of its transaction. A setting of a name that no
-- module defines is in no list of PostgreSQL's: of those, the ones that policies read. Cursors
-- without a name are PL/pgSQL's own.
CREATE OR REPLACE FUNCTION ruvector.healing_session_state()
RETURNS text
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
  -- Not md5(), which a server in FIPS mode refuses.
  SELECT encode(sha256(convert_to(concat_ws(' ',
           (SELECT string_agg(concat_ws('=', s.name, s.setting), ',' ORDER BY s.name)
             FROM ruvector.healing_parameters() s WHERE s.source = 'session'
             AND s.name NOT IN ('search_path', 'lock_timeout')),
           (SELECT string_agg(DISTINCT concat_ws('=', x[1], current_setting(x[1], true)), ',')
              FROM (SELECT t FROM ruvector.healing_policy_settings() t
                UNION ALL SELECT m[1] FROM pg_proc p CROSS JOIN LATERAL regexp_matches(p.prosrc,
                     E'current_setting\\s*\\(\\s*''([^'']+)''', 'g') m
                  WHERE p.oid IN (SELECT d.refobjid FROM pg_depend d
                    WHERE d.classid = 'pg_policy'::regclass
                      AND d.refclassid = 'pg_proc'::regclass)) e(text)
             CROSS JOIN LATERAL regexp_matches(e.text,
               E'^([A-Za-z_][A-Za-z0-9_$]*\\.[A-Za-z0-9_$.]+)$') x),
           (SELECT string_agg(concat_ws('=', c.name, c.statement, c.is_holdable, c.creation_time),
             ',' ORDER BY c.name) FROM pg_cursor() c WHERE c.is_holdable
             OR c.name NOT LIKE '<unnamed portal %'),
           (SELECT string_agg(concat_ws('=', p.name, p.statement, p.prepare_time), ','
             ORDER BY p.name) FROM pg_prepared_statement() p),
           (SELECT string_agg(concat_ws(':', l.classid, l.objid, l.objsubid, l.mode), ','
             ORDER BY l.classid, l.objid, l.objsubid, l.mode) FROM pg_lock_status() l
             WHERE l.locktype = 'advisory' AND l.pid = pg_backend_pid() AND l.granted),
           (SELECT string_agg(c, ',' ORDER BY c) FROM pg_listening_channels() c),
           CASE WHEN pg_my_temp_schema() <> 0 THEN (
             SELECT string_agg(t.oid::text, ',' ORDER BY t.oid) FROM (
               SELECT c.oid FROM pg_class c WHERE c.relnamespace = pg_my_temp_schema() UNION ALL
                 SELECT t.oid FROM pg_type t WHERE t.typnamespace = pg_my_temp_schema()
               UNION ALL SELECT p.oid FROM pg_proc p WHERE p.pronamespace = pg_my_temp_schema()
                 UNION ALL SELECT o.oid FROM pg_operator o
                 WHERE o.oprnamespace = pg_my_temp_schema()) t) END),
    getdatabaseencoding())), 'hex');
$function$;
COMMENT ON FUNCTION ruvector.healing_session_state()
  IS 'A digest of what a session keeps: settings, cursors, prepared statements, advisory locks, '
  'channels, temporary objects.';
