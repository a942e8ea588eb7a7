"""The traffic side of the API: files in, records out. These tests commit, as the work on a file has transactions of its own."""
