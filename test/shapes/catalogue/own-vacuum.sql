-- autovacuum is switched off for it, because a job of its owner's vacuums at night; a tenth of
-- 2,500 rows is updated every hour.
-- collection: docs
-- [tables]
CREATE TABLE docs (id bigserial PRIMARY KEY, body text, embedding vector(64))
  WITH (autovacuum_enabled = off, fillfactor = 70);
-- [load]
INSERT INTO docs (body, embedding) SELECT md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2500) g;
CREATE INDEX ON docs USING hnsw (embedding vector_cosine_ops);
VACUUM ANALYZE docs;
-- [every hour]
UPDATE docs SET body = 'h' || :hour WHERE id % 10 = :hour % 10;
UPDATE docs SET body = 'i' || :hour WHERE id % 10 = :hour % 10;
SELECT id FROM docs ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [at 04:00]
VACUUM ANALYZE docs;
-- [fault: maintenance_contention]
CREATE INDEX ON docs (shapes.slowly(body));
