-- RANGE by month, each month by HASH of the user into 3: 2,000 rows, one month ahead.
-- collection: activity
-- [tables]
CREATE TABLE activity (user_id bigint NOT NULL, at timestamptz NOT NULL DEFAULT shapes.now(),
  embedding vector(32)) PARTITION BY RANGE (at);
DO $$ DECLARE d timestamptz; BEGIN
  FOR d IN SELECT generate_series(date_trunc('month', shapes.now()) - interval '3 months',
    date_trunc('month', shapes.now()) + interval '1 month', '1 month') LOOP
    EXECUTE format('CREATE TABLE activity_%s PARTITION OF activity '
      'FOR VALUES FROM (%L) TO (%L) PARTITION BY HASH (user_id)',
      to_char(d, 'YYYYMM'), d, d + interval '1 month');
    FOR i IN 0..2 LOOP
      EXECUTE format('CREATE TABLE activity_%s_%s PARTITION OF activity_%s '
        'FOR VALUES WITH (MODULUS 3, REMAINDER %s)',
        to_char(d, 'YYYYMM'), i, to_char(d, 'YYYYMM'), i);
    END LOOP;
  END LOOP; END $$;
-- [load]
INSERT INTO activity SELECT g % 200, shapes.now() - g * interval '40 minutes',
  shapes.embedding(g, 32) FROM generate_series(1, 2000) g;
ANALYZE activity;
-- [every hour]
INSERT INTO activity (user_id, embedding) SELECT g, shapes.embedding(9000 + g, 32)
  FROM generate_series(1, 30) g;
SELECT user_id FROM activity WHERE at > shapes.now() - interval '2 days'
  ORDER BY embedding <-> shapes.embedding(:hour, 32) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON activity (shapes.slowly(user_id::text));
