"""The staff's screens: Unfold's admin over the rooms' queries and actions."""
