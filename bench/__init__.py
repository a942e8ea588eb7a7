"""Figures: one file each, `bin/trunkline bench NAME --json` runs it."""
