"""What is typed at the command line as values of the types that our options have: text, whole numbers, flags, paths.

typer gives every value, also that of a `--help` that nobody asked for, to pydantic, whose loading takes a fifth of a search. What is plainly
of its type is taken here as it stands; anything else goes the way that typer would have gone, so that what is accepted and what is said
about the rest are typer's own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import typer.core
from typer._coercion import RuntimeParam, TypeDescriptor, build_runtime_param
from typer._param_types import coerce_cli_path

if TYPE_CHECKING:
    from typer._click import Context
    from typer.core import _TyperParameter

WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,15}", re.ASCII)


class PlainParam(RuntimeParam):
    """Takes the values of one option or argument."""

    def _coerce_value(self, value: Any, param: _TyperParameter, ctx: Context) -> Any:
        kind, is_list = _kind(param.type_descriptor), param.type_descriptor.is_list
        values = value if is_list else [value]
        if kind is not Path and all(type(each) is kind for each in values):
            return value
        taken: list[Any]
        if kind is int and all(type(each) is str and WHOLE_NUMBER.fullmatch(each) for each in values):
            taken = [int(each) for each in values]
        elif kind is Path and all(type(each) is str for each in values):
            info = self.parameter_info
            taken = [coerce_cli_path(Path(each), info, path_type=Path, param=param, ctx=ctx) for each in values]
        else:
            return build_runtime_param(param.type_descriptor).coerce(value, param, ctx)
        return taken if is_list else taken[0]


def take_plain_values() -> None:
    """From now on take plain values in this process without pydantic."""
    typer.core.build_runtime_param = _build  # type: ignore[attr-defined]


def _build(descriptor: TypeDescriptor) -> RuntimeParam:
    if _kind(descriptor) is None:
        return build_runtime_param(descriptor)
    return PlainParam(descriptor.parameter_info, descriptor.annotation)


def _kind(descriptor: TypeDescriptor) -> type | None:
    """The type of each value; None where it is none of ours, or where there is more to check than the type."""
    info = descriptor.parameter_info
    kind = get_args(descriptor.annotation)[0] if descriptor.is_list else descriptor.annotation
    return kind if kind in (str, int, bool, Path) and info.parser is None and info.min is info.max is None else None
