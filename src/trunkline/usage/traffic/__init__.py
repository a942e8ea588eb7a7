"""Traffic rules: what changes, marks and refuses records on their way from the switch to the price (docs/algorithms/traffic-rules.md)."""
