"""The command `trunkline`: finds the group, gets the database ready, runs the command, turns errors into messages.

A group is imported only when it is asked for, so that a search does not pay for the reports beside it.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from dataclasses import dataclass
from typing import Any

import typer

from trunkline.core.errors import TrunklineError


@dataclass(frozen=True, slots=True)
class Group:
    """Where a group or a single command lives and whether it works on the database."""

    module: str
    needs_database: bool = True
    prepares_itself: frozenset[str] = frozenset()  # commands that need the database only sometimes
    web: bool = False  # whether it works with staff and keys, whose apps others do without


GROUPS = {
    "demo": Group("demo", web=True),
    "up": Group("up"),
    "tenant": Group("tenant"),
    "staff": Group("staff", web=True),
    "key": Group("key", web=True),
    "account": Group("account"),
    "tariff": Group("tariff"),
    "deck": Group("deck"),
    "destination-group": Group("destination_group"),
    "special": Group("special"),
    "agreement": Group("agreement"),
    "analysis": Group("analysis"),
    "deal": Group("deal"),
    "mailbox": Group("mailbox"),
    "sheet": Group("sheet", prepares_itself=frozenset({"read"})),
    "generator": Group("generator"),
    "notification": Group("notification"),
    "switch": Group("switch"),
    "rule": Group("rule"),
    "source": Group("source"),
    "usage": Group("usage", prepares_itself=frozenset({"try"})),
    "explain": Group("explain"),
    "invoice": Group("invoice"),
    "report": Group("report"),
    "ledger": Group("ledger"),
    "worker": Group("worker", web=True),
    "db": Group("db", needs_database=False),
    "simulate": Group("simulate", needs_database=False),
    "vectors": Group("vectors", needs_database=False),
    "bench": Group("bench", needs_database=False),
}


def build(names: list[str]) -> typer.Typer:
    """The command line with the groups of those names."""
    root = typer.Typer(
        name="trunkline",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Trunkline: billing, charging, routing and provisioning for internet providers and telecom carriers.",
    )

    @root.callback()
    def root_command() -> None:
        """Trunkline: billing, charging, routing and provisioning for internet providers and telecom carriers."""

    for name in names:
        module = importlib.import_module(f"trunkline.cli.{GROUPS[name].module}")
        if (
            len(module.app.registered_commands) == 1
            and not module.app.registered_groups
            and not module.app.info.no_args_is_help
        ):
            command = module.app.registered_commands[0]
            root.command(name, help=command.help)(command.callback)
        else:
            root.add_typer(module.app, name=name)
    return root


def overview(root: typer.Typer) -> str:
    """Every command of every group with its sentence."""
    from typer.main import get_command

    lines = ["Usage: trunkline COMMAND [OPTIONS]", "", f"{root.info.help}", ""]

    def add(name: str, command: Any, depth: int) -> None:
        sentence = (command.get_short_help_str(limit=400) if depth else command.help or "").strip()
        lines.append(f"{'  ' * (depth + 1) + name:<28} {sentence.splitlines()[0] if sentence else ''}".rstrip())
        for below, each in getattr(command, "commands", {}).items():
            add(below, each, depth + 1)

    for name, command in get_command(root).commands.items():  # type: ignore[attr-defined]
        add(name, command, 0)
    lines += ["", "trunkline COMMAND --help shows the options of a command.", ""]
    return "\n".join(lines)


def main() -> None:
    """Run the command line of this process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")
    asked = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    wants_help = "--help" in sys.argv or not asked
    _read_ahead()
    from trunkline.cli.ready import get_ready, set_up_django
    from trunkline.cli.values import take_plain_values

    take_plain_values()
    try:
        if asked in GROUPS:
            words = [word for word in sys.argv[1:] if not word.startswith("-")]
            if not wants_help and GROUPS[asked].needs_database and not set(words[1:2]) & GROUPS[asked].prepares_itself:
                get_ready(web=GROUPS[asked].web)
            elif GROUPS[asked].needs_database:
                set_up_django()
            root = build([asked])
            _collect_garbage_from_here()
        else:
            set_up_django()
            root = build(list(GROUPS))
            if not asked:
                sys.stdout.write(overview(root))
                return
        root(prog_name="trunkline")
    except TrunklineError as error:
        _say(error)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)
    except Exception as error:
        from trunkline.kit.outages import explain

        outage = explain(error)
        if outage is None:
            raise
        _say(outage)
        sys.exit(1)


def _read_ahead() -> None:
    """Begin to hash the file that `usage load` names first, if it is large, and start the processes that will work on it.

    Both take as long as all that is loaded meanwhile.
    """
    match [word for word in sys.argv[1:] if not word.startswith("-")]:
        case ["usage", "load", name, *_]:
            from pathlib import Path

            from trunkline.usage.crew import CREW_OCTETS, start_ahead

            path = Path(name)
            if path.is_file() and path.stat().st_size >= CREW_OCTETS:
                from trunkline.usage.examine import begin

                begin(path)
                if "--background" not in sys.argv:
                    start_ahead()


def _collect_garbage_from_here() -> None:
    """Turn the collector on, and leave what is loaded by now out of it for good."""
    gc.freeze()
    gc.enable()


def _say(error: TrunklineError) -> None:
    sys.stderr.write(f"error: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"       {error.hint}\n")
