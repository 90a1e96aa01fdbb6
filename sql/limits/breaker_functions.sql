CREATE OR REPLACE FUNCTION ruvector.healing_breaker_document_by(settings jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  b ruvector.healing_breaker;
  f record;
BEGIN
  SELECT k.* INTO b FROM ruvector.healing_breaker k;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT c.failures, c.collections INTO f FROM ruvector.healing_failures_by(settings) c;
  RETURN jsonb_build_object(
    'state', b.state,
    'reason', CASE WHEN b.state <> 'closed' THEN b.reason END,
    'opened_at', CASE WHEN b.state <> 'closed' THEN ruvector.healing_timestamp(b.opened_at) END,
    'open_until', CASE WHEN b.state = 'open' THEN ruvector.healing_timestamp(b.open_until) END,
    'probe_action_id', b.probe_action_id,
    'failures', f.failures,
    'collections', f.collections,
    'opens_at', (settings ->> 'breaker_failures')::int,
    'window_seconds', (settings ->> 'breaker_window_seconds')::float8,
    'last_opened_at', ruvector.healing_timestamp(b.opened_at),
    'last_closed_at', ruvector.healing_timestamp(b.closed_at),
    'last_closed_by', b.closed_by,
    'last_close_reason', b.close_reason);
END
$function$;
COMMENT ON FUNCTION ruvector.healing_breaker_document_by(jsonb)
  IS 'What ruvector_healing_breaker() answers, where the settings of all are known.';

CREATE OR REPLACE FUNCTION ruvector.healing_breaker_document()
RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT ruvector.healing_breaker_document_by(ruvector.healing_settings(0));
$function$;
COMMENT ON FUNCTION ruvector.healing_breaker_document()
  IS 'What ruvector_healing_breaker() answers.';

CREATE OR REPLACE FUNCTION public.ruvector_healing_breaker()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
  SELECT ruvector.healing_breaker_document();
$function$;
COMMENT ON FUNCTION public.ruvector_healing_breaker()
  IS 'The circuit breaker of the loop: closed, open or half_open, why, and until when: SELECT '
  'jsonb_pretty(ruvector_healing_breaker());';

CREATE OR REPLACE FUNCTION public.ruvector_healing_breaker_close(
  reason text DEFAULT NULL -- required
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
AS $function$
DECLARE
  before ruvector.healing_breaker;
  after_ ruvector.healing_breaker;
BEGIN
  PERFORM ruvector.healing_writable('ruvector_healing_breaker_close');
  IF ruvector_healing_breaker_close.reason IS NULL
    OR btrim(ruvector_healing_breaker_close.reason) = ''
    OR length(ruvector_healing_breaker_close.reason) > 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'RV001',
      MESSAGE = 'reason must say why, in at most 1000 characters',
      DETAIL = format('Got %s.',
        coalesce(quote_literal(left(ruvector_healing_breaker_close.reason, 200)), 'NULL')),
      HINT = 'SELECT ruvector_healing_breaker_close(''the disk was full, it is not any more'');';
  END IF;
  -- A session that moves the breaker holds its row for as long as its transaction lasts; nobody
  -- queues for it.
  FOR try IN 1 .. 100 LOOP
    SELECT * INTO before FROM ruvector.healing_breaker FOR UPDATE SKIP LOCKED;
    EXIT WHEN FOUND;
    PERFORM pg_sleep(0.02);
  END LOOP;
  IF before IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RV016',
      MESSAGE = 'another session is changing the circuit breaker in a transaction that '
      'has not ended',
      DETAIL = 'Waited 2 s.', HINT = 'Try again when it has ended.';
  END IF;
  -- Also where it is closed: what failed so far does not count any more.
  after_ := before;
  after_.state := 'closed';
  after_.closed_at := clock_timestamp();
  after_.closed_by := session_user;
  after_.close_reason := ruvector_healing_breaker_close.reason;
  after_.opens := 0;
  after_.open_until := NULL;
  after_.half_open_at := NULL;
  after_.probe_action_id := NULL;
  PERFORM ruvector.healing_breaker_keep(before, after_);
  RETURN ruvector.healing_breaker_document() || jsonb_build_object('was', before.state);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_breaker_close(text)
  IS 'Closes the circuit breaker by hand; what failed so far does not count any more: SELECT '
  'ruvector_healing_breaker_close(''the disk was full, it is not any more'');';
