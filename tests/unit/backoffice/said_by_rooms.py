"""What the rooms say in English to somebody in the office: errors with what to do about them, reasons, checks.

`python -m tests.unit.backoffice.said_by_rooms fr` prints what the French catalogue lacks, for a translator to fill in.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import trunkline
from trunkline.core import errors
from trunkline.core.errors import speaks_of_commands

SOURCE: Final = Path(trunkline.__file__).parent
# What nobody in the office meets: commands, the API's own, benches and test vectors, bookings by hand, the server and its set-up.
UNHEARD: Final = (
    "cli/", "api/", "simulate/", "engine/", "ledger/", "kit/db/", "kit/jobs.py", "kit/supervisor.py", "platform/settings/",
    "usage/pipeline.py", "usage/crew.py", "core/period.py", "core/tax.py", "invoicing/terms.py",
)  # fmt: skip
# Modules that tell what became of files, mails and lines, not by errors alone.
TELLING: Final = (
    "pricing/notifications/looking.py", "pricing/actions/notification_making.py", "tariffs/rate_file.py", "usage/sources/alarms.py",
    "pricing/mailbox/take.py", "pricing/mailbox/look.py", "pricing/mailbox/rules.py", "pricing/deals/alarms.py",
)  # fmt: skip
WORD: Final = re.compile(r"[A-Za-z]{3}")


def texts() -> list[str]:
    """Every text, with `{}` where a value stands, in the order of the source."""
    return list(
        dict.fromkeys(text for text in _all() if WORD.search(text.replace("{}", "")) and not speaks_of_commands(text))
    )


def _all() -> Iterator[str]:
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith(UNHEARD):
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from _of_call(node)
        if name in TELLING:
            yield from _all_of(tree)
    yield from _explained()


def _all_of(node: ast.AST) -> Iterator[str]:
    """Every sentence of a module that is no docstring."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.Constant | ast.JoinedStr):
            yield from (text for text in _written(child) if text.count(" ") > 1)
        else:
            yield from _all_of(child)


def _explained() -> Iterator[str]:
    from trunkline.pricing.checks import CHECKS
    from trunkline.usage.reasons import FileFailure, Reason

    for each in (*Reason, *FileFailure):
        yield from (each.meaning, each.what_to_do)
    yield from (check.sentence for check in CHECKS.values())


def _of_call(node: ast.Call) -> Iterator[str]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name in ("FileGone", "FileChanged", "FileRefused") and node.args:
        yield from _written(node.args[0])
    if name in ("Finding", "Problem", "refuse") and len(node.args) > 2:
        yield from _written(node.args[-1])
    if name not in FAMILIES or len(node.args) < 2:
        return
    hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
    yield from (text for each in (node.args[1], *hints) for text in _written(each))


def _written(node: ast.expr) -> Iterator[str]:
    """The texts that an expression can be; none where it is made elsewhere."""
    if isinstance(node, ast.IfExp):
        yield from (*_written(node.body), *_written(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


FAMILIES: Final = frozenset(
    {kind for kind in vars(errors) if kind[:1].isupper()} | {"PeerFailed", "FileFailed", "InvalidFields", "NotReached"}
)


def missing(there: Iterable[str]) -> list[str]:
    """The texts that a catalogue with these lacks."""
    known = set(there)
    return [each for each in texts() if each not in known]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")
    import django

    django.setup()
    from trunkline.backoffice.rooms import catalogue

    for each in missing(catalogue(sys.argv[1])):
        quoted = each.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        sys.stdout.write(f'msgid "{quoted}"\nmsgstr ""\n\n')
