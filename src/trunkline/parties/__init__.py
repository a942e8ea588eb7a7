"""Customers, vendors and how traffic is told to be theirs."""
