"""Words in the reader's language: the catalogues of `locale/`, and the names of models and fields, which the rooms say in English.

A catalogue is a `.po` file for a language and a part of the office, `locale/fr/parties.po`; they are compiled when a process starts
(docs/development/adding-a-language.md).
"""

from __future__ import annotations

import gettext as catalogues
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from django.apps import apps
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy, trans_real

from trunkline.backoffice.nav import TASK_OF_APP, called
from trunkline.core.po import compile_mo, read_po

FOLDER: Final = Path(__file__).parent / "locale"


def languages() -> list[str]:
    """The languages besides English, by code."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def load_catalogues() -> None:
    """Add the texts of `locale/` to those of Django and the libraries."""
    for code in languages():
        known = trans_real.translation(code)
        for path in sorted((FOLDER / code).glob("*.po")):
            entries = read_po(path.read_text(encoding="utf-8"))
            known.merge(catalogues.GNUTranslations(io.BytesIO(compile_mo(entries))))


def name_in_all_languages(shown: Iterable[type[models.Model]]) -> None:
    """Let the names of models and their fields be those of the reader's language wherever a list or a form shows them.

    A list is called as the sidebar calls it, and the room that a path names above a page as it calls its task. Only what is shown changes:
    migrations look at what the model itself says.
    """
    for model in shown:
        names = model._meta
        names.verbose_name = gettext_lazy(str(names.verbose_name))
        names.verbose_name_plural = called(names.app_label, str(names.model_name)) or gettext_lazy(
            str(names.verbose_name_plural)
        )
        for field in names.fields:
            field.verbose_name = gettext_lazy(capfirst(str(field.verbose_name)))
            if field.help_text:  # of fields that are only shown; a form translates its own
                field.help_text = gettext_lazy(str(field.help_text))
    for label, title in TASK_OF_APP.items():
        apps.get_app_config(label).verbose_name = title
