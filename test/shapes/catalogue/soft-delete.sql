-- Rows are marked as deleted and kept, as by paranoia and discard: the index holds those that are
-- not, and searches say so. 3,000 rows, a third of them deleted.
-- collection: notes
-- [tables]
CREATE TABLE notes (id bigserial PRIMARY KEY, body text, deleted_at timestamptz,
  embedding vector(64));
-- [load]
INSERT INTO notes (body, deleted_at, embedding)
  SELECT md5(g::text), CASE WHEN g % 3 = 0 THEN shapes.now() END, shapes.embedding(g)
  FROM generate_series(1, 3000) g;
CREATE INDEX notes_embedding ON notes USING hnsw (embedding vector_cosine_ops)
  WHERE deleted_at IS NULL;
ANALYZE notes;
-- [every hour]
UPDATE notes SET deleted_at = shapes.now() WHERE id IN (SELECT id FROM notes
  WHERE deleted_at IS NULL AND id % 24 = :hour LIMIT 20);
INSERT INTO notes (body, embedding) SELECT 'new', shapes.embedding(9000 + :hour * 30 + g)
  FROM generate_series(1, 20) g;
UPDATE notes SET deleted_at = NULL WHERE id = 3 * (:hour + 1);
SELECT id FROM notes WHERE deleted_at IS NULL
  ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM notes WHERE id % 7 <> 0;
VACUUM ANALYZE notes;
