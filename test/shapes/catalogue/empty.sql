-- Made today, with its index, and still empty; the first 50 rows come at two.
-- collection: documents
-- [tables]
CREATE TABLE documents (id bigserial PRIMARY KEY, content text, embedding vector(64));
CREATE INDEX ON documents USING hnsw (embedding vector_cosine_ops);
-- [every hour]
SELECT id FROM documents ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [at 02:00]
INSERT INTO documents (content, embedding) SELECT 'first', shapes.embedding(g)
  FROM generate_series(1, 50) g;
