-- Loaded anew every night by DELETE and INSERT, the index kept: it is twice as large as its rows
-- need, and the next night fills that again. 2,500 rows.
-- collection: docs
-- [tables]
CREATE TABLE docs (id bigserial PRIMARY KEY, body text, embedding vector(64));
-- [load]
INSERT INTO docs (body, embedding) SELECT md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2500) g;
CREATE INDEX ON docs USING hnsw (embedding vector_cosine_ops);
ANALYZE docs;
-- [every hour]
SELECT id FROM docs ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [at 01:00]
DELETE FROM docs;
INSERT INTO docs (body, embedding) SELECT md5(g::text), shapes.embedding(g + 100000)
  FROM generate_series(1, 2500) g;
-- [at 04:00]
DELETE FROM docs;
INSERT INTO docs (body, embedding) SELECT md5(g::text), shapes.embedding(g + 200000)
  FROM generate_series(1, 2500) g;
-- [fault: index_fragmentation]
UPDATE docs SET embedding = shapes.embedding(id + 300000);
UPDATE docs SET embedding = shapes.embedding(id + 400000);
UPDATE docs SET embedding = shapes.embedding(id + 500000);
VACUUM ANALYZE docs;
