"""Vectorised rating: Arrow and numpy in, Arrow out. Knows nothing of files, tenants or Django."""
