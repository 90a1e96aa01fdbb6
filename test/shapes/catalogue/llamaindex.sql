-- LlamaIndex's PGVectorStore: data_<name>, metadata as JSON with an index on the document's id,
-- HNSW by hnsw_kwargs. 2,000 rows.
-- collection: data_paul_graham_essay
-- [tables]
CREATE TABLE data_paul_graham_essay (id bigserial PRIMARY KEY, text varchar NOT NULL,
  metadata_ json, node_id varchar, embedding vector(64));
CREATE INDEX paul_graham_essay_idx_1 ON data_paul_graham_essay ((metadata_ ->> 'ref_doc_id'));
-- [load]
INSERT INTO data_paul_graham_essay (text, metadata_, node_id, embedding)
  SELECT shapes.paragraph(g), json_build_object('ref_doc_id', 'doc ' || g % 40),
  gen_random_uuid()::text, shapes.embedding(g) FROM generate_series(1, 2000) g;
CREATE INDEX data_paul_graham_essay_embedding_idx ON data_paul_graham_essay
  USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);
ANALYZE data_paul_graham_essay;
-- [every hour]
DELETE FROM data_paul_graham_essay WHERE metadata_ ->> 'ref_doc_id' = 'doc ' || :hour
  AND id % 3 = 0;
INSERT INTO data_paul_graham_essay (text, metadata_, node_id, embedding)
  SELECT 'new', json_build_object('ref_doc_id', 'doc ' || :hour), 'n',
  shapes.embedding(9000 + :hour * 25 + g) FROM generate_series(1, 25) g;
SELECT id FROM data_paul_graham_essay ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 2;
-- [fault: index_fragmentation]
DELETE FROM data_paul_graham_essay WHERE id % 5 <> 0;
VACUUM ANALYZE data_paul_graham_essay;
