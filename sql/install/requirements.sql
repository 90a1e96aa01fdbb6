-- Stops with one clear sentence where something is missing, before anything is created.
DO $requirements$
DECLARE
  wanted pg_catalog.text;
BEGIN
  IF current_setting('server_version_num')::int < 150000 THEN
    RAISE EXCEPTION 'ruvector_healing needs PostgreSQL 15 or newer'
      USING ERRCODE = '0A000',
            DETAIL = 'This server is ' || current_setting('server_version') || '.';
  END IF;
  -- The engines read and write UTF-8: in another encoding a name beyond ASCII arrives as another
  -- one, and so nothing is found.
  IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
    RAISE EXCEPTION 'ruvector_healing needs a database in UTF8'
      USING ERRCODE = '0A000',
            DETAIL = 'The encoding of database ' || current_database() || ' is '
              || pg_catalog.getdatabaseencoding() || '.',
            HINT = 'CREATE DATABASE ' || quote_ident(current_database() || '_utf8') ||
              ' ENCODING ''UTF8'' LOCALE ''C.UTF-8'' TEMPLATE template0;  and pg_dump this '
              'one into it.';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_language WHERE lanname = '{{LANGUAGE}}') THEN
    RAISE EXCEPTION 'language {{LANGUAGE}} is not installed in database %', current_database()
      USING ERRCODE = '0A000',
            HINT = 'CREATE EXTENSION {{LANGUAGE}};  (or take the script made for the other '
              'JavaScript language: plv8 and pljs are both served)';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'vector') THEN
    RAISE EXCEPTION 'pgvector is not installed in database %', current_database()
      USING ERRCODE = '0A000',
            HINT = 'CREATE EXTENSION vector;';
  END IF;
  IF pg_catalog.to_regnamespace('public') IS NULL THEN
    RAISE EXCEPTION 'schema public does not exist in database %', current_database()
      USING ERRCODE = '3F000',
            HINT = 'CREATE SCHEMA public;  the ruvector_healing_* functions live there.';
  END IF;
  IF pg_catalog.pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby: nothing can be installed here'
      USING ERRCODE = '25006',
            HINT = 'Run the script on the primary: what it makes comes here by itself.';
  END IF;
  IF current_setting('transaction_read_only')::boolean THEN
    RAISE EXCEPTION 'this transaction is read-only: nothing can be installed in it'
      USING ERRCODE = '25006',
            HINT = 'SET default_transaction_read_only = off;  and run the script again in that '
              'session, in a transaction that is not READ ONLY. For psql -f: '
              'PGOPTIONS=''-c default_transaction_read_only=off''';
  END IF;
  SELECT pg_catalog.string_agg(g.statement, ' ') INTO wanted
    FROM (VALUES
      (pg_catalog.to_regnamespace('ruvector') IS NOT NULL
         OR pg_catalog.has_database_privilege(current_database(), 'CREATE'),
       pg_catalog.format('GRANT CREATE ON DATABASE %I TO %I;', current_database(), current_user)),
      (pg_catalog.has_schema_privilege('public', 'CREATE'),
       pg_catalog.format('GRANT CREATE ON SCHEMA public TO %I;', current_user)),
      (pg_catalog.has_language_privilege('{{LANGUAGE}}', 'USAGE'),
       pg_catalog.format('GRANT USAGE ON LANGUAGE {{LANGUAGE}} TO %I;', current_user))
    ) g (has, statement)
   WHERE NOT g.has
     -- Who did not install is told that, in what comes next.
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = 'ruvector'
       AND pg_catalog.pg_get_userbyid(n.nspowner) <> current_user);
  IF wanted IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42501',
      MESSAGE = pg_catalog.format('role %I may not create what is installed', current_user),
      DETAIL = 'It makes schema ruvector, and functions in public and in {{LANGUAGE}}.',
      HINT = wanted || '  as the owner of the database, or a superuser.';
  END IF;
END
$requirements$;
