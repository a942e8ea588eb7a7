"""Dates as the whole office writes them."""
