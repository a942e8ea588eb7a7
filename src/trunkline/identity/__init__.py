"""Staff, what they may do, and the keys of programs."""
