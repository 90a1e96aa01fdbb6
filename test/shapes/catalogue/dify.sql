-- Dify on pgvector: a table for each knowledge base, named by its id, HNSW by cosine; documents are
-- indexed anew as a whole. 2,000 chunks.
-- collection: embedding_vector_index_5f2c8b1e_node
-- [tables]
CREATE TABLE embedding_vector_index_5f2c8b1e_node (id uuid PRIMARY KEY, text text NOT NULL,
  meta jsonb NOT NULL, embedding vector(64) NOT NULL) USING heap;
CREATE INDEX embedding_cosine_v1_idx ON embedding_vector_index_5f2c8b1e_node
  USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);
-- [load]
INSERT INTO embedding_vector_index_5f2c8b1e_node
  SELECT gen_random_uuid(), shapes.paragraph(g), jsonb_build_object('document_id', g % 50),
  shapes.embedding(g) FROM generate_series(1, 2000) g;
ANALYZE embedding_vector_index_5f2c8b1e_node;
-- [every hour]
DELETE FROM embedding_vector_index_5f2c8b1e_node WHERE meta ->> 'document_id' = :hour::text
  AND :hour % 4 = 0;
INSERT INTO embedding_vector_index_5f2c8b1e_node
  SELECT gen_random_uuid(), 'new', jsonb_build_object('document_id', :hour),
  shapes.embedding(9000 + :hour * 60 + g) FROM generate_series(1, 20) g;
SELECT meta, text FROM embedding_vector_index_5f2c8b1e_node
  ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 4;
-- [fault: index_fragmentation]
DELETE FROM embedding_vector_index_5f2c8b1e_node WHERE id::text < 'c';
VACUUM ANALYZE embedding_vector_index_5f2c8b1e_node;
