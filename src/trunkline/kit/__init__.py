"""Our framework: tenant models, row-level security, jobs, locks, clock, history."""
