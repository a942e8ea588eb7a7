"""Money, quantity, period, tax, codes: standard library only."""
