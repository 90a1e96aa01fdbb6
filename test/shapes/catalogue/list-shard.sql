-- A shard key that the application computes from the document, unevenly; it reads and upserts by
-- it. 4,000 chunks; nobody has said that they may move.
-- collection: r
-- [tables]
CREATE TABLE r (shard_id int NOT NULL, doc uuid NOT NULL, chunk int NOT NULL, e vector(32) NOT NULL,
  body text, PRIMARY KEY (shard_id, doc, chunk)) PARTITION BY LIST (shard_id);
DO $$ BEGIN FOR i IN 0..3 LOOP
  EXECUTE format('CREATE TABLE r_%s PARTITION OF r FOR VALUES IN (%s)', i, i); END LOOP; END $$;
CREATE FUNCTION app_shard(uuid) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT
  CASE WHEN $1::text < 'c' THEN 1 ELSE abs(hashtext($1::text)) % 4 END $$;
-- [load]
INSERT INTO r SELECT app_shard(d), d, c, shapes.embedding(c, 32), 'v1'
  FROM (SELECT gen_random_uuid() d FROM generate_series(1, 800)) x, generate_series(1, 5) c;
ANALYZE r;
-- [every hour]
INSERT INTO r SELECT app_shard(doc), doc, chunk, e, 'v' || :hour FROM (SELECT * FROM r LIMIT 50) s
  ON CONFLICT (shard_id, doc, chunk) DO UPDATE SET body = excluded.body;
SELECT count(body) FROM r WHERE shard_id = 1;
-- [fault: maintenance_contention]
CREATE INDEX ON r (shapes.slowly(body));
