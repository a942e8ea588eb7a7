"""Every write of the reports. All run inside an open scope."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.core.errors import Invalid
from trunkline.reports.models import SavedReport
from trunkline.reports.queries import get_saved_report, parse_question
from trunkline.reports.rules import find_column

NAME_MAX = 120


def save_report(*, name: str, asked: Mapping[str, str]) -> tuple[SavedReport, bool]:
    """Afterwards `name` stands for the question `asked`, whatever it stood for before; gives the row, and whether it is new.

    Options that are empty are not kept, but `by`, which says that there shall be no groups. Raises Invalid for a
    question that cannot be understood, `unknown_column`, `bad_name`.
    """
    if not name.strip() or len(name) > NAME_MAX:
        raise Invalid("bad_name", f"A saved report cannot be called {name!r}.", hint=f"Use up to {NAME_MAX} letters.")
    columns = parse_question(asked).columns()
    if asked.get("measure"):
        find_column(asked["measure"], columns)
    kept = {option: value for option, value in asked.items() if value or option == "by"}
    return SavedReport.objects.update_or_create(name=name, defaults={"asked": kept})


def remove_report(*, name: str) -> None:
    """Afterwards there is no saved report of that name. Raises NotFound `report_not_found`."""
    get_saved_report(name).delete()
