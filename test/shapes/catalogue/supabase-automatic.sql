-- Supabase's automatic embeddings: halfvec, set to NULL by a trigger when the text changes, filled
-- in later by a job from a queue. 2,800 rows.
-- collection: documents
-- [tables]
CREATE TABLE documents (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, title text NOT NULL,
  content text NOT NULL, embedding halfvec(64), created_at timestamptz DEFAULT shapes.now());
CREATE FUNCTION clear_column() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.embedding := NULL;
  RETURN NEW; END $$;
CREATE TRIGGER clear_document_embedding_on_update BEFORE UPDATE OF title, content ON documents
  FOR EACH ROW EXECUTE FUNCTION clear_column();
-- [load]
INSERT INTO documents (title, content, embedding)
  SELECT md5(g::text), shapes.paragraph(g), shapes.embedding(g)::halfvec(64)
  FROM generate_series(1, 2800) g;
CREATE INDEX ON documents USING hnsw (embedding halfvec_cosine_ops);
ANALYZE documents;
-- [every hour]
UPDATE documents SET content = content || '!' WHERE id % 150 = :hour;
UPDATE documents SET embedding = shapes.embedding(id)::halfvec(64)
  WHERE embedding IS NULL AND id % 2 = 0;
SELECT id FROM documents ORDER BY embedding <=> shapes.embedding(:hour)::halfvec(64) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM documents WHERE id % 5 <> 0;
VACUUM ANALYZE documents;
