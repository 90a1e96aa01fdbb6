-- Half of the rows wait for their embedding, which is NULL until a job has made it: 5,000 rows.
-- collection: notes
-- [tables]
CREATE TABLE notes (id bigserial PRIMARY KEY, body text NOT NULL, embedding vector(64));
-- [load]
INSERT INTO notes (body, embedding) SELECT md5(g::text),
  CASE WHEN g % 2 = 0 THEN shapes.embedding(g) END FROM generate_series(1, 5000) g;
CREATE INDEX ON notes USING hnsw (embedding vector_l2_ops);
ANALYZE notes;
-- [every hour]
INSERT INTO notes (body) SELECT 'new' FROM generate_series(1, 20);
UPDATE notes SET embedding = shapes.embedding(id)
  WHERE id IN (SELECT id FROM notes WHERE embedding IS NULL ORDER BY id LIMIT 10);
SELECT id FROM notes ORDER BY embedding <-> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM notes WHERE id % 5 <> 0;
VACUUM ANALYZE notes;
