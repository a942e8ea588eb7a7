"""What was used: collect, decode, rate, store, post."""
