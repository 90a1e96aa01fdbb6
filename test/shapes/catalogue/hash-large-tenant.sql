-- HASH by tenant into 8 partitions, and one customer has two thirds of 6,000 rows and of the
-- traffic.
-- collection: docs
-- [tables]
CREATE TABLE docs (tenant_id int NOT NULL, id bigint NOT NULL, body text, embedding vector(64),
  PRIMARY KEY (tenant_id, id)) PARTITION BY HASH (tenant_id);
DO $$ BEGIN FOR i IN 0..7 LOOP
  EXECUTE format('CREATE TABLE docs_%s PARTITION OF docs FOR VALUES WITH (MODULUS 8, REMAINDER %s)',
  i, i); END LOOP; END $$;
-- [load]
INSERT INTO docs SELECT CASE WHEN g % 3 < 2 THEN 1 ELSE g % 50 END, g, md5(g::text),
  shapes.embedding(g) FROM generate_series(1, 6000) g;
CREATE INDEX ON docs USING ivfflat (embedding vector_cosine_ops) WITH (lists = 5);
ANALYZE docs;
-- [every hour]
INSERT INTO docs SELECT 1, (random() * 1e12)::bigint, 'new', shapes.embedding(9000 + g)
  FROM generate_series(1, 20) g;
SELECT count(body) FROM docs WHERE tenant_id = 1;
SELECT id FROM docs WHERE tenant_id = 1 ORDER BY embedding <=> shapes.embedding(:hour) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON docs (shapes.slowly(body));
