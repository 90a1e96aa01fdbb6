-- Open WebUI on pgvector: all knowledge and files in document_chunk, IVFFlat with 100 lists made
-- while the table was empty, and again by somebody who knows: left as it was it finds less than it
-- should, which is a fault (recall_loss) and no healthy shape. 2,000 chunks.
-- collection: document_chunk
-- [tables]
CREATE TABLE document_chunk (id text PRIMARY KEY, vector vector(64), collection_name text NOT NULL,
  text text, vmetadata jsonb);
CREATE INDEX idx_document_chunk_vector ON document_chunk USING ivfflat (vector vector_cosine_ops)
  WITH (lists = 100);
CREATE INDEX idx_document_chunk_collection_name ON document_chunk (collection_name);
-- [load]
INSERT INTO document_chunk SELECT gen_random_uuid()::text, shapes.embedding(g), 'file-' || g % 60,
  shapes.paragraph(g), '{"name": "a.txt"}' FROM generate_series(1, 2000) g;
REINDEX INDEX idx_document_chunk_vector;
ANALYZE document_chunk;
-- [every hour]
DELETE FROM document_chunk WHERE collection_name = 'file-' || :hour;
INSERT INTO document_chunk SELECT gen_random_uuid()::text, shapes.embedding(9000 + :hour * 60 + g),
  'file-' || :hour, 'new', '{}' FROM generate_series(1, 50) g;
SELECT id FROM document_chunk WHERE collection_name = 'file-7'
  ORDER BY vector <=> shapes.embedding(:hour) LIMIT 3;
-- [fault: maintenance_contention]
CREATE INDEX ON document_chunk (shapes.slowly(id));
