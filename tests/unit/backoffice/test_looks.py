"""The looks of the office: a class that no style sheet knows would leave a page as it is, and nobody would be told."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import trunkline.backoffice
from trunkline.backoffice.site import site

FOLDER = Path(trunkline.backoffice.__file__).parent
OURS = FOLDER / "static" / "backoffice" / "office.css"
UNFOLD = files("unfold") / "static" / "unfold" / "css" / "styles.css"
ICONS = "material-symbols-outlined"
FOUND_BY_SCRIPTS = {"result-list"}  # Unfold's actions.js
TEMPLATE_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}")


def test_every_class_of_our_templates_has_a_style() -> None:
    styled = (OURS.read_text() + UNFOLD.read_text()).replace("\\", "")
    unknown = {
        (path.name, name)
        for path in FOLDER.rglob("templates/**/*.html")
        for names in re.findall(r'(?<!:)class="([^"]*)"', path.read_text())
        for name in TEMPLATE_TAG.sub(" ", names).split()
        if f".{name}" not in styled and name not in {ICONS, *FOUND_BY_SCRIPTS}
    }
    assert unknown == set()


def test_a_state_looks_the_same_in_a_list_and_on_its_page() -> None:
    """Unfold's `label=` colours lists alone; on the page of a row it shows a pair in brackets. `shown.state` is for both."""
    coloured = {
        f"{type(screen).__name__}.{name}"
        for screen in site._registry.values()
        for name in [*screen.list_display, *(screen.fields or ())]
        if isinstance(name, str) and hasattr(getattr(type(screen), name, None), "label")
    }
    assert coloured == set()
