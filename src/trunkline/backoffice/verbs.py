"""Verbs: what can be done with an object, or with a list, besides making and changing a row. Each is a page that asks and a button that leads there.

    @verb(_("Suspend"), permission=Permission.ACCOUNTS_SUSPEND, icon="pause", text=_("What it means."))
    def suspend(self, request, account, data):
        actions.suspend_account(account_id=account.pk, at=now())
        return _("The account is suspended.")

Nothing is done by following a link: the page shows what it means and the fields of `form`, and its button posts. The method returns a sentence
that says what was done, or a response of its own; a TrunklineError becomes a message on the page, and what was written is taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trunkline.backoffice.forms import StaffForm
from trunkline.identity.permissions import Permission


def _always(_: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of a screen. Of a list's (`on_list`) the object is None."""

    name: str
    title: Any
    permission: Permission
    run: Callable[..., Any] = field(repr=False)
    icon: str = ""
    text: Any = ""
    form: type[StaffForm] = StaffForm
    applies: Callable[[Any], bool] = _always
    on_list: bool = False
    is_danger: bool = False
    is_button: bool = True
    asks_why: bool = True
    submit: Any = ""
    template: str = "backoffice/verb.html"


def verb(
    title: Any,
    *,
    permission: Permission,
    icon: str = "",
    text: Any = "",
    form: type[StaffForm] = StaffForm,
    applies: Callable[[Any], bool] = _always,
    on_list: bool = False,
    is_danger: bool = False,
    is_button: bool = True,
    asks_why: bool = True,
    submit: Any = "",
    template: str = "backoffice/verb.html",
) -> Callable[[Callable[..., Any]], Verb]:
    """Make a method of a `TenantAdmin` a verb. `applies(obj)` says whether it makes sense now; its button is hidden where not.

    Without `is_button` only links lead to it, such as one of a panel. Of rows that have a history it asks why, but for one that changes none of them
    (`asks_why`).
    """

    def enter(run: Callable[..., Any]) -> Verb:
        return Verb(
            name=run.__name__,
            title=title,
            permission=permission,
            run=run,
            icon=icon,
            text=text,
            form=form,
            applies=applies,
            on_list=on_list,
            is_danger=is_danger,
            is_button=is_button,
            asks_why=asks_why,
            submit=submit,
            template=template,
        )

    return enter


def verbs_of(owner: type) -> list[Verb]:
    """The verbs of a screen, in the order in which they are written."""
    found: dict[str, Verb] = {}
    for base in reversed(owner.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Verb):
                found[name] = value
    return list(found.values())
