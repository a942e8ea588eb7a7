"""Migrations of the parties."""
