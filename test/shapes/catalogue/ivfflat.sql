-- IVFFlat built after the load, as pgvector advises: 8,000 rows in 20 lists.
-- collection: documents
-- [tables]
CREATE TABLE documents (id bigserial PRIMARY KEY, body text, embedding vector(32));
-- [load]
INSERT INTO documents (body, embedding) SELECT md5(g::text), shapes.embedding(g, 32)
  FROM generate_series(1, 8000) g;
CREATE INDEX ON documents USING ivfflat (embedding vector_l2_ops) WITH (lists = 20);
ANALYZE documents;
-- [every hour]
INSERT INTO documents (body, embedding) SELECT 'new', shapes.embedding(20000 + :hour * 50 + g, 32)
  FROM generate_series(1, 20) g;
SELECT id FROM documents ORDER BY embedding <-> shapes.embedding(:hour, 32) LIMIT 10;
-- [fault: centroid_skew]
INSERT INTO documents (body, embedding)
  SELECT 'another language', shapes.embedding(g, 32) + array_fill(9::real, ARRAY[32])::vector
  FROM generate_series(1, 12000) g;
ANALYZE documents;
