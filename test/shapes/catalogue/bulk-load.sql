-- Half as many rows again arrive within minutes at one in the morning, by COPY: 2,000 rows before.
-- collection: corpus
-- [tables]
CREATE TABLE corpus (id bigserial PRIMARY KEY, body text, embedding vector(64));
-- [load]
INSERT INTO corpus (body, embedding) SELECT md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2000) g;
CREATE INDEX ON corpus USING hnsw (embedding vector_l2_ops);
ANALYZE corpus;
-- [every hour]
INSERT INTO corpus (body, embedding) SELECT 'one', shapes.embedding(9000 + :hour);
SELECT id FROM corpus ORDER BY embedding <-> shapes.embedding(:hour) LIMIT 5;
-- [at 01:00]
INSERT INTO corpus (body, embedding) SELECT md5(g::text), shapes.embedding(g)
  FROM generate_series(2001, 3000) g;
-- [fault: maintenance_contention]
CREATE INDEX ON corpus (shapes.slowly(body));
