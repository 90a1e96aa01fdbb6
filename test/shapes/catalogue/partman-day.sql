-- pg_partman makes days, 4 ahead, and its maintenance runs every hour: 2,000 rows.
-- collection: chat
-- needs: pg_partman
-- [tables]
CREATE TABLE chat (id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL DEFAULT shapes.now(), embedding vector(64)) PARTITION BY RANGE (at);
CREATE INDEX ON chat USING hnsw (embedding vector_cosine_ops);
SELECT partman.create_parent(current_schema() || '.chat', 'at', '1 day',
  p_start_partition := (shapes.now() - interval '6 days')::text, p_premake := 4);
-- [load]
INSERT INTO chat (at, embedding) SELECT shapes.now() - g * interval '160 seconds',
  shapes.embedding(g) FROM generate_series(1, 2000) g;
ANALYZE chat;
-- [every hour]
SELECT partman.run_maintenance(current_schema() || '.chat');
INSERT INTO chat (embedding) SELECT shapes.embedding(9000 + :hour * 90 + g)
  FROM generate_series(1, 30) g;
SELECT id FROM chat WHERE at > shapes.now() - interval '1 day'
  ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON chat (shapes.slowly(id::text));
