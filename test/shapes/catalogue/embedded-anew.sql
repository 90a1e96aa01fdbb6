-- All rows get another model's vectors in the course of a day, batch by batch, in the same column;
-- the index is kept. 2,400 rows.
-- collection: passages
-- [tables]
CREATE TABLE passages (id bigserial PRIMARY KEY, model int NOT NULL DEFAULT 1, body text,
  embedding vector(64));
-- [load]
INSERT INTO passages (body, embedding) SELECT shapes.paragraph(g), shapes.embedding(g)
  FROM generate_series(1, 2400) g;
CREATE INDEX ON passages USING hnsw (embedding vector_cosine_ops);
ANALYZE passages;
-- [every hour]
UPDATE passages SET embedding = shapes.embedding(id + 70000), model = 2 WHERE id IN (SELECT id
  FROM passages WHERE model = 1 ORDER BY id LIMIT 34);
SELECT id FROM passages ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM passages WHERE id % 5 <> 0;
VACUUM ANALYZE passages;
