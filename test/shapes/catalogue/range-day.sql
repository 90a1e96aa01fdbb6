-- Days made ahead: 7 past, today and tomorrow and 6 more; all writes go to today, and so do most
-- reads; the oldest is dropped at night. 3,500 rows.
-- collection: events
-- [tables]
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL DEFAULT shapes.now(), kind text, embedding vector(32))
  PARTITION BY RANGE (at);
DO $$ DECLARE d timestamptz; BEGIN
  FOR d IN SELECT generate_series(date_trunc('day', shapes.now()) - interval '7 days',
    date_trunc('day', shapes.now()) + interval '8 days', '1 day') LOOP
    EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
      to_char(d, 'YYYYMMDD'), d, d + interval '1 day');
  END LOOP; END $$;
CREATE INDEX ON events (at);
-- [load]
INSERT INTO events (at, kind, embedding)
  SELECT shapes.now() - g * interval '170 seconds', 'k' || g % 5, shapes.embedding(g, 32)
  FROM generate_series(1, 3500) g;
ANALYZE events;
-- [every hour]
INSERT INTO events (kind, embedding)
  SELECT 'k' || g % 5, shapes.embedding(9000 + :hour * 900 + g, 32) FROM generate_series(1, 400) g;
SELECT id FROM events WHERE at > shapes.now() - interval '3 hours'
  ORDER BY embedding <-> shapes.embedding(:hour, 32) LIMIT 5;
SELECT id FROM events WHERE at > shapes.now() - interval '3 hours'
  ORDER BY embedding <-> shapes.embedding(:hour + 1, 32) LIMIT 5;
-- [at 01:00]
DO $$ BEGIN EXECUTE format('DROP TABLE events_%s',
  to_char(date_trunc('day', shapes.now()) - interval '7 days', 'YYYYMMDD'));
EXCEPTION WHEN undefined_table THEN
  EXECUTE format('DROP TABLE IF EXISTS events_%s',
  to_char(date_trunc('day', shapes.now()) - interval '8 days', 'YYYYMMDD')); END $$;
-- [fault: maintenance_contention]
CREATE INDEX ON events (shapes.slowly(kind));
