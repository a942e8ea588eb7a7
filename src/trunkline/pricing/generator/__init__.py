"""Selling prices from vendors' prices (docs/algorithms/rate-generator.md): whole columns at a time, no Django, no database."""
