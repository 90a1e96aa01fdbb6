-- SECURITY INVOKER, as the one with JSON is; and JSON takes no right but that one's, for whoever
-- was granted it by hand.
CREATE OR REPLACE FUNCTION public.ruvector_healing_register(collection text, options text)
RETURNS jsonb
LANGUAGE plpgsql
AS $function$
DECLARE
  document pg_catalog.jsonb;
BEGIN
  BEGIN
    document := options::pg_catalog.jsonb;
  EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    document := ruvector.healing_document('options', options, '{"movable": true, '
      '"vector_column": null, "tenant_column": null, "tenant": null, "access_column": null, '
      '"cold_partition": null}', NULL, ARRAY['ruvector_healing_register', collection]);
  END;
  RETURN public.ruvector_healing_register(collection, document);
END
$function$;
COMMENT ON FUNCTION public.ruvector_healing_register(text, text)
  IS 'As it is typed: the same of a text that holds JSON; RV001 with what to type otherwise.';
