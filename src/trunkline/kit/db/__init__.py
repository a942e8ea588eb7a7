"""PostgreSQL as Trunkline uses it: the embedded server, roles, row-level security, locks."""
