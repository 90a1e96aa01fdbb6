-- halfvec columns, half the size of vector: 3,000 rows with HNSW.
-- collection: chunks
-- [tables]
CREATE TABLE chunks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), content text,
  embedding halfvec(64));
-- [load]
INSERT INTO chunks (content, embedding) SELECT shapes.paragraph(g), shapes.embedding(g)::halfvec(64)
  FROM generate_series(1, 3000) g;
CREATE INDEX ON chunks USING hnsw (embedding halfvec_cosine_ops);
ANALYZE chunks;
-- [every hour]
INSERT INTO chunks (content, embedding)
  SELECT 'new', shapes.embedding(9000 + :hour * 20 + g)::halfvec(64) FROM generate_series(1, 10) g;
SELECT id FROM chunks ORDER BY embedding <=> shapes.embedding(:hour)::halfvec(64) LIMIT 10;
-- [fault: index_fragmentation]
DELETE FROM chunks WHERE substr(id::text, 1, 1) < 'c';
VACUUM ANALYZE chunks;
