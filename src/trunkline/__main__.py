"""`python -m trunkline`."""

import os
import sys

if "--help" not in sys.argv:
    os.environ.setdefault("TYPER_USE_RICH", "0")  # a command that is to run need not load what draws help pages

from trunkline.cli.main import main

main()
