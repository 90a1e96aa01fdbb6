-- LangChain's newer PGVectorStore: a table for each store, HNSW applied by the application. 2,000
-- rows.
-- collection: vectorstore
-- [tables]
CREATE TABLE vectorstore (langchain_id uuid PRIMARY KEY, content text NOT NULL,
  embedding vector(64) NOT NULL, langchain_metadata json);
-- [load]
INSERT INTO vectorstore SELECT gen_random_uuid(), shapes.paragraph(g), shapes.embedding(g),
  '{"source": "b.md"}' FROM generate_series(1, 2000) g;
CREATE INDEX langchainvectorindex ON vectorstore USING hnsw (embedding vector_cosine_ops)
  WITH (m = 16, ef_construction = 64);
ANALYZE vectorstore;
-- [every hour]
INSERT INTO vectorstore SELECT gen_random_uuid(), 'new', shapes.embedding(9000 + :hour * 20 + g),
  '{}' FROM generate_series(1, 10) g;
SELECT langchain_id FROM vectorstore ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 4;
-- [fault: index_fragmentation]
DELETE FROM vectorstore WHERE langchain_id::text < 'c';
VACUUM ANALYZE vectorstore;
