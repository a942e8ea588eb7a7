"""Rate analysis: what each price list asks for the same call (docs/algorithms/rate-analysis.md)."""
