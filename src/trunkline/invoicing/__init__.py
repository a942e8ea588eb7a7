"""Invoices of usage: what is owed for a period, said once, numbered without gaps, with the records that prove it."""
