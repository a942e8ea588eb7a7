"""Small files that a form brings, whole: rate files, exchange rates, code decks."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.hints import error_text
from trunkline.core.errors import Invalid
from trunkline.tariffs.source import unfold

OCTETS_MAX: Final = 64 << 20  # unfolded; larger lists come by the command line


class FileField(forms.FileField):
    """The unfolded bytes of a text file: plain, gzip or zip. What is neither text nor one of these is refused."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        found = super().clean(data, initial)
        if not found:
            return None
        try:
            content = unfold(found.read(OCTETS_MAX + 1), octets_max=OCTETS_MAX)
        except Invalid as error:
            raise ValidationError(error_text(error), code=error.code) from error
        if len(content) > OCTETS_MAX:
            raise ValidationError(_("The file is larger than 64 MiB."), code="file_too_large")
        if b"\x00" in content[:4096]:
            raise ValidationError(_("This is no text file. Give it as CSV."), code="not_text")
        return content
