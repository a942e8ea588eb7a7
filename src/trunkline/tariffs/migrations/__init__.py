"""Migrations of the tariffs."""
