-- Vectors of several models in one column without dimensions, each model with an index of its own
-- on a cast (pgvector's README): 4,500 rows.
-- collection: embeddings
-- [tables]
CREATE TABLE embeddings (model_id int NOT NULL, item_id bigint NOT NULL, embedding vector,
  PRIMARY KEY (model_id, item_id));
-- [load]
INSERT INTO embeddings SELECT 1, g, shapes.embedding(g, 64) FROM generate_series(1, 2000) g;
INSERT INTO embeddings SELECT 2, g, shapes.embedding(g, 16) FROM generate_series(1, 1500) g;
CREATE INDEX ON embeddings USING hnsw ((embedding::vector(64)) vector_l2_ops) WHERE model_id = 1;
CREATE INDEX ON embeddings USING hnsw ((embedding::vector(16)) vector_l2_ops) WHERE model_id = 2;
ANALYZE embeddings;
-- [every hour]
INSERT INTO embeddings SELECT 1, 10000 + :hour * 50 + g + (random() * 1e9)::bigint,
  shapes.embedding(9000 + g) FROM generate_series(1, 10) g;
SELECT item_id FROM embeddings WHERE model_id = 1
  ORDER BY embedding::vector(64) <-> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM embeddings WHERE item_id % 5 <> 0;
VACUUM ANALYZE embeddings;
