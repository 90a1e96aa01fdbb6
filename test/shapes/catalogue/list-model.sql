-- A partition for each model: the old one keeps its 3,500 rows and is read no more, the new one is
-- being filled.
-- collection: vectors
-- [tables]
CREATE TABLE vectors (model text NOT NULL, id bigint NOT NULL, embedding vector,
  PRIMARY KEY (model, id)) PARTITION BY LIST (model);
CREATE TABLE vectors_ada PARTITION OF vectors FOR VALUES IN ('ada-002');
CREATE TABLE vectors_small PARTITION OF vectors FOR VALUES IN ('3-small');
CREATE TABLE vectors_large PARTITION OF vectors FOR VALUES IN ('3-large');
-- [load]
INSERT INTO vectors SELECT 'ada-002', g, shapes.embedding(g, 64) FROM generate_series(1, 3500) g;
INSERT INTO vectors SELECT '3-small', g, shapes.embedding(g, 32) FROM generate_series(1, 400) g;
CREATE INDEX ON vectors_ada USING hnsw ((embedding::vector(64)) vector_cosine_ops);
CREATE INDEX ON vectors_small USING hnsw ((embedding::vector(32)) vector_cosine_ops);
ANALYZE vectors;
-- [every hour]
INSERT INTO vectors SELECT '3-small', (random() * 1e12)::bigint, shapes.embedding(9000 + g, 32)
  FROM generate_series(1, 40) g;
SELECT id FROM vectors_small ORDER BY embedding::vector(32) <=> shapes.embedding(:hour, 32) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM vectors WHERE id % 5 <> 0;
VACUUM ANALYZE vectors;
