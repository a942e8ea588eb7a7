"""Signing in and up, and choosing where to work."""
