-- History thins with age: a sample every five seconds is 200 MB a collection a week, of which
-- hardly anything is looked at. Of an hour ago and older the worst of each minute stays, of a day
-- ago and older the worst of each hour: 2,250 rows and 8.6 MB. Of each state, and of samples that
-- could not tell lambda, by themselves: no transition is lost, and no minimum of a chart.
CREATE OR REPLACE FUNCTION ruvector.healing_thin_samples(collection_id integer)
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  thinned integer;
BEGIN
  WITH binned AS (
    SELECT s.id, s.state, s.lambda, s.source, s.sampled_at,
           CASE WHEN date_bin(interval '1 hour', s.sampled_at, timestamptz 'epoch')
                  <= clock_timestamp() - interval '1 day 1 hour'
             THEN date_bin(interval '1 hour', s.sampled_at, timestamptz 'epoch')
             ELSE date_bin(interval '1 minute', s.sampled_at, timestamptz 'epoch') END AS bin
      FROM ruvector.integrity_samples s
     WHERE s.collection_id = healing_thin_samples.collection_id
       AND s.sampled_at < date_trunc('minute', clock_timestamp() - interval '1 hour')
  ), ranked AS (
    SELECT b.id, row_number() OVER (PARTITION BY b.bin, b.state, b.lambda IS NULL, b.source
      ORDER BY b.lambda, b.sampled_at DESC) AS place
      FROM binned b
  ), going AS (
    SELECT r.id FROM ranked r WHERE r.place > 1
  ), said AS (
    -- What those that stay say by another, stays too.
    SELECT s.same_as FROM ruvector.integrity_samples s
     WHERE s.collection_id = healing_thin_samples.collection_id AND s.same_as IS NOT NULL
       AND s.id NOT IN (SELECT g.id FROM going g)
  )
  -- What somebody else holds goes the next time, and a backlog (an older installation kept all of
  -- them) over several.
  DELETE FROM ruvector.integrity_samples WHERE ctid = ANY (ARRAY(
    SELECT s.ctid FROM ruvector.integrity_samples s
     WHERE s.id = ANY (ARRAY(SELECT g.id FROM going g
       WHERE g.id NOT IN (SELECT d.same_as FROM said d) LIMIT 10000))
       -- The sample that the present state goes by stays, however old it is.
       AND s.id <> ALL (ARRAY(SELECT t.sample_id FROM ruvector.integrity_state t
         WHERE t.collection_id = healing_thin_samples.collection_id))
       FOR UPDATE SKIP LOCKED));
  GET DIAGNOSTICS thinned = ROW_COUNT;
  RETURN thinned;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_thin_samples(integer)
  IS 'Of old samples of a collection the worst of each minute stays, after a day of each '
  'hour. Returns how many went.';
