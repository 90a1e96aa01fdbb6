-- Ranges of the id, 500 each here: five are full, the sixth is being filled, six wait. 2,700 rows.
-- collection: tweets
-- [tables]
CREATE TABLE tweets (id bigint PRIMARY KEY, body text, embedding vector(64))
  PARTITION BY RANGE (id);
DO $$ BEGIN FOR i IN 0..11 LOOP
  EXECUTE format('CREATE TABLE tweets_%s PARTITION OF tweets FOR VALUES FROM (%s) TO (%s)', i,
    i * 500, (i + 1) * 500);
END LOOP; END $$;
CREATE SEQUENCE tweets_id START 2701;
-- [load]
INSERT INTO tweets SELECT g, md5(g::text), shapes.embedding(g) FROM generate_series(1, 2700) g;
CREATE INDEX ON tweets USING hnsw (embedding vector_cosine_ops);
ANALYZE tweets;
-- [every hour]
INSERT INTO tweets SELECT nextval('tweets_id'), 'new', shapes.embedding(9000 + :hour * 30 + g)
  FROM generate_series(1, 20) g;
SELECT id FROM tweets WHERE id > 2500 ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON tweets (shapes.slowly(body));
