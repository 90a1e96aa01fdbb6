-- LIST by tenant, each tenant by month: three tenants of different size, two months ahead. 2,400
-- rows.
-- collection: logs
-- [tables]
CREATE TABLE logs (tenant int NOT NULL, at timestamptz NOT NULL DEFAULT shapes.now(),
  id bigint NOT NULL, embedding vector(32), PRIMARY KEY (tenant, at, id))
  PARTITION BY LIST (tenant);
DO $$ DECLARE d timestamptz; BEGIN FOR i IN 1..3 LOOP
  EXECUTE format('CREATE TABLE logs_%s PARTITION OF logs FOR VALUES IN (%s) '
    'PARTITION BY RANGE (at)', i, i);
  FOR d IN SELECT generate_series(date_trunc('month', shapes.now()) - interval '2 months',
    date_trunc('month', shapes.now()) + interval '2 months', '1 month') LOOP
    EXECUTE format('CREATE TABLE logs_%s_%s PARTITION OF logs_%s FOR VALUES FROM (%L) TO (%L)', i,
      to_char(d, 'YYYYMM'), i, d, d + interval '1 month');
  END LOOP; END LOOP; END $$;
-- [load]
INSERT INTO logs SELECT CASE WHEN g % 12 < 8 THEN 1 WHEN g % 12 < 11 THEN 2 ELSE 3 END,
  shapes.now() - g * interval '30 minutes', g, shapes.embedding(g, 32)
  FROM generate_series(1, 2400) g;
CREATE INDEX ON logs USING hnsw (embedding vector_l2_ops);
ANALYZE logs;
-- [every hour]
INSERT INTO logs (tenant, id, embedding)
  SELECT 1, (random() * 1e12)::bigint, shapes.embedding(9000 + g, 32) FROM generate_series(1, 20) g;
SELECT id FROM logs WHERE tenant = 1 AND at > shapes.now() - interval '7 days'
  ORDER BY embedding <-> shapes.embedding(:hour, 32) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON logs (shapes.slowly(id::text));
