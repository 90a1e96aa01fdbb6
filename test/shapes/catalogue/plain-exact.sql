-- No vector index at all: exact search over 2,000 rows.
-- collection: articles
-- [tables]
CREATE TABLE articles (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL,
  embedding vector(64) NOT NULL);
-- [load]
INSERT INTO articles (title, embedding) SELECT md5(g::text), shapes.embedding(g)
  FROM generate_series(1, 2000) g;
CREATE INDEX ON articles (title);
ANALYZE articles;
-- [every hour]
INSERT INTO articles (title, embedding) SELECT md5(random()::text), shapes.embedding(5000 + :hour)
  FROM generate_series(1, 10);
SELECT id, title FROM articles ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 10;
-- [fault: maintenance_contention]
CREATE INDEX ON articles (shapes.slowly(title));
