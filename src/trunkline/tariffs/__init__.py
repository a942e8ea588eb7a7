"""Rates, exchange rates and the compiled snapshots of both."""
