-- The condition of a search with a filter, from data: {"column": value, or [values]}; null is IS
-- NULL. Columns are looked up in the catalogue, values go through the input function of the
-- column's type. '{}': no condition, true. Called with the installing role's rights, so nothing of
-- the table runs here: base types are PostgreSQL's or a superuser's (CREATE TYPE of one is theirs
-- alone), enums bring no code but casts, which a literal does not go through, and a domain is left
-- out in favour of what it is made of, so that no CHECK of its owner is asked. What is left is the
-- operator =, which an extension may have brought: whose it is, is asked.
CREATE OR REPLACE FUNCTION ruvector.healing_search_where(relation oid, columns jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  condition record;
  attribute record;
  base record;
  equal record;
  operator text;
  given text;
  value text;
  seen text;
  terms text[];
  conditions text[] := '{}';
BEGIN
  FOR condition IN
    SELECT c.key AS name, CASE jsonb_typeof(c.value) WHEN 'array' THEN c.value
             ELSE jsonb_build_array(c.value) END AS wanted
      FROM jsonb_each(columns) c ORDER BY c.key
  LOOP
    SELECT a.atttypid, format_type(a.atttypid, a.atttypmod) AS type INTO attribute
      FROM pg_attribute a
     WHERE a.attrelid = relation AND a.attname = condition.name AND a.attnum > 0
       AND NOT a.attisdropped;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'RV001',
        MESSAGE = format('table %s has no column "%s"', relation::regclass,
          left(condition.name, 200)),
        DETAIL = 'Given in the where of a search.',
        HINT = format('Its columns: %s.', left((SELECT string_agg(a.attname, ', '
          ORDER BY a.attnum) FROM pg_attribute a
            WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped), 1000));
    END IF;
    WITH RECURSIVE made(oid) AS (
      SELECT attribute.atttypid
      UNION SELECT t.typbasetype FROM made m JOIN pg_type t ON t.oid = m.oid AND t.typtype = 'd'
    )
    SELECT t.oid, format_type(t.oid, -1) AS name, t.typinput,
           t.typtype IN ('b', 'e') AND coalesce(e.typtype IN ('b', 'e'), true) AS plain INTO base
      FROM made m JOIN pg_type t ON t.oid = m.oid AND t.typtype <> 'd'
      LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typelem <> 0;
    SELECT o.oid, o.oprcode, n.nspname INTO equal
      FROM pg_opclass k JOIN pg_am m ON m.oid = k.opcmethod AND m.amname IN ('btree', 'hash')
      JOIN pg_amop s ON s.amopfamily = k.opcfamily AND s.amoplefttype = base.oid
        AND s.amoprighttype = base.oid
        AND s.amopstrategy = CASE m.amname WHEN 'btree' THEN 3 ELSE 1 END
      JOIN pg_operator o ON o.oid = s.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace
     WHERE k.opcdefault AND k.opcintype = base.oid ORDER BY m.amname LIMIT 1;
    operator := format('OPERATOR(%I.=)', coalesce(equal.nspname, 'pg_catalog'));
    BEGIN
      IF NOT base.plain THEN
        RAISE EXCEPTION USING ERRCODE = '42883';
      END IF;
      EXECUTE format('SELECT NULL::%1$s %2$s NULL::%1$s', base.name, operator);
    EXCEPTION WHEN undefined_function OR ambiguous_function THEN
      RAISE EXCEPTION USING ERRCODE = 'RV001',
        MESSAGE = format('column "%s" of %s cannot be compared in a search', condition.name,
          relation::regclass),
        DETAIL = format('Its type is %s.', attribute.type),
        HINT = 'Columns of plain types, of enums and of arrays of these can, where the type has =.';
    END;
    SELECT p.oid::regprocedure::text AS routine, pg_get_userbyid(p.proowner) AS owner INTO equal
      FROM pg_proc p WHERE p.oid IN (equal.oprcode, base.typinput)
       AND p.proowner NOT IN (SELECT r FROM ruvector.healing_trusted_roles() r) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'RV034',
        MESSAGE = format('code of a role that is not trusted would run with a search by column '
          '"%s": function %s of %I', condition.name, equal.routine, equal.owner),
        DETAIL = 'Nothing of it was run.',
        HINT = format('Read what it does, then: ALTER FUNCTION %s OWNER TO %I; Or trust all code '
          'of that role: SELECT ruvector_healing_trust(%L);', equal.routine,
          (SELECT pg_get_userbyid(n.nspowner) FROM pg_namespace n WHERE n.nspname = 'ruvector'),
          equal.owner);
    END IF;
    terms := '{}';
    FOR given IN SELECT w FROM jsonb_array_elements_text(condition.wanted) w LOOP
      CONTINUE WHEN given IS NULL;
      value := format('CAST(%L AS %s)', given, base.name);
      BEGIN
        EXECUTE format('SELECT format(''%%s'', %s)', value) INTO seen;
      EXCEPTION WHEN OTHERS THEN
        RAISE EXCEPTION USING ERRCODE = 'RV001',
          MESSAGE = format('"%s" is no value of column "%s" of %s', left(given, 200),
            condition.name, relation::regclass),
          DETAIL = format('The column''s type is %s: %s.', attribute.type, left(SQLERRM, 500)),
          HINT = 'Give a value as the column holds it, a list of them, or null.';
      END;
      terms := terms || value;
    END LOOP;
    conditions := conditions || concat_ws(' OR ',
      CASE cardinality(terms) WHEN 0 THEN NULL
        WHEN 1 THEN format('%I %s %s', condition.name, operator, terms[1])
        ELSE format('%I %s ANY (ARRAY[%s])', condition.name, operator,
          array_to_string(terms, ', ')) END,
      CASE WHEN condition.wanted @> '[null]'
        THEN format('%I IS NULL', condition.name) END);
  END LOOP;
  RETURN CASE cardinality(conditions) WHEN 0 THEN 'true'
    ELSE (SELECT string_agg(format('(%s)', c), ' AND ') FROM unnest(conditions) c) END;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_search_where(oid, jsonb)
  IS 'The condition of a search that was given as data: {"column": value or [values]}.';
