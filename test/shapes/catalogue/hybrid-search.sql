-- Hybrid search: a generated tsvector with GIN beside the HNSW index (Supabase's guide): 2,000
-- rows.
-- collection: documents
-- [tables]
CREATE TABLE documents (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, content text,
  fts tsvector GENERATED ALWAYS AS (to_tsvector('english', content)) STORED, embedding vector(64));
-- [load]
INSERT INTO documents (content, embedding) SELECT shapes.paragraph(g), shapes.embedding(g)
  FROM generate_series(1, 2000) g;
CREATE INDEX ON documents USING gin (fts);
CREATE INDEX ON documents USING hnsw (embedding vector_ip_ops);
ANALYZE documents;
-- [every hour]
INSERT INTO documents (content, embedding)
  SELECT shapes.paragraph(9000 + g), shapes.embedding(9000 + :hour * 20 + g)
  FROM generate_series(1, 10) g;
SELECT id FROM documents WHERE fts @@ plainto_tsquery('english', md5('7')) LIMIT 5;
SELECT id FROM documents ORDER BY embedding <#> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM documents WHERE id % 5 <> 0;
VACUUM ANALYZE documents;
