-- What changes state says so where nothing can be written in its own words, instead of failing in
-- the middle of something.
CREATE OR REPLACE FUNCTION ruvector.healing_writable(what text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION USING ERRCODE = 'RV020',
      MESSAGE = 'this server is a standby: nothing can be written here',
      DETAIL = format('Asked for: %s.', what),
      HINT = 'Run it on the primary. Readable here: ruvector_healing_status(), '
        'ruvector_healing_history(), ruvector_integrity_status(), ruvector_contracted_graph().';
  END IF;
  IF current_setting('transaction_read_only')::boolean THEN
    -- PostgreSQL's own SQLSTATE: who routes by it to another server, or tries again, knows it.
    RAISE EXCEPTION USING ERRCODE = '25006',
      MESSAGE = 'this transaction is read-only: nothing can be written in it',
      DETAIL = format('Asked for: %s.', what),
      HINT = CASE WHEN current_setting('default_transaction_read_only')::boolean
        THEN 'ROLLBACK; SET default_transaction_read_only = off;  and call it again.'
          || coalesce((SELECT format('  It is on for %s; for good: %s', r.set_by, r.statement)
            FROM ruvector.healing_read_only() r WHERE r.set_by IS NOT NULL), '')
        ELSE 'ROLLBACK; BEGIN READ WRITE;  and call it again.' END;
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_writable(text)
  IS 'Raises RV020 on a standby, 25006 with what to type in a read-only transaction.';
