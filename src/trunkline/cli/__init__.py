"""The operators' door: one file per group of commands, thin."""
