-- A partition for each of 8 tenants, even in the morning; one of them imports all day: 4,000 rows,
-- 200 more every time.
-- collection: tickets
-- [tables]
CREATE TABLE tickets (tenant_id int NOT NULL, id bigserial, body text, embedding vector(32),
  PRIMARY KEY (tenant_id, id)) PARTITION BY LIST (tenant_id);
DO $$ BEGIN FOR i IN 1..8 LOOP
  EXECUTE format('CREATE TABLE tickets_%s PARTITION OF tickets FOR VALUES IN (%s)', i, i); END LOOP;
  END $$;
-- [load]
INSERT INTO tickets (tenant_id, body, embedding)
  SELECT 1 + g % 8, md5(g::text), shapes.embedding(g, 32) FROM generate_series(1, 4000) g;
ANALYZE tickets;
-- [every hour]
INSERT INTO tickets (tenant_id, body, embedding) SELECT 5, 'import', shapes.embedding(9000 + g, 32)
  FROM generate_series(1, 200) g;
SELECT id FROM tickets WHERE tenant_id = 5 ORDER BY embedding <=> shapes.embedding(:hour, 32)
  LIMIT 5;
SELECT id FROM tickets WHERE tenant_id = 2 ORDER BY embedding <=> shapes.embedding(:hour, 32)
  LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON tickets (shapes.slowly(body));
