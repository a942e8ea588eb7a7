"""Telling customers of changes of their prices: what changed since they were told, as a file, by mail (docs/algorithms/rate-notifications.md)."""
