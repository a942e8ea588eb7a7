"""Fewer renderings of models while migrations run.

Django keeps classes of all models as they are between two migrations. When one changes, it makes its class and those of all models that
are related to it anew, a third of all: 0.1 s for every index, constraint and trigger of ours, two thirds of the time in which a new
database is made. But an index, a constraint and a trigger change nothing that another class knows: here they are put into the class
that is there. Operations read them from the state, not from the class, when they undo or drop one.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger, RemoveTrigger

LISTS = ("constraints", "indexes", "triggers")
OF_STATE = ("_append_option", "_remove_option", "_alter_option")


@contextlib.contextmanager
def lists_in_place() -> Iterator[None]:
    """As long as this is open, changed lists of a model are put into its class."""
    wrapped: list[tuple[type[Any], str, int]] = [(ProjectState, name, 0) for name in OF_STATE]
    wrapped += [(operation, "state_forwards", 2) for operation in (AddTrigger, RemoveTrigger)]
    with contextlib.ExitStack() as stack:
        for owner, name, place in wrapped:
            original = getattr(owner, name)
            stack.callback(setattr, owner, name, original)
            setattr(owner, name, _without_rendering(original, place))
        yield


def _without_rendering(original: Callable[..., None], place: int) -> Callable[..., None]:
    """The method with another way to reload; the state is its argument at `place`."""

    @functools.wraps(original)
    def changed(*args: Any) -> None:
        state = args[place]
        state.reload_model = functools.partial(_put_lists, state)
        try:
            original(*args)
        finally:
            del state.reload_model

    return changed


def _put_lists(state: ProjectState, app_label: str, model_name: str, delay: bool = False) -> None:
    """Put the lists of the state's model into its class, if there is one yet."""
    if "apps" not in state.__dict__:
        return
    options = state.models[app_label, model_name.lower()].options
    meta = state.apps.get_model(app_label, model_name)._meta
    for name in LISTS:
        if name in options:
            setattr(meta, name, list(options[name]))
            meta.original_attrs[name] = options[name]
    meta.__dict__.pop("total_unique_constraints", None)
