-- Supabase's RAG with permissions: sections belong to documents, and row-level security shows each
-- owner their own. 2,000 sections.
-- collection: document_sections
-- [tables]
CREATE TABLE documents (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, name text NOT NULL,
  owner_id name NOT NULL DEFAULT current_user,
  created_at timestamptz NOT NULL DEFAULT shapes.now());
CREATE TABLE document_sections (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  document_id bigint NOT NULL REFERENCES documents (id), content text NOT NULL,
  embedding vector(64));
ALTER TABLE document_sections ENABLE ROW LEVEL SECURITY;
CREATE POLICY "Users can query their own document sections" ON document_sections
  FOR SELECT USING (document_id IN (SELECT id FROM documents WHERE owner_id = current_user));
-- [load]
INSERT INTO documents (name) SELECT 'document ' || g FROM generate_series(1, 60) g;
INSERT INTO document_sections (document_id, content, embedding)
  SELECT 1 + g % 60, shapes.paragraph(g), shapes.embedding(g) FROM generate_series(1, 2000) g;
CREATE INDEX ON document_sections USING hnsw (embedding vector_ip_ops);
ANALYZE document_sections;
-- [every hour]
INSERT INTO document_sections (document_id, content, embedding)
  SELECT 1 + :hour, 'new', shapes.embedding(9000 + :hour * 20 + g) FROM generate_series(1, 10) g;
SELECT id FROM document_sections ORDER BY embedding <#> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM document_sections WHERE id % 5 <> 0;
VACUUM ANALYZE document_sections;
