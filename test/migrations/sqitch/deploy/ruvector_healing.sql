BEGIN;
\ir ../ruvector_healing.sql
COMMIT;
