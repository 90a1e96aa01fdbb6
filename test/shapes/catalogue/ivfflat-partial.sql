-- IVFFlat on the published rows only (a partial index): 6,000 rows, two thirds published.
-- collection: posts
-- [tables]
CREATE TABLE posts (id bigserial PRIMARY KEY, published boolean NOT NULL, embedding vector(64));
-- [load]
INSERT INTO posts (published, embedding) SELECT g % 3 <> 0, shapes.embedding(g)
  FROM generate_series(1, 6000) g;
CREATE INDEX ON posts USING ivfflat (embedding vector_l2_ops) WITH (lists = 20) WHERE published;
ANALYZE posts;
-- [every hour]
INSERT INTO posts (published, embedding) SELECT false, shapes.embedding(9000 + :hour * 10 + g)
  FROM generate_series(1, 6) g;
UPDATE posts SET published = true WHERE NOT published AND id % 97 = :hour;
SELECT id FROM posts WHERE published ORDER BY embedding <-> shapes.embedding(:hour) LIMIT 10;
-- [fault: maintenance_contention]
CREATE INDEX ON posts (shapes.slowly(id::text));
