-- Hours: the present partition changes 24 times a day, two days of them are there, 2,900 rows.
-- collection: frames
-- [tables]
CREATE TABLE frames (camera int NOT NULL, at timestamptz NOT NULL DEFAULT shapes.now(),
  embedding halfvec(32) NOT NULL) PARTITION BY RANGE (at);
DO $$ DECLARE d timestamptz; BEGIN
  FOR d IN SELECT generate_series(date_trunc('hour', shapes.now()) - interval '24 hours',
    date_trunc('hour', shapes.now()) + interval '30 hours', '1 hour') LOOP
    EXECUTE format('CREATE TABLE frames_%s PARTITION OF frames FOR VALUES FROM (%L) TO (%L)',
      to_char(d, 'DDHH24'), d, d + interval '1 hour');
  END LOOP; END $$;
-- [load]
INSERT INTO frames SELECT g % 8, shapes.now() - g * interval '29 seconds',
  shapes.embedding(g, 32)::halfvec(32) FROM generate_series(1, 2900) g;
ANALYZE frames;
-- [every hour]
INSERT INTO frames SELECT g % 8, shapes.now(), shapes.embedding(9000 + g, 32)::halfvec(32)
  FROM generate_series(1, 40) g;
SELECT camera FROM frames WHERE at > shapes.now() - interval '1 hour'
  ORDER BY embedding <=> shapes.embedding(:hour, 32)::halfvec(32) LIMIT 5;
-- [fault: maintenance_contention]
CREATE INDEX ON frames (shapes.slowly(camera::text));
