-- Supabase's guide on vector columns: documents with title, body and embedding, and
-- match_documents() to search them. 2,000 rows.
-- collection: documents
-- [tables]
CREATE TABLE documents (id serial PRIMARY KEY, title text NOT NULL, body text NOT NULL,
  embedding vector(64));
CREATE FUNCTION match_documents(query_embedding vector(64), match_threshold float, match_count int)
  RETURNS SETOF documents LANGUAGE sql STABLE
AS $$ SELECT * FROM documents WHERE documents.embedding <=> query_embedding < 1 - match_threshold
  ORDER BY documents.embedding <=> query_embedding ASC LIMIT least(match_count, 200) $$;
-- [load]
INSERT INTO documents (title, body, embedding)
  SELECT md5(g::text), shapes.paragraph(g), shapes.embedding(g) FROM generate_series(1, 2000) g;
CREATE INDEX ON documents USING hnsw (embedding vector_cosine_ops);
ANALYZE documents;
-- [every hour]
INSERT INTO documents (title, body, embedding)
  SELECT 'new', 'text', shapes.embedding(9000 + :hour * 20 + g) FROM generate_series(1, 10) g;
SELECT id FROM match_documents(shapes.embedding(:hour), 0.5, 10);
-- [fault: index_fragmentation]
DELETE FROM documents WHERE id % 5 <> 0;
VACUUM ANALYZE documents;
