"""Swap deals: minutes that two carriers promise each other (docs/algorithms/swap-deals.md)."""
