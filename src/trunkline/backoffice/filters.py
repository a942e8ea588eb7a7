"""Filters of lists, in Unfold's looks and the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import BooleanFieldListFilter, FieldListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, TextFilter
from unfold.contrib.filters.forms import DropdownForm, SearchForm

from trunkline.backoffice.fields import DayField
from trunkline.kit.clock import now
from trunkline.kit.lookups import begins, digits_begin, in_force


class ChoiceFilter(ChoicesDropdownFilter):
    """One of the choices of a field."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        said = [self.all_option, *((value, gettext(str(text))) for value, text in self.field.flatchoices)]
        yield {
            "form": self.form_class(
                label=str(self.title), name=self.lookup_kwarg, choices=said, data={self.lookup_kwarg: self.value()}
            )
        }


class FlagFilter(BooleanFieldListFilter):
    """Yes, no, or both."""

    template = "unfold/filters/filters_field.html"
    form_class = DropdownForm

    def choices(self, changelist: Any) -> Iterator[Any]:
        said = [("", _("All")), ("1", _("Yes")), ("0", _("No"))]
        value = self.lookup_val[0] if isinstance(self.lookup_val, list) else self.lookup_val
        yield {
            "form": self.form_class(
                label=str(self.title), name=self.lookup_kwarg, choices=said, data={self.lookup_kwarg: value}
            )
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.lookup_val[0] if isinstance(self.lookup_val, list) else self.lookup_val
        if value in (None, ""):
            return queryset
        found = super().queryset(request, queryset)
        return queryset if found is None else found


class HoldsFilter(DropdownFilter):
    """What holds now, what will, and what did, by `valid_from` and `valid_to`."""

    title = _("Holds")
    parameter_name = "holds"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("now", _("in force")), ("later", _("later")), ("over", _("over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        at = now()
        match self.value():
            case "now":
                return queryset.filter(in_force(at))
            case "later":
                return queryset.filter(valid_from__gt=at)
            case "over":
                return queryset.filter(Q(valid_to__lte=at))
        return queryset


class CodeFilter(TextFilter):
    """Codes that begin with these digits."""

    title = _("Code begins with")
    parameter_name = "code"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        digits = (self.value() or "").strip()
        if not digits:
            return queryset
        if not (digits.isascii() and digits.isdigit()):
            messages.warning(request, gettext("A code is made of digits."))
            return queryset.none()
        return queryset.filter(digits_begin("code", digits))


class DayForm(forms.Form):
    """One day."""

    def __init__(self, name: str, label: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[name] = DayField(label=label, required=False)


class InForceOnFilter(TextFilter):
    """What is in force at the beginning of a day in UTC."""

    title = _("In force on")
    parameter_name = "on"
    form_class = DayForm

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            day = date.fromisoformat(self.value() or "")
        except ValueError:
            return queryset
        return queryset.filter(in_force(datetime.combine(day, time.min, UTC)))


class VoidedFilter(DropdownFilter):
    """Rates that count, unless one asks for those that were voided."""

    title = _("Voided")
    parameter_name = "voided"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("", _("not voided")), ("yes", _("voided")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "yes":
                return queryset.filter(voided_at__isnull=False)
            case "all":
                return queryset
        return queryset.filter(voided_at__isnull=True)


class CurrencyFilter(FieldListFilter):
    """Rows in one currency, by its code."""

    template = "unfold/filters/filters_field.html"
    form_class = SearchForm

    def __init__(self, field: Any, request: Any, params: Any, model: Any, model_admin: Any, field_path: str) -> None:
        self.lookup_kwarg = f"{field_path}__exact"
        super().__init__(field, request, params, model, model_admin, field_path)

    def expected_parameters(self) -> list[str | None]:
        return [self.lookup_kwarg]

    def _value(self) -> str:
        given = self.used_parameters.get(self.lookup_kwarg) or [""]
        return (given[0] if isinstance(given, list) else str(given)).strip().upper()

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "form": self.form_class(
                name=self.lookup_kwarg, label=str(self.title), data={self.lookup_kwarg: self._value()}
            )
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.lookup_kwarg: self._value()}) if self._value() else queryset


class BeginsFilter(TextFilter):
    """Texts that begin so, as a range; give it a column by `of`."""

    column = ""

    @classmethod
    def of(cls, column: str, title: Any) -> type[BeginsFilter]:
        """The filter of one column, which may be that of another row."""
        named = {"column": column, "title": title, "parameter_name": column.replace("__", "_")}
        return type(f"BeginsFilterOf_{column}", (cls,), named)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        words = (self.value() or "").strip()
        if not words:
            return queryset
        return queryset.filter(begins(self.column, words))
