-- Stops with one clear sentence where something is missing, before anything is created.
DO $requirements$
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
END
$requirements$;
