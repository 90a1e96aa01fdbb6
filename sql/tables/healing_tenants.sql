CREATE TABLE IF NOT EXISTS ruvector.healing_tenants (
  role_name  name PRIMARY KEY,
  tenant     text NOT NULL,
  granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  granted_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE ruvector.healing_tenants
  IS 'Viewers who may see one tenant only, and which: ruvector_healing_grant(role, ''viewer'', '
  'tenant). A row missing here shows nothing, not everything.';
