-- A queue of what is to be embedded: 2,500 rows of history, work that is claimed with SKIP LOCKED,
-- done, and deleted an hour later.
-- collection: embedding_jobs
-- [tables]
CREATE TABLE embedding_jobs (id bigserial PRIMARY KEY, status text NOT NULL DEFAULT 'ready',
  done_at timestamptz, result vector(64));
-- [load]
INSERT INTO embedding_jobs (status, done_at, result)
  SELECT 'done', shapes.now() - g * interval '1 second', shapes.embedding(g)
  FROM generate_series(1, 2500) g;
CREATE INDEX ON embedding_jobs (id) WHERE status = 'ready';
ANALYZE embedding_jobs;
-- [every hour]
INSERT INTO embedding_jobs (status) SELECT 'ready' FROM generate_series(1, 200);
UPDATE embedding_jobs SET status = 'done', done_at = shapes.now(), result = shapes.embedding(id)
 WHERE id IN (SELECT id FROM embedding_jobs WHERE status = 'ready' ORDER BY id
   LIMIT 200 FOR UPDATE SKIP LOCKED);
DELETE FROM embedding_jobs WHERE status = 'done' AND done_at < shapes.now() - interval '1 hour';
-- [fault: maintenance_contention]
CREATE INDEX ON embedding_jobs (shapes.slowly(id::text));
