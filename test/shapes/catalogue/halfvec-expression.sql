-- vector columns indexed as halfvec, which pgvector advises for more than 2,000 dimensions: 3,000
-- rows, HNSW on an expression.
-- collection: passages
-- [tables]
CREATE TABLE passages (id bigserial PRIMARY KEY, embedding vector(64));
-- [load]
INSERT INTO passages (embedding) SELECT shapes.embedding(g) FROM generate_series(1, 3000) g;
CREATE INDEX ON passages USING hnsw ((embedding::halfvec(64)) halfvec_l2_ops);
ANALYZE passages;
-- [every hour]
INSERT INTO passages (embedding) SELECT shapes.embedding(9000 + :hour * 20 + g)
  FROM generate_series(1, 10) g;
SELECT id FROM passages ORDER BY embedding::halfvec(64) <-> shapes.embedding(:hour)::halfvec(64)
  LIMIT 10;
-- [fault: index_fragmentation]
DELETE FROM passages WHERE id % 4 <> 0;
VACUUM ANALYZE passages;
