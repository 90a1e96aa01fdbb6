-- Two partitions by a boolean: what is live, and 90 % of 3,000 rows that are not.
-- collection: listings
-- [tables]
CREATE TABLE listings (live boolean NOT NULL, id bigint NOT NULL, embedding vector(64),
  PRIMARY KEY (live, id)) PARTITION BY LIST (live);
CREATE TABLE listings_live PARTITION OF listings FOR VALUES IN (true);
CREATE TABLE listings_gone PARTITION OF listings FOR VALUES IN (false);
-- [load]
INSERT INTO listings SELECT g % 10 = 0, g, shapes.embedding(g) FROM generate_series(1, 3000) g;
CREATE INDEX ON listings_live USING hnsw (embedding vector_cosine_ops);
ANALYZE listings;
-- [every hour]
INSERT INTO listings SELECT true, (random() * 1e12)::bigint, shapes.embedding(9000 + g)
  FROM generate_series(1, 10) g;
UPDATE listings SET live = false WHERE live AND id % 29 = :hour;
SELECT id FROM listings WHERE live ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON listings (shapes.slowly(id::text));
