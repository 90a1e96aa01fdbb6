-- LIST by region, where the law wants the rows to be: 60, 25, 10 and 5 % of 4,000 rows.
-- collection: profiles
-- [tables]
CREATE TABLE profiles (region text NOT NULL, id bigint NOT NULL, embedding vector(64),
  PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE profiles_us PARTITION OF profiles FOR VALUES IN ('us', 'ca');
CREATE TABLE profiles_eu PARTITION OF profiles FOR VALUES IN ('de', 'fr', 'es');
CREATE TABLE profiles_asia PARTITION OF profiles FOR VALUES IN ('in', 'jp');
CREATE TABLE profiles_rest PARTITION OF profiles FOR VALUES IN ('br', 'za', NULL);
-- [load]
INSERT INTO profiles SELECT
  CASE WHEN g % 20 < 12 THEN 'us' WHEN g % 20 < 17 THEN 'de' WHEN g % 20 < 19 THEN 'jp'
  ELSE 'br' END, g, shapes.embedding(g) FROM generate_series(1, 4000) g;
CREATE INDEX ON profiles USING hnsw (embedding vector_l2_ops);
ANALYZE profiles;
-- [every hour]
INSERT INTO profiles SELECT 'us', (random() * 1e12)::bigint, shapes.embedding(9000 + g)
  FROM generate_series(1, 10) g;
SELECT id FROM profiles WHERE region = 'us' ORDER BY embedding <-> shapes.embedding(:hour) LIMIT 5;
-- [fault: index_fragmentation]
DELETE FROM profiles WHERE id % 5 <> 0;
VACUUM ANALYZE profiles;
