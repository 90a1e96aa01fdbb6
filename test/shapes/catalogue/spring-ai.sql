-- Spring AI's PgVectorStore: vector_store with id, content, metadata, embedding and HNSW by cosine.
-- 2,000 rows.
-- collection: vector_store
-- [tables]
CREATE TABLE vector_store (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, content text,
  metadata json, embedding vector(64));
CREATE INDEX spring_ai_vector_index ON vector_store USING hnsw (embedding vector_cosine_ops);
-- [load]
INSERT INTO vector_store (content, metadata, embedding)
  SELECT shapes.paragraph(g), '{"country": "UK"}', shapes.embedding(g)
  FROM generate_series(1, 2000) g;
ANALYZE vector_store;
-- [every hour]
INSERT INTO vector_store (content, metadata, embedding)
  SELECT 'new', '{}', shapes.embedding(9000 + :hour * 20 + g) FROM generate_series(1, 10) g;
SELECT id FROM vector_store ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 4;
-- [fault: index_fragmentation]
DELETE FROM vector_store WHERE id::text < 'c';
VACUUM ANALYZE vector_store;
