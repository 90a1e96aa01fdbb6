-- What changes state says so on a standby in its own words, instead of failing in the middle of
-- something.
CREATE OR REPLACE FUNCTION ruvector.healing_writable(what text)
RETURNS void
LANGUAGE plpgsql STABLE
AS $function$
BEGIN
  IF pg_catalog.pg_is_in_recovery() THEN
    RAISE EXCEPTION USING ERRCODE = 'RV020',
      MESSAGE = 'this server is a standby: nothing can be written here',
      DETAIL = pg_catalog.format('Asked for: %s.', what),
      HINT = 'Run it on the primary. Readable here: ruvector_healing_status(), '
        'ruvector_healing_history(), ruvector_integrity_status(), ruvector_contracted_graph().';
  END IF;
END
$function$;
COMMENT ON FUNCTION ruvector.healing_writable(text) IS 'Raises RV020 on a standby.';
