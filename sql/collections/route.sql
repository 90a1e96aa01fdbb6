-- Weighted rendezvous hashing: the same key stays where it is until its partition's weight falls,
-- and then only the keys that have to move do. Score -w / ln(u), u uniform in (0, 1] from the hash
-- of key and partition (Schindelhauer and Schomaker 2005). Without a key: a weighted draw. 2^63 is
-- 9.223372036854775808e18.
CREATE OR REPLACE FUNCTION public.ruvector_healing_route(collection text, key text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  -- A DEFAULT still has the name from before its table was renamed: its writers are to go on.
  found constant integer[] := coalesce(ruvector.healing_collections_named(collection),
    ruvector.healing_collections_routed(collection));
  wanted constant integer := found[1];
  chosen text;
  partition text;
  place text;
  relation oid;
  gone text[] := '{}';
BEGIN
  -- Open to everybody, so an error lists nothing of what there is.
  IF collection IS NULL OR found[1] IS NULL OR found[2] IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = CASE WHEN collection IS NULL THEN 'RV001' ELSE 'RV002' END,
      MESSAGE = CASE WHEN collection IS NULL THEN 'collection must not be null'
                     ELSE format('collection "%s" is %s', left(collection, 200),
                       CASE WHEN found[1] IS NULL THEN 'not registered' ELSE 'ambiguous' END) END,
      DETAIL = format('Got %s.', coalesce(quote_literal(left(collection, 200)), 'NULL')),
      HINT = CASE WHEN found[2] IS NOT NULL THEN 'Write it with its schema.'
        -- A table that the caller may see; what is registered is for viewers to see.
        ELSE coalesce((SELECT format('SELECT ruvector_healing_register(%L);', t)
            FROM ruvector.healing_tables_for(ruvector.healing_caller()) t
           WHERE lower(replace(collection, '"', '')) IN (lower(replace(t, '"', '')),
             lower(replace(substr(t, strpos(t, '.') + 1), '"', ''))) LIMIT 1),
          'SELECT collection_name FROM ruvector_healing_verdict();  for a viewer, lists those '
          'there are.') END;
  END IF;
  FOR attempt IN 1..2 LOOP
    SELECT r.partition_key, r.partition, c.schema_name, c.relid
      INTO chosen, partition, place, relation
      FROM ruvector.healing_routes r JOIN ruvector.collections c USING (collection_id)
     -- A route that a lease closed opens when the lease is over, whether a tick comes to say so or
     -- not.
     CROSS JOIN LATERAL (SELECT CASE WHEN r.weight > 0 THEN r.weight ELSE coalesce((
         SELECT CASE WHEN bool_or(l.expires_at > clock_timestamp()) THEN 0
           ELSE max((w ->> 1)::float8) END
           FROM ruvector.healing_leases l
             CROSS JOIN LATERAL jsonb_array_elements(l.previous -> 'weights') w
          WHERE l.collection_id = wanted AND l.ended_at IS NULL AND l.kind = 'closed_routes'
            AND w ->> 0 = r.partition_key), 0) END AS weight) o
     WHERE r.collection_id = wanted AND r.partition <> ALL (gone)
     ORDER BY CASE WHEN o.weight > 0 THEN
                -ln(CASE WHEN key IS NULL THEN greatest(random(), 1e-300)
                         ELSE (abs(hashtextextended(key || chr(31) || r.partition_key, 0)::numeric)
                           + 1)::float8 / 9.223372036854775809e18 END) / o.weight
              END NULLS LAST, r.partition_key
     LIMIT 1;
    -- One that was detached since the last tick takes no rows, and there may be no next tick.
    -- The cheap question first, as it is asked for each row: a call takes 35 microseconds with it,
    -- 25 without. The name is put together here, or it would be for each partition before the sort.
    -- NULL where there are no routes.
    EXIT WHEN attempt = 2 OR relation =
      pg_partition_root(to_regclass(quote_ident(place) || '.' || quote_ident(partition)));
    gone := ARRAY(SELECT r.partition FROM ruvector.healing_routes r WHERE r.collection_id = wanted
      EXCEPT SELECT k.relname FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid
       WHERE i.inhparent = relation AND NOT i.inhdetachpending);
    -- Not gone: a partition in another schema keeps its turn, or it had a third of its share.
    -- All gone: a table that was just restored has another oid than the one that is kept.
    EXIT WHEN partition <> ALL (gone) OR NOT EXISTS (SELECT FROM ruvector.healing_routes r
      WHERE r.collection_id = wanted AND r.partition <> ALL (gone));
  END LOOP;
  IF chosen IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV003',
      MESSAGE = format('collection "%s" has no partitions to route to', left(collection, 200)),
      DETAIL = 'Only tables partitioned BY LIST with plain values can be routed.',
      HINT = format('SELECT ruvector_healing_explain(%L);  for a viewer, says why.',
        left(collection, 200));
  END IF;
  RETURN chosen;
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_route(text, text)
  IS 'Partition key for a new row, away from hot partitions; usable as a column DEFAULT: ... '
  'DEFAULT ruvector_healing_route(''embeddings'')::int';
