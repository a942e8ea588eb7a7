"""Types that many schemas share: money as decimal text, pages, the answers that every operation may give."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Generic, TypeVar

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, ValidationInfo, create_model, model_validator

from trunkline.api.problems import Problem

Money = Annotated[
    str,
    Field(
        description="An exact amount as decimal text.", pattern=r"^-?[0-9]{1,20}(\.[0-9]{1,8})?$", examples=["12.50"]
    ),
]
Percent = Annotated[
    str, Field(description="Percent as decimal text.", pattern=r"^[0-9]{1,4}(\.[0-9]{1,6})?$", examples=["16"])
]
Currency = Annotated[str, Field(description="ISO 4217 code.", pattern=r"^[A-Z]{3}$", examples=["USD"])]
Zone = Annotated[str, Field(description="IANA time zone.", max_length=64, examples=["Africa/Nairobi"])]
ShortName = Annotated[
    str,
    Field(description="Short name, never changed.", pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$", examples=["acme"]),
]
INSTANT_MIN: Final = datetime(1970, 1, 2, tzinfo=UTC)
INSTANT_MAX: Final = datetime(9999, 12, 30, tzinfo=UTC)
# A day short of what conversions between zones can still reckon with.
Day = Annotated[date, Field(description="A day.", ge=date(1970, 1, 2), le=date(9999, 12, 30))]
Instant = Annotated[
    AwareDatetime,
    Field(
        description="An instant with its offset.",
        ge=INSTANT_MIN,
        le=INSTANT_MAX,
        examples=["2026-03-01T00:00:00Z"],
    ),
    AfterValidator(lambda instant: instant.astimezone(UTC)),  # PostgreSQL knows no offset of 16 hours and more
]
RowId = Annotated[int, Field(ge=1, le=2**63 - 1, description="Number of a row.")]
Id = Annotated[str, Field(description="Id of an object.", json_schema_extra={"format": "uuid"}, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=2000)]

T = TypeVar("T")


class Body(Schema):
    """What a request may carry: nothing that it does not name."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="wrap")
    @classmethod
    def _run_root_validator(cls, values: Any, handler: Any, info: ValidationInfo) -> Any:
        """Takes plain values as they are. Ninja's own, which this replaces, makes them look like objects of Django's and checks them twice."""
        if type(values) is dict:
            return handler(values)
        as_ninja: Any = super()._run_root_validator
        return as_ninja(values, handler, info)


class Page(Schema, Generic[T]):
    """A part of a list."""

    data: list[T]
    has_more: bool
    next_cursor: str | None = Field(description="Give it as `cursor` for the rows that follow; null at the end.")


def sparse(shown: type[Schema]) -> type[Schema]:
    """The same object where only some of its fields may be there: `fields` chooses."""
    fields: Any = {name: (each.annotation, None) for name, each in shown.model_fields.items()}
    return create_model(f"{shown.__name__}Row", __base__=Schema, __doc__=shown.__doc__, **fields)


def page_of(shown: type[Schema]) -> Any:
    """A page of a list whose rows have the fields of `shown` that are asked for."""
    return Page[sparse(shown)]  # type: ignore[misc]


_EVERY: Final = (401, 403, 422, 429, 503)


def answers(answer: Any, *further: int, status: int = 200) -> dict[int, Any]:
    """The answer of an operation and the problems that it may give: those that every one may, and `further` statuses."""
    return {status: answer} | dict.fromkeys(sorted({*_EVERY, *further}), Problem)
