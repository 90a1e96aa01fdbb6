SET client_min_messages = warning;
CREATE TABLE docs (id bigint PRIMARY KEY, embedding vector(3));
INSERT INTO docs SELECT g, ARRAY[g, 1, 2]::vector FROM generate_series(1, 100) g;
SELECT ruvector_healing_register('docs') ->> 'collection' AS collection;
SELECT ruvector_healing_configure('{"mode": "observe"}') IS NOT NULL AS configured;
-- JavaScript runs.
CALL ruvector_healing_tick();
SELECT collection_name, lambda IS NOT NULL AS sensed FROM ruvector_integrity_status();
SELECT ticks FROM ruvector.healing_ticks;
SELECT ruvector_integrity_gate('docs', 'bulk_insert') IS NOT NULL AS gate;
\set VERBOSITY terse
SELECT ruvector_healing_schedule('90 seconds');
