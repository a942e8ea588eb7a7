"""A mapping made on a screen: how lines are built, which column holds what and in which form, which lines are passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.fields import ZoneField
from trunkline.backoffice.forms import StaffForm, refuse, set_choices
from trunkline.backoffice.panels import Panel
from trunkline.backoffice.site import site
from trunkline.core.errors import Invalid
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.usage.decode.describe import (
    SHOWN,
    Shape,
    column,
    guess_columns,
    guess_pattern,
    guess_shape,
    mapping_text,
    shape_of,
    text,
)
from trunkline.usage.decode.mapping import FileKind, parse_mapping
from trunkline.usage.samples import head_of, said_of, say_of

SKIPS: Final = (1, 2, 3)
COLUMNS_SHOWN: Final = 40
OWN_PATTERN: Final = "own"
_SEPARATOR_WORDS: Final[Mapping[str, Any]] = {
    ",": gettext_lazy("comma"),
    ";": gettext_lazy("semicolon"),
    "\t": gettext_lazy("tab"),
    "|": gettext_lazy("bar"),
}
_KINDS: Final[Mapping[str, Any]] = {
    FileKind.DELIMITED: gettext_lazy("Fields with a sign between"),
    FileKind.FIXED: gettext_lazy("Fields at fixed places"),
    FileKind.PAIRS: gettext_lazy("name=value"),
    FileKind.JSON: gettext_lazy("An object of JSON on each line"),
}
PATTERNS: Final[Mapping[str, Any]] = {
    "iso": gettext_lazy("2026-03-02 17:00:00, with or without an offset"),
    "%d/%m/%Y %H:%M[:%S]": "02/03/2026 17:00:00",
    "%m/%d/%Y %H:%M[:%S]": gettext_lazy("03/02/2026 17:00:00, month first"),
    "%d.%m.%Y %H:%M[:%S]": "02.03.2026 17:00:00",
    "%d-%m-%Y %H:%M[:%S]": "02-03-2026 17:00:00",
    "%Y%m%d%H%M%S": "20260302170000",
    "epoch_s": gettext_lazy("seconds since 1970"),
    "epoch_ms": gettext_lazy("milliseconds since 1970"),
    "epoch_us": gettext_lazy("microseconds since 1970"),
    OWN_PATTERN: gettext_lazy("another, written below"),
}
_NUMBERS: Final[Mapping[str, Any]] = {
    "{0}": gettext_lazy("a number"),
    "uri_number({0})": gettext_lazy("a SIP or tel address"),
    "before({0}, '@')": gettext_lazy("what stands before an @"),
}
_SPANS: Final[Mapping[str, Any]] = {
    "seconds({0})": gettext_lazy("seconds"),
    "milliseconds({0})": gettext_lazy("milliseconds"),
    "microseconds({0})": gettext_lazy("microseconds"),
    "ticks({0})": gettext_lazy("hundredths of a second"),
    "clock_span({0})": gettext_lazy("hours:minutes:seconds"),
}
_CAUSES: Final[Mapping[str, Any]] = {"number({0})": gettext_lazy("a number"), "hex({0})": gettext_lazy("hexadecimal")}
_TESTS: Final[Mapping[str, Any]] = {
    "{0} == {1}": gettext_lazy("is"),
    "{0} != {1}": gettext_lazy("is not"),
    "{0} matches {1}": gettext_lazy("fits the pattern"),
    "not has({0})": gettext_lazy("is empty"),
}
# The field, whether it must be there, what it is, in which forms it may stand.
FIELDS: Final[Sequence[tuple[str, bool, Any, Any, Mapping[str, Any]]]] = (
    ("called", True, gettext_lazy("Called number"), gettext_lazy("Whom the call was for."), _NUMBERS),
    ("calling", False, gettext_lazy("Calling number"), gettext_lazy("Who called. Without it: withheld."), _NUMBERS),
    ("start", True, gettext_lazy("Start"), gettext_lazy("When the call was begun."), {}),
    ("answer", False, gettext_lazy("Answer"), gettext_lazy("When it was answered; empty where it was not."), {}),
    ("end", False, gettext_lazy("End"), gettext_lazy("When it ended. Without it: answer and duration."), {}),
    ("duration", False, gettext_lazy("Duration"), gettext_lazy("For how long it was connected. Without it: from answer to end."), _SPANS),
    ("trunk_in", False, gettext_lazy("Trunk in"), gettext_lazy("The customer's trunk, by which one tells whose call it is."), {}),
    ("trunk_out", False, gettext_lazy("Trunk out"), gettext_lazy("The vendor's trunk. Without it the buy side cannot be rated."), {}),
    ("source_ip", False, gettext_lazy("Source address"), gettext_lazy("IP address from which it came."), {}),
    ("account_code", False, gettext_lazy("Account code"), gettext_lazy("What the switch knows the customer by."), {}),
    ("sip_user", False, gettext_lazy("SIP user"), gettext_lazy("Who was registered."), {}),
    ("call_id", False, gettext_lazy("Call"), gettext_lazy("What all attempts of one call share."), {}),
    ("cause", False, gettext_lazy("Cause"), gettext_lazy("Q.850 cause with which it ended, 1 to 127."), _CAUSES),
    ("sip_code", False, gettext_lazy("SIP code"), gettext_lazy("SIP answer with which it ended, 100 to 699."), {"number({0})": ""}),
    ("pdd", False, gettext_lazy("Post-dial delay"), gettext_lazy("How long it took until it rang."), _SPANS),
)  # fmt: skip


class ShapeForm(StaffForm):
    """How the lines are built."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Lines"), choices=list(_KINDS.items()), help_text=gettext_lazy("How a record is written.")
    )
    separator = forms.ChoiceField(
        label=gettext_lazy("Sign between fields"),
        required=False,
        choices=list(_SEPARATOR_WORDS.items()),
        help_text=gettext_lazy("Of fields with a sign between, and of name=value."),
    )
    header = forms.BooleanField(
        label=gettext_lazy("The first line names the columns"),
        required=False,
        help_text=gettext_lazy("Of fields with a sign between."),
    )
    fixed = forms.CharField(
        label=gettext_lazy("Places"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "Of fields at fixed places: a column a line, its name and from where to where: caller 17-32."
        ),
    )


class DescribeForm(StaffForm):
    """Which column holds what, in which form, and which lines are passed over."""

    name = forms.RegexField(
        r"^[a-z][a-z0-9_]{0,39}$",
        label=gettext_lazy("Short name"),
        initial="mine",
        help_text=gettext_lazy("Of the mapping: lower-case letters, digits and underscores."),
    )
    title = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=100,
        initial=gettext_lazy("Our own switch"),
        help_text=gettext_lazy("A line for people, such as the switch's make and release."),
    )
    key = forms.MultipleChoiceField(
        label=gettext_lazy("Key"),
        widget=forms.SelectMultiple(attrs={"size": 5}),
        help_text=gettext_lazy("What makes a record unique within its switch: a column, or several together."),
    )
    pattern = forms.ChoiceField(
        label=gettext_lazy("Times look like"),
        choices=list(PATTERNS.items()),
        help_text=gettext_lazy("Of start, answer and end."),
    )
    own_pattern = forms.CharField(
        label=gettext_lazy("Another pattern"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("Such as %d/%b/%Y %H:%M:%S; what may be missing in square brackets."),
    )
    timezone = ZoneField(
        label=gettext_lazy("Clock of the times"),
        required=False,
        help_text=gettext_lazy("Of times without an offset. Empty: the switch's clock."),
    )

    def __init__(self, *args: Any, shape: Shape, **kwargs: Any) -> None:
        self.shape = shape
        super().__init__(*args, **kwargs)

    def prepare(self) -> None:
        named = [(each, _shown(self.shape, each)) for each in self.shape.columns]
        set_choices(self, "key", named)
        for name, is_needed, label, said, written in FIELDS:
            choices = [("", _("not in the file")), *named]
            self.fields[name] = forms.ChoiceField(label=label, required=is_needed, choices=choices, help_text=said)
            if len(written) > 1:
                self.fields[f"{name}_as"] = forms.ChoiceField(
                    label=_("%(field)s is written as") % {"field": label},
                    required=False,
                    choices=list(written.items()),
                    help_text=_("In which form the column has it."),
                )
        for number in SKIPS:
            self.fields[f"skip{number}_column"] = forms.ChoiceField(
                label=_("Pass over lines whose column"),
                required=False,
                choices=[("", "–"), *named],
                help_text=_("Lines that are no records of calls, such as tests. They are counted apart."),
            )
            self.fields[f"skip{number}_test"] = forms.ChoiceField(
                label=_("… this column"),
                required=False,
                choices=list(_TESTS.items()),
                help_text=_("How it is looked at."),
            )
            self.fields[f"skip{number}_value"] = forms.CharField(
                label=_("… this value"),
                required=False,
                max_length=200,
                help_text=_("A text, or for a pattern a regular expression of the whole text."),
            )

    @property
    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """The fields in groups, each with its title."""
        written = {name: [name, *([f"{name}_as"] if f"{name}_as" in self.fields else [])] for name, *_rest in FIELDS}

        def of(*names: str) -> list[forms.BoundField]:
            return [self[each] for name in names for each in written.get(name, [name])]

        return [
            (_("The mapping"), of("name", "title", "key")),
            (_("Times"), of("start", "answer", "end", "pattern", "own_pattern", "timezone")),
            (_("Numbers"), of("called", "calling")),
            (_("How long"), of("duration", "pdd")),
            (_("Whose it is"), of("trunk_in", "trunk_out", "source_ip", "account_code", "sip_user", "call_id")),
            (_("How it ended"), of("cause", "sip_code")),
            (_("Lines to pass over"), of(*(f"skip{n}_{what}" for n in SKIPS for what in ("column", "test", "value")))),
        ]

    def mapping(self) -> str:
        """The text of the mapping. Raises Invalid `mapping_*` for what it may not say."""
        data, record = self.cleaned_data, {}
        keys = [column(each) for each in data["key"]]
        record["key"] = keys[0] if len(keys) == 1 else f"join('|', {', '.join(keys)})"
        for name, _needed, _label, _said, written in FIELDS:
            if data[name]:
                form = data.get(f"{name}_as") or next(iter(written), "{0}")
                record[name] = form.format(column(data[name]))
        if "answer" not in record and {"end", "duration"} <= set(record):  # it was connected until the end
            record["answer"] = f"if({record['duration']} > 0, time({record['end']}) - {record['duration']})"
        skips = []
        for number in SKIPS:
            if chosen := data[f"skip{number}_column"]:
                test = data[f"skip{number}_test"] or next(iter(_TESTS))
                skips.append((test.format(column(chosen), text(data[f"skip{number}_value"])), f"passed_over_{number}"))
        pattern = data["own_pattern"] if data["pattern"] == OWN_PATTERN else data["pattern"]
        said = mapping_text(
            self.shape,
            name=data["name"],
            title=data["title"],
            pattern=pattern,
            timezone=data["timezone"],
            record=record,
            skips=skips,
        )
        parse_mapping(said)
        return said


def _shown(shape: Shape, name: str) -> str:
    values = shape.values(name)
    return f"{name}: {values[0][:40]}" if values else name


@site.page("traffic/try/<uuid:sample_id>/describe/", name="mapping_describe", permission=Permission.SWITCHES_WRITE)
def describe(request: HttpRequest, sample_id: UUID) -> HttpResponse:
    """Say which column of a file holds what; what comes out is a mapping, to be tried and kept."""
    principal = principal_of(request)
    principal.require(Permission.SWITCHES_READ)
    said = said_of(principal.tenant_id, sample_id)
    head = head_of(principal.tenant_id, sample_id)
    shape, shape_form = _shape(request, head)
    form = None
    if shape.columns:
        given = (request.POST,) if request.method == "POST" else ()
        form = DescribeForm(*given, request=request, shape=shape, initial=_guess(shape))
        if given and form.is_valid():
            try:
                say_of(principal.tenant_id, sample_id, text=form.mapping())
                return HttpResponseRedirect(f"{reverse('admin:mapping')}?{urlencode({'sample': sample_id})}")
            except Invalid as error:
                refuse(form, error)
    context = {
        "title": _("Describe a file: %(name)s") % {"name": said["name"]},
        "shape_form": shape_form,
        "form": form,
        "panel": _first_rows(shape),
        "back": reverse("admin:try_sample", args=(sample_id,)),
    }
    status = 422 if (form is not None and form.errors) or shape_form.errors else 200
    return site.render(request, "backoffice/describe.html", context, status)


def _shape(request: HttpRequest, head: bytes) -> tuple[Shape, ShapeForm]:
    """How the lines are built, as the address says it, or as it looks. Raises Invalid `no_lines`."""
    if "kind" not in request.GET:
        shape = guess_shape(head)
        initial = {"kind": shape.kind.value, "separator": shape.separator, "header": shape.has_header}
        return shape, ShapeForm(initial=initial, request=request)
    form = ShapeForm(request.GET, request=request)
    if form.is_valid():
        data = form.cleaned_data
        kind = FileKind(data["kind"])
        try:
            return shape_of(
                head, kind=kind, separator=data["separator"] or ",", has_header=data["header"], fixed=data["fixed"]
            ), form
        except Invalid as error:
            refuse(form, error)
    return Shape(FileKind.FIXED), form


def _guess(shape: Shape) -> dict[str, Any]:
    """What the columns probably are."""
    found: dict[str, Any] = dict(guess_columns(shape))
    if "key" in found:
        found["key"] = [found["key"]]
    times = [value for name in ("start", "answer", "end") if name in found for value in shape.values(found[name])]
    pattern = guess_pattern(times)
    found["pattern"] = pattern if pattern in PATTERNS else OWN_PATTERN
    found["own_pattern"] = "" if pattern in PATTERNS else pattern
    if "duration" in found:
        found["duration_as"] = _span(found["duration"], shape.values(found["duration"]))
    for name in ("called", "calling"):
        if name in found and any(
            value.startswith(("sip:", "sips:", "tel:", "<sip")) for value in shape.values(found[name])
        ):
            found[f"{name}_as"] = "uri_number({0})"
    return found


def _span(name: str, values: Sequence[str]) -> str:
    if any(":" in value for value in values):
        return "clock_span({0})"
    return "milliseconds({0})" if name.lower().endswith(("ms", "msec")) else "seconds({0})"


def _first_rows(shape: Shape) -> Panel:
    shown = shape.columns[:COLUMNS_SHOWN]
    rows = [[row[at] if at < len(row) else "" for at in range(len(shown))] for row in shape.rows[:SHOWN]]
    return Panel(
        _("The first lines, read so"),
        shown,
        rows,
        empty=_("Nothing can be read so. Say above how the lines are built."),
    )
