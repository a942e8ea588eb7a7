"""What every command shares: who acts, in whose data, and how results are printed."""

from __future__ import annotations

import contextlib
import functools
import getpass
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, get_type_hints

import typer

from trunkline.kit import clock

TenantOption = Annotated[
    str, typer.Option("--tenant", "-t", help="Short name or name of the tenant.", envvar="TRUNKLINE_TENANT")
]
OneTenantOption = Annotated[
    str, typer.Option("--tenant", "-t", help="Only this tenant; all of them if left out.", envvar="TRUNKLINE_TENANT")
]
AsOfOption = Annotated[
    str, typer.Option("--as-of", help="As it was when that day ended, in the tenant's zone, or at that instant.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on the standard output.")]


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameter `options` is a dataclass that it shares with others: each field is an option, None where it is left out."""
    hints = get_type_hints(command, include_extras=True)
    kind = hints["options"]
    hints |= get_type_hints(kind, include_extras=True)
    shared = {name: each.replace(default=None) for name, each in inspect.signature(kind).parameters.items()}
    parameters = [
        parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for each in inspect.signature(command).parameters.values()
        for parameter in (shared.values() if each.name == "options" else [each])
    ]

    @functools.wraps(command)
    def called(**values: Any) -> None:
        command(options=kind(**{name: values.pop(name) for name in shared}), **values)

    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


def given_options(options: Any) -> dict[str, Any]:
    """Of the fields of such a dataclass those that were given; a list that is empty was not."""
    return {each.name: value for each in fields(options) if (value := getattr(options, each.name)) not in (None, [])}


def actor() -> str:
    """Who works at this command line, for the history."""
    return f"cli:{os.environ.get('SUDO_USER') or getpass.getuser()}"


def now() -> datetime:
    """The present instant, asked here and handed down."""
    return clock.now()


@contextlib.contextmanager
def tenant_scope(tenant: str, *, reason: str = "", snapshot: bool = False) -> Iterator[int]:
    """Open a scope of the tenant of that slug or name; yields its id. Raises `NotFound` (`tenant_not_found`)."""
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.tenancy.scope import scope

    tenant_id = get_tenant_id(tenant)
    with scope(tenant_id, actor(), reason=reason, snapshot=snapshot):
        yield tenant_id


def as_of_instant(text: str) -> datetime | None:
    """The instant of `--as-of`, of a day its last in the tenant's zone; needs an open scope. Raises Invalid `bad_time`."""
    if not text:
        return None
    from trunkline.core.period import get_zone
    from trunkline.reports import period
    from trunkline.tenancy.queries import current_tenant

    return period.as_of_instant(period.parse_bound(text), get_zone(current_tenant().timezone))


def print_json(value: Any) -> None:
    """Print a value as JSON, and nothing else, on the standard output."""
    sys.stdout.write(
        json.dumps(value, default=str, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None) + "\n"
    )


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Print rows as a table; the columns named in `right` are figures and stand flush right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # In a pipe there is no window to fit into; COLUMNS still decides if it is set.
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200
    shown = Table(title=title or None, title_justify="left")
    for column in columns:
        shown.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    Console(width=width).print(shown)


def say(text: str) -> None:
    """A line for people, on the standard error, so that the standard output stays the result alone."""
    sys.stderr.write(text + "\n")


@contextlib.contextmanager
def progress_bar(name: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on the standard error: call it with how much is done and how much there is. None where nothing shall be shown."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
