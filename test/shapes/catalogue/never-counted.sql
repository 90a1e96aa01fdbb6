-- Nobody has analyzed or vacuumed it, and the server has lost its counters, as in a crash: 2,500
-- rows of which it knows 20.
-- collection: docs
-- [tables]
CREATE TABLE docs (id bigserial PRIMARY KEY, body text, embedding vector(64))
  WITH (autovacuum_enabled = off);
-- [load]
INSERT INTO docs (body, embedding) SELECT repeat(md5(g::text), 20), shapes.embedding(g)
  FROM generate_series(1, 2500) g;
CREATE INDEX ON docs USING hnsw (embedding vector_cosine_ops);
CREATE INDEX ON docs (body);
-- [every hour]
INSERT INTO docs (body, embedding) SELECT 'n' || random(), shapes.embedding(g)
  FROM generate_series(1, 20) g;
SELECT id FROM docs ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [at 01:00]
SELECT pg_stat_reset_single_table_counters('docs'::regclass);
-- [fault: index_fragmentation]
DELETE FROM docs WHERE id % 5 <> 0;
VACUUM ANALYZE docs;
