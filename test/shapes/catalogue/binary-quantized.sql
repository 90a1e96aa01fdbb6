-- Binary quantization: an HNSW index over the signs, the best of it ranked again by the vectors:
-- 3,000 rows.
-- collection: vectors
-- [tables]
CREATE TABLE vectors (id bigserial PRIMARY KEY, embedding vector(64));
-- [load]
INSERT INTO vectors (embedding) SELECT shapes.embedding(g) FROM generate_series(1, 3000) g;
CREATE INDEX ON vectors USING hnsw ((binary_quantize(embedding)::bit(64)) bit_hamming_ops);
ANALYZE vectors;
-- [every hour]
INSERT INTO vectors (embedding) SELECT shapes.embedding(9000 + :hour * 20 + g)
  FROM generate_series(1, 10) g;
SELECT id FROM (SELECT id, embedding FROM vectors
  ORDER BY binary_quantize(embedding)::bit(64) <~> binary_quantize(shapes.embedding(:hour))::bit(64)
  LIMIT 20) c ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON vectors (shapes.slowly(id::text));
