"""The office without its database."""
