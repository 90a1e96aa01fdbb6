-- Emptied by DELETE, and filled again an hour later: 2,500 rows.
-- collection: docs
-- [tables]
CREATE TABLE docs (id bigserial PRIMARY KEY, body text, embedding vector(64));
-- [load]
INSERT INTO docs (body, embedding) SELECT md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2500) g;
CREATE INDEX ON docs USING hnsw (embedding vector_cosine_ops);
ANALYZE docs;
-- [every hour]
UPDATE docs SET body = 'read' WHERE id = (SELECT max(id) FROM docs);
SELECT id FROM docs ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [at 00:00]
DELETE FROM docs;
-- [at 01:00]
INSERT INTO docs (body, embedding) SELECT md5(g::text), shapes.embedding(g + 100000)
  FROM generate_series(1, 2500) g;
-- [fault: maintenance_contention]
CREATE INDEX ON docs (shapes.slowly(body));
