"""Writes what is committed of the API: `python -m trunkline.platform.api_files`, which `bin/write-api` calls.

`docs/api/openapi.json` is the document, `clients/python/trunkline_client.py` the client made from it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
DOCUMENT: Final = ROOT / "docs" / "api" / "openapi.json"
CLIENT: Final = ROOT / "clients" / "python" / "trunkline_client.py"


def document_text() -> str:
    """The document, as it is committed."""
    from trunkline.api.app import document

    return json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def client_text() -> str:
    """The client, as it is committed."""
    from trunkline.api.app import document
    from trunkline.api.client_code import client_code

    formatter = [sys.executable, "-m", "ruff", "format", "-", "--config", str(ROOT / "pyproject.toml")]
    done = subprocess.run(formatter, input=client_code(document()), capture_output=True, text=True, check=True)
    return done.stdout


def main() -> None:
    """Write both."""
    import django

    django.setup()
    for path, text in ((DOCUMENT, document_text()), (CLIENT, client_text())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
