"""Values of the command line: what we take by ourselves is what typer would have made of it, and so is what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
import typer.core
from typer._coercion import build_runtime_param
from typer.testing import CliRunner

from trunkline.cli.values import PlainParam, take_plain_values

RUNNER = CliRunner()
app = typer.Typer()


@app.command()
def show(
    file: Annotated[Path, typer.Argument()],
    more: Annotated[list[Path] | None, typer.Argument()] = None,
    text: Annotated[str, typer.Option()] = "",
    maybe: Annotated[str | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option()] = 100,
    digits: Annotated[int | None, typer.Option()] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag")] = None,
    days: Annotated[list[int] | None, typer.Option("--day")] = None,
    percent: Annotated[int, typer.Option(min=0, max=100)] = 0,
    here: Annotated[Path | None, typer.Option(exists=True)] = None,
    json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    typer.echo(repr((file, more, text, maybe, limit, digits, tags, days, percent, here, json)))


@pytest.mark.parametrize(
    "words",
    [
        ["a.csv"],
        ["a.csv", "b.csv", "."],
        ["a b.csv", "--text", "", "--maybe", "x", "--json"],
        ["-", "--text", "--json", "--limit", "7", "--digits", "-3"],
        ["a", "--tag", "x", "--tag", "y", "--day", "1", "--day", "02"],
        ["a", "--limit", "1_000"],
        ["a", "--limit", " 5"],
        ["a", "--limit", "5.0"],
        ["a", "--limit", "٣"],
        ["a", "--limit", "123456789012345678901234567890"],
        ["a", "--limit", "many"],
        ["a", "--limit", ""],
        ["a", "--day", "1", "--day", "x"],
        ["a", "--percent", "50"],
        ["a", "--percent", "101"],
        ["a", "--here", "."],
        ["a", "--here", "/nowhere"],
        ["a", "--nothing"],
        ["--limit", "3"],
        ["--help"],
    ],
)
def test_values_and_refusals_are_those_of_typer(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def outcome() -> tuple[int, str, Any]:
        result = RUNNER.invoke(app, words)
        return result.exit_code, result.output, result.exception

    monkeypatch.setattr(typer.core, "build_runtime_param", build_runtime_param)
    code, said, _ = outcome()
    take_plain_values()
    assert outcome()[:2] == (code, said)


def test_typer_asks_for_the_way_of_a_value_where_we_give_it_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typer.core, "build_runtime_param", build_runtime_param)
    take_plain_values()
    params = {param.name: param for param in typer.main.get_command(app).params}
    plain = {name for name, param in params.items() if isinstance(param.get_runtime_param(), PlainParam)}  # type: ignore[attr-defined]
    assert plain == params.keys() - {"percent"}
