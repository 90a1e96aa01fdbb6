-- Documents and their chunks: a document that changed has its chunks deleted and made anew, one
-- that is deleted takes them along (ON DELETE CASCADE); a trigger sets updated_at. 400 documents,
-- 2,400 chunks.
-- collection: chunks
-- [tables]
CREATE TABLE documents (id bigserial PRIMARY KEY, title text);
CREATE TABLE chunks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), document_id bigint NOT NULL
  REFERENCES documents ON DELETE CASCADE, place int NOT NULL, body text,
  updated_at timestamptz, embedding vector(64), UNIQUE (document_id, place));
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN new.updated_at := clock_timestamp(); RETURN new; END $$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON chunks FOR EACH ROW EXECUTE FUNCTION touch();
-- [load]
INSERT INTO documents (title) SELECT md5(g::text) FROM generate_series(1, 400) g;
INSERT INTO chunks (document_id, place, body, embedding)
  SELECT d, c, shapes.paragraph(d * c), shapes.embedding(d * 7 + c)
  FROM generate_series(1, 400) d, generate_series(1, 6) c;
CREATE INDEX ON chunks USING hnsw (embedding vector_cosine_ops);
ANALYZE documents, chunks;
-- [every hour]
DELETE FROM chunks WHERE document_id IN (SELECT id FROM documents WHERE id % 60 = :hour);
INSERT INTO chunks (document_id, place, body, embedding)
  SELECT d.id, c, shapes.paragraph(d.id), shapes.embedding(d.id * 7 + c + 50000)
  FROM documents d, generate_series(1, 6) c WHERE d.id % 60 = :hour;
DELETE FROM documents WHERE id = 10 * (:hour + 1) + 5;
SELECT document_id FROM chunks ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM documents WHERE id % 5 <> 0;
VACUUM ANALYZE chunks;
