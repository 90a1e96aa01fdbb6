SET client_min_messages = warning;
SELECT ruvector_healing_uninstall() ->> 'collections' AS collections;
SELECT count(*) AS rows FROM docs;
SELECT count(*) AS left FROM pg_proc WHERE proname ~ 'healing|integrity';
SELECT to_regnamespace('ruvector') AS schema;
