"""Lists: cursor paging, filters, order and chosen fields, from one declaration per list.

The order is total: the sort field, then the id. A cursor holds the last row's place, is signed and bound to filters and order; with others it
is refused. A row that appears while one pages may be missed or come later, and none comes twice. Nothing is counted.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import reduce
from operator import or_
from typing import Any, Final
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Q, QuerySet
from django.http import HttpRequest, JsonResponse
from ninja import Schema

from trunkline.api.problems import FieldError, InvalidFields
from trunkline.api.shapes import INSTANT_MAX, INSTANT_MIN
from trunkline.core.errors import Invalid
from trunkline.kit import lookups

LIMIT: Final = 50
LIMIT_MAX: Final = 200
VALUES_MAX: Final = 100
TEXT_MAX: Final = 200
_SALT: Final = "trunkline.api.cursor"
_PLAIN: Final = frozenset({"limit", "cursor", "sort", "fields"})


@dataclass(frozen=True, slots=True)
class Filter:
    """A field that a list can be narrowed by. `column` is the ORM's path; `read` makes a value of a text or raises ValueError.

    `operators` are those in brackets: gt, gte, lt, lte, ne, like (begins with). A plain `name=a,b` means any of these values. `where` makes the
    condition of an operator (`""`: plain) and a value, where it is no comparison of the column.
    """

    column: str
    read: Callable[[str], Any]
    schema: Mapping[str, Any]
    operators: tuple[str, ...] = ()
    single: bool = False  # the column names its own comparison
    where: Callable[[str, Any], Q] | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """Something else that a list takes in its address, which narrows nothing: `read` makes a value of a text or raises ValueError."""

    read: Callable[[str], Any]
    schema: Mapping[str, Any]
    description: str


def text(column: str, *, prefix: bool = False) -> Filter:
    """A text that is equal; with `prefix` also one that begins so."""
    return Filter(column, _text, {"type": "string", "maxLength": TEXT_MAX}, ("ne", "like") if prefix else ("ne",))


def digits(column: str, most: int) -> Filter:
    """Digits that are equal, or begin so. A beginning is asked for as a range, which reaches an index under row-level security; LIKE does not."""

    def read(said: str) -> str:
        if len(said) > most or not ((said.isascii() and said.isdigit()) or not said):
            raise ValueError(f"at most {most} digits")
        return said

    def where(operator: str, value: str) -> Q:
        if operator != "like":
            return ~Q(**{column: value}) if operator == "ne" else Q(**{column: value})
        return lookups.digits_begin(column, value)

    return Filter(column, read, {"type": "string", "pattern": f"^[0-9]{{0,{most}}}$"}, ("ne", "like"), where=where)


def choice(column: str, values: Any) -> Filter:
    """One of a few words."""
    words = [str(value) for value in values]

    def read(said: str) -> str:
        if said not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return said

    return Filter(column, read, {"type": "string", "enum": words}, ("ne",))


def element(column: str) -> Filter:
    """A text that is one of several that a row has."""
    return Filter(
        f"{column}__contains", lambda said: [_text(said)], {"type": "string", "maxLength": TEXT_MAX}, single=True
    )


_TRUTH: Final = {"type": "string", "enum": ["true", "false"]}


def _read_truth(said: str) -> bool:
    if said not in {"true", "false"}:
        raise ValueError("true or false")
    return said == "true"


def boolean(column: str) -> Filter:
    """true or false."""
    return Filter(column, _read_truth, _TRUTH)


def is_null(column: str, description: str) -> Filter:
    """true: where the column says nothing; false: where it does."""
    return Filter(
        column, _read_truth, _TRUTH, where=lambda _, wanted: Q(**{f"{column}__isnull": wanted}), description=description
    )


INSTANT: Final = {"type": "string", "format": "date-time"}
DAY: Final = {"type": "string", "format": "date"}


def read_instant(said: str) -> datetime:
    """An instant of RFC 3339, in UTC. Raises ValueError."""
    found = datetime.fromisoformat(said)
    if found.tzinfo is None:
        raise ValueError("an instant with its offset, such as 2026-03-01T00:00:00Z")
    if not INSTANT_MIN.year <= found.year <= INSTANT_MAX.year or not INSTANT_MIN <= found <= INSTANT_MAX:
        raise ValueError(f"an instant from {INSTANT_MIN:%Y-%m-%d} to {INSTANT_MAX:%Y-%m-%d}")
    return found.astimezone(UTC)


def instant(column: str) -> Filter:
    """An instant with its offset, as of RFC 3339."""
    return Filter(column, read_instant, INSTANT, ("gt", "gte", "lt", "lte"))


def day(column: str) -> Filter:
    """A day."""
    return Filter(column, date.fromisoformat, DAY, ("gt", "gte", "lt", "lte"))


def reading(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader of values of a parser that refuses with our errors."""

    def read(said: str) -> Any:
        try:
            return parse(said)
        except Invalid as error:
            raise ValueError(error.message.rstrip(".")) from error

    return read


def in_force(valid_from: str = "valid_from", valid_to: str = "valid_to") -> Filter:
    """What holds at an instant, by the columns of its beginning and its end, where none is open."""

    def where(_: str, at: datetime) -> Q:
        return lookups.in_force(at, valid_from=valid_from, valid_to=valid_to)

    return Filter(valid_from, read_instant, INSTANT, where=where, description="Only what is in force at this instant.")


def public_id(column: str) -> Filter:
    """The id of an object."""
    return Filter(column, uuid.UUID, {"type": "string", "format": "uuid"})


def read_number(said: str) -> int:
    """A whole number. Raises ValueError."""
    if not said.isascii() or not said.lstrip("-").isdigit() or len(said) > 18:
        raise ValueError("a whole number")
    return int(said)


def number(column: str) -> Filter:
    """A whole number."""
    return Filter(column, read_number, {"type": "integer"}, ("gt", "gte", "lt", "lte"))


def _text(said: str) -> str:
    if len(said) > TEXT_MAX or "\x00" in said:
        raise ValueError(f"at most {TEXT_MAX} characters")
    return said


_LOOKUPS: Final = {"gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte", "like": "startswith"}


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: which fields it can be narrowed and sorted by, and what a row looks like.

    `sorts` map the words of `sort` to columns without nulls; where none is asked for, the order is `default`, or the first. `row` makes the
    answer's object of a model's row; `page` those of a whole page, given the options, where further reads are needed for them.
    """

    schema: type[Schema]
    row: Callable[[Any], Schema] | None = None
    filters: Mapping[str, Filter] = field(default_factory=dict)
    sorts: Mapping[str, str] = field(default_factory=lambda: {"id": "id"})
    id_column: str = "id"
    default: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    page: Callable[[Sequence[Any], Mapping[str, Any]], Iterable[Schema]] | None = None

    def answer(self, request: HttpRequest, rows: QuerySet[Any]) -> JsonResponse:
        """A page of the rows, as the request asks for it. Raises `InvalidFields`."""
        asked = _Asked.read(self, request)
        found = list(asked.apply(rows)[: asked.limit + 1])
        has_more, found = len(found) > asked.limit, found[: asked.limit]
        next_cursor = asked.cursor_after(found[-1]) if has_more else None
        return page(request, self._made(found, asked.options), fields=asked.fields, next_cursor=next_cursor)

    def _made(self, rows: Sequence[Any], options: Mapping[str, Any]) -> Iterable[Schema]:
        if self.page is not None:
            return self.page(rows, options)
        return map(self.row, rows) if self.row is not None else ()

    @property
    def order(self) -> str:
        """The order where none is asked for."""
        return self.default or next(iter(self.sorts))

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """What the list takes in its address, for the OpenAPI document."""
        sorts = [sign + name for name in self.sorts for sign in ("", "-")]
        given = [
            ("limit", {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT}, "Rows of a page."),
            ("cursor", {"type": "string"}, "`next_cursor` of the page before."),
            (
                "sort",
                {"type": "string", "enum": sorts, "default": self.order},
                "Order; with a minus the other way round.",
            ),
            ("fields", {"type": "string"}, "Only these fields, with commas."),
        ]
        for name, each in self.filters.items():
            said = each.description or f"Only where {name} is this, or one of these with commas."
            given.append((name, dict(each.schema), said))
            given += [(f"{name}[{word}]", dict(each.schema), _SAYS[word].format(name)) for word in each.operators]
        given += [(name, dict(each.schema), each.description) for name, each in self.options.items()]
        return [
            {"name": name, "in": "query", "required": False, "schema": schema, "description": said}
            for name, schema, said in given
        ]


def page(
    request: HttpRequest, made: Iterable[Schema], *, fields: frozenset[str] | None, next_cursor: str | None
) -> JsonResponse:
    """A part of a list as all lists answer it: these objects, of them these fields or all, and what asks for the rows that follow."""
    data = [_shown(each, fields) for each in made]
    response = JsonResponse({"data": data, "has_more": next_cursor is not None, "next_cursor": next_cursor})
    if next_cursor is not None:
        query = request.GET.copy()
        query["cursor"] = next_cursor
        response["Link"] = f'<{request.path}?{urlencode(list(query.items()))}>; rel="next"'
    return response


def read_fields(said: str | None, schema: type[Schema]) -> frozenset[str] | None:
    """The fields that are asked for; None for all. Raises `InvalidFields`."""
    errors: list[FieldError] = []
    found = _fields(said, schema, errors)
    if errors:
        raise InvalidFields(errors)
    return found


def _fields(said: str | None, schema: type[Schema], errors: list[FieldError]) -> frozenset[str] | None:
    found = None if said is None else frozenset(said.split(","))
    unknown = sorted((found or frozenset()) - set(schema.model_fields))
    if unknown:
        errors.append(FieldError("?fields", "unknown_field", f"There is no field {unknown[0][:60]!r}."))
    return found


def _shown(made: Schema, fields: frozenset[str] | None) -> dict[str, Any]:
    shown = made.model_dump(mode="json")
    return shown if fields is None else {name: value for name, value in shown.items() if name in fields}


_SAYS: Final = {
    "gt": "Only where {} is after this.",
    "gte": "Only where {} is this or after it.",
    "lt": "Only where {} is before this.",
    "lte": "Only where {} is this or before it.",
    "ne": "Only where {} is not this.",
    "like": "Only where {} begins with this.",
}


def refuse_unknown(request: HttpRequest, known: Iterable[str]) -> None:
    """Refuse what an address carries besides these names: a misspelt one is no silent nothing. Raises `InvalidFields`."""
    names = set(known)
    errors = [
        FieldError(f"?{name}", "unknown_field", "The operation takes no such parameter.")
        for name in request.GET
        if name not in names
    ]
    if errors:
        raise InvalidFields(errors)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks of a list."""

    listing: Listing
    limit: int
    sort: str
    is_descending: bool
    fields: frozenset[str] | None
    where: Q
    binding: str
    after: list[Any] | None
    options: Mapping[str, Any]

    @classmethod
    def read(cls, listing: Listing, request: HttpRequest) -> _Asked:
        errors: list[FieldError] = []
        given = {name: request.GET[name] for name in request.GET}
        where, options = Q(), {}
        for name, said in given.items():
            if name in _PLAIN:
                continue
            try:
                if name in listing.options:
                    options[name] = listing.options[name].read(said)
                else:
                    where &= _condition(listing, name, said)
            except KeyError:
                errors.append(FieldError(f"?{name}", "unknown_field", "This list is not narrowed by that."))
            except ValueError as error:
                errors.append(FieldError(f"?{name}", "bad_value", f"What is given is not what it must be: {error}."))
        sort = given.get("sort", listing.order)
        if sort.removeprefix("-") not in listing.sorts:
            errors.append(FieldError("?sort", "unknown_field", f"One of {', '.join(listing.sorts)}."))
        fields = _fields(given.get("fields"), listing.schema, errors)
        limit = _limit(given.get("limit", str(LIMIT)), errors)
        bound = binding(request.path, sort, given)
        after = _place(given.get("cursor"), bound, errors)
        if errors:
            raise InvalidFields(errors)
        is_descending = sort.startswith("-")
        return cls(listing, limit, sort.removeprefix("-"), is_descending, fields, where, bound, after, options)

    def apply(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        column, key = self.listing.sorts[self.sort], self.listing.id_column
        sign, beyond = ("-", "lt") if self.is_descending else ("", "gt")
        found = rows.filter(self.where)
        if self.after is not None:
            value, row_id = self.after
            further = Q(**{f"{key}__{beyond}": row_id})
            if column != key:
                # The bound stands by itself, so that an index of the order is entered there and not at its beginning.
                further = Q(**{f"{column}__{beyond}e": value}) & (Q(**{f"{column}__{beyond}": value}) | further)
            found = found.filter(further)
        return found.order_by(f"{sign}{column}", *([f"{sign}{key}"] if column != key else []))

    def cursor_after(self, row: Any) -> str:
        """What asks for the rows after this one."""
        place = [_plain(_value(row, self.listing.sorts[self.sort])), _value(row, self.listing.id_column)]
        return make_cursor(self.binding, place)


def _condition(listing: Listing, name: str, said: str) -> Q:
    """Raises KeyError for a field or operator that the list does not have, ValueError for a value that cannot be read."""
    field_name, _, rest = name.partition("[")
    wanted = listing.filters[field_name]
    if not rest and wanted.single:
        return Q(**{wanted.column: wanted.read(said)})
    if not rest:
        words = said.split(",")
        if len(words) > VALUES_MAX:
            raise ValueError(f"at most {VALUES_MAX} values")
        values = [wanted.read(word) for word in words]
        if wanted.where is not None:
            return reduce(or_, (wanted.where("", value) for value in values))
        return Q(**{f"{wanted.column}__in": values})
    operator = rest.removesuffix("]")
    if operator not in wanted.operators or not rest.endswith("]"):
        raise KeyError(name)
    value = wanted.read(said)
    if wanted.where is not None:
        return wanted.where(operator, value)
    return ~Q(**{wanted.column: value}) if operator == "ne" else Q(**{f"{wanted.column}__{_LOOKUPS[operator]}": value})


def _limit(said: str, errors: list[FieldError]) -> int:
    if said.isascii() and said.isdigit() and len(said) < 4 and 1 <= int(said) <= LIMIT_MAX:
        return int(said)
    errors.append(FieldError("?limit", "bad_value", f"A number from 1 to {LIMIT_MAX}."))
    return LIMIT


def make_cursor(bound: str, place: Sequence[Any]) -> str:
    """What asks for the rows after a place, signed, for the list that it is bound to."""
    return signing.dumps([bound, *place], salt=_SALT, compress=True)


def read_cursor(cursor: str | None, bound: str) -> list[Any] | None:
    """The place of a cursor; None for none. Raises `InvalidFields`."""
    errors: list[FieldError] = []
    place = _place(cursor, bound, errors)
    if errors:
        raise InvalidFields(errors)
    return place


def binding(path: str, sort: str, given: Mapping[str, str]) -> str:
    """What a cursor holds for: the list, its order and its filters."""
    narrowed = sorted((name, value) for name, value in given.items() if name not in _PLAIN)
    return hashlib.sha256(json.dumps([path, sort, narrowed]).encode()).hexdigest()[:16]


def _place(cursor: str | None, binding: str, errors: list[FieldError]) -> list[Any] | None:
    if cursor is None:
        return None
    try:
        bound, *place = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError):
        errors.append(FieldError("?cursor", "bad_cursor", "It is none that this list has given."))
        return None
    if bound != binding:
        errors.append(FieldError("?cursor", "bad_cursor", "It was given for other filters or another order."))
    return place


def _value(row: Any, column: str) -> Any:
    for name in column.split("__"):
        row = getattr(row, name)
    return row


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value if isinstance(value, int) else str(value)
