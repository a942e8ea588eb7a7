"""`python -m trunkline`."""

import gc
import os
import sys

# What is loaded stays: looking for garbage in it again and again is a quarter of the start. `cli.main` turns the collector on.
gc.disable()

if "--help" not in sys.argv:
    os.environ.setdefault("TYPER_USE_RICH", "0")  # a command that is to run need not load what draws help pages

from trunkline.cli.main import main  # noqa: E402

main()
