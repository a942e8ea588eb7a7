"""Tenants, and the scope that confines work to one of them."""
