-- Months made ahead by a migration: 4 past, the present one, 4 to come, which are empty. 2,000
-- rows.
-- collection: m
-- [tables]
CREATE TABLE m (id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL DEFAULT shapes.now(), e vector(64), PRIMARY KEY (id, at))
  PARTITION BY RANGE (at);
DO $$ DECLARE d timestamptz; BEGIN
  FOR d IN SELECT generate_series(date_trunc('month', shapes.now()) - interval '4 months',
    date_trunc('month', shapes.now()) + interval '4 months', '1 month') LOOP
    EXECUTE format('CREATE TABLE m_%s PARTITION OF m FOR VALUES FROM (%L) TO (%L)',
      to_char(d, 'YYYYMM'), d, d + interval '1 month');
  END LOOP; END $$;
CREATE INDEX ON m USING hnsw (e vector_l2_ops);
-- [load]
INSERT INTO m (at, e) SELECT shapes.now() - g * interval '90 minutes', shapes.embedding(g)
  FROM generate_series(1, 2000) g;
ANALYZE m;
-- [every hour]
INSERT INTO m (e) SELECT shapes.embedding(9000 + :hour * 90 + g) FROM generate_series(1, 30) g;
SELECT id FROM m WHERE at > shapes.now() - interval '10 days' ORDER BY e <-> shapes.embedding(:hour)
  LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON m (shapes.slowly(id::text));
