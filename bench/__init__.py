"""The figures: one file each, with a function `run(**options)` that measures and returns it. `bin/trunkline bench NAME` calls them."""
