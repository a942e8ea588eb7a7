"""Double entry."""
