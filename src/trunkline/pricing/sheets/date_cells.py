"""Dates as vendors write them. The order of day and month is decided for a whole column, never for one cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.pricing.sheets.words import AT_ONCE, plain


class DateOrder(StrEnum):
    """What the first two numbers of `03/04/2027` are."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(frozen=True, slots=True)
class DateCell:
    """A moment as it stands in the sheet, without a zone unless the sheet gives one; or at once."""

    moment: datetime | None
    is_at_once: bool = False


_MONTH_NAMES: Final = (
    "jan january januar janvier janv enero ene gennaio gen janeiro januari janvr stycznia styczen ocak января январь янв",
    "feb february februar fevrier fev fevr febrero febbraio fevereiro februari lutego luty subat февраля февраль фев",
    "mar march marz maerz mars marzo marco maart marca marzec mart марта март мар mrz mrt",
    "apr april avril avr abril abr aprile kwietnia kwiecien nisan апреля апрель апр",
    "may mai mayo maggio mag maio mei maja maj mayis мая май",
    "jun june juni juin junio giugno giu junho czerwca czerwiec haziran июня июнь июн",
    "jul july juli juillet juil julio luglio lug julho lipca lipiec temmuz июля июль июл",
    "aug august aout agosto ago augustus sierpnia sierpien agustos августа август авг",
    "sep sept september septembre septiembre set settembre setembro wrzesnia wrzesien eylul сентября сентябрь сен сент",
    "oct october oktober okt octobre octubre ottobre ott outubro out pazdziernika pazdziernik ekim октября октябрь окт",
    "nov november novembre noviembre novembro listopada listopad kasim ноября ноябрь ноя нояб",
    "dec december dezember dez decembre diciembre dic dicembre dezembro grudnia grudzien aralik декабря декабрь дек",
)
_MONTHS: Final = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}

_TIME: Final = (
    r"(?:[T\s,]+(?:at\s+|um\s+|à\s+)?([0-9]{1,2})[:h.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,][0-9]+)?)?"
    r"\s*(am|pm|a\.m\.|p\.m\.)?\s*(?:hrs?|uhr)?\s*(z|utc|gmt|[+\-][0-9]{2}:?[0-9]{2}|[A-Z]{3,4})?)?"
)
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[-/.\s年]\s?([0-9]{1,2})[-/.\s月]\s?([0-9]{1,2})日?" + _TIME, re.IGNORECASE)
_YEAR_LAST: Final = re.compile(
    r"([0-9]{1,2})([-/.\s])\s?([0-9]{1,2})\2\s?([0-9]{4}|[0-9]{2})\.?(?:\s*г\.?)?" + _TIME, re.IGNORECASE
)
_COMPACT: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})" + _TIME, re.IGNORECASE)
_YEAR_MONTH: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})")
_NAMED_DAY_FIRST: Final = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th|er|º|°|\.)?[\s\-/.,]*(?:de\s+|of\s+)?([^\W\d_]{3,})\.?[\s\-/.,']*(?:de\s+|of\s+)?([0-9]{4}|[0-9]{2})(?:\s*г\.?)?"
    + _TIME,
    re.IGNORECASE,
)
_NAMED_MONTH_FIRST: Final = re.compile(
    r"([^\W\d_]{3,})\.?[\s\-/.]*([0-9]{1,2})(?:st|nd|rd|th)?[\s\-/.,]+([0-9]{4}|[0-9]{2})" + _TIME, re.IGNORECASE
)
_WEEKDAY: Final = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)[a-z]*[,.]?\s+", re.IGNORECASE)
_SERIAL: Final = re.compile(r"([0-9]{5})(?:[.,]([0-9]+))?", re.ASCII)
SERIAL_MIN: Final = 36_526  # 2000-01-01
SERIAL_MAX: Final = 73_050  # 2099-12-31
_EPOCH: Final = date(1899, 12, 30)  # day 0 of spreadsheets, as 1900 counts as a leap year there
_YEAR_MIN: Final = 1980
_YEAR_MAX: Final = 2199
_LENGTH_MAX: Final = 60


def read_date(text: str, order: DateOrder) -> DateCell:
    """A cell of a date column. Raises Invalid `bad_date`."""
    if len(text) > _LENGTH_MAX:
        raise _bad(text)
    text = text.strip().strip("'\"")
    if plain(text) in AT_ONCE:
        return DateCell(None, True)
    found = _find(_WEEKDAY.sub("", text), order)
    if found is None:
        raise _bad(text)
    return DateCell(found)


def _find(text: str, order: DateOrder) -> datetime | None:
    match = _YEAR_FIRST.fullmatch(text)
    if match:
        return _moment(match[1], match[2], match[3], match.groups()[3:], text)
    match = _YEAR_LAST.fullmatch(text)
    if match:
        first, _, second, year, *rest = match.groups()
        day, month = (first, second) if order is DateOrder.DAY_FIRST else (second, first)
        return _moment(year, month, day, tuple(rest), text)
    match = _NAMED_DAY_FIRST.fullmatch(text)
    if match and plain(match[2]) in _MONTHS:
        return _moment(match[3], str(_MONTHS[plain(match[2])]), match[1], match.groups()[3:], text)
    match = _NAMED_MONTH_FIRST.fullmatch(text)
    if match and plain(match[1]) in _MONTHS:
        return _moment(match[3], str(_MONTHS[plain(match[1])]), match[2], match.groups()[3:], text)
    match = _COMPACT.fullmatch(text)
    if match:
        return _moment(match[1], match[2], match[3], match.groups()[3:], text)
    match = _YEAR_MONTH.fullmatch(text)
    if match:
        return _moment(match[1], match[2], "1", (None,) * 5, text)
    match = _SERIAL.fullmatch(text)
    if match and SERIAL_MIN <= int(match[1]) <= SERIAL_MAX:
        seconds = round(float(f"0.{match[2] or 0}") * 86_400)  # a time of day, no money
        return datetime.combine(_EPOCH + timedelta(int(match[1])), time()) + timedelta(seconds=seconds)
    return None


def _moment(year: str, month: str, day: str, clock: tuple[str | None, ...], text: str) -> datetime:
    hour, minute, second, half, zone = (*clock, None, None, None, None, None)[:5]
    number = int(year) + (2000 if len(year) == 2 else 0)
    try:
        hours = int(hour or 0)
        if half:
            hours = hours % 12 + (12 if half.lower().startswith("p") else 0)
        days = 1 if hours == 24 and int(minute or 0) == int(second or 0) == 0 else 0
        moment = datetime(number, int(month), int(day), 0 if days else hours, int(minute or 0), int(second or 0))  # noqa: DTZ001 - the sheet's own clock
        moment += timedelta(days)
        if zone:
            moment = moment.replace(tzinfo=_offset(zone, text))
    except (ValueError, OverflowError) as error:
        raise _bad(text) from error
    if not _YEAR_MIN <= number <= _YEAR_MAX:
        raise _bad(text)
    return moment


def _offset(zone: str, text: str) -> timezone:
    if zone.lower() in {"z", "utc", "gmt"}:
        return UTC
    if zone[0] in "+-":
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        if hours > 14 or minutes > 59:
            raise _bad(text)
        return timezone((1 if zone[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
    raise _bad(text)


def is_date(text: str) -> bool:
    """Whether a cell can be a date in one order or the other."""
    for order in DateOrder:
        try:
            read_date(text, order)
        except Invalid:
            continue
        return True
    return False


def parts_of(text: str) -> tuple[int, int, str] | None:
    """The first two numbers of a date that ends in a year, and what parts them; None for every other form."""
    match = _YEAR_LAST.fullmatch(_WEEKDAY.sub("", text.strip()))
    return (int(match[1]), int(match[3]), match[2]) if match else None


def find_order(texts: Iterable[str], hints: DateOrder | None, near: date | None) -> tuple[DateOrder, str, str]:
    """The order of a column: (order, "told" | "assumed" | "unclear", why).

    One day above 12 settles it for all; points between the numbers are written by those who put the day first. Else by `hints`,
    what the rest of the sheet tells of its country, or by `near`, the day on which the sheet came: the order in which all dates lie
    around it, where the other puts some far off.
    """
    pairs = [parts for text in texts if (parts := parts_of(text)) is not None]
    odd = [parts for parts in pairs if parts[0] != parts[1]]
    if not odd:
        return DateOrder.DAY_FIRST, "told", "no date depends on it"
    day_first = any(first > 12 for first, _, _ in odd)
    month_first = any(second > 12 for _, second, _ in odd)
    if day_first and month_first:
        return DateOrder.DAY_FIRST, "unclear", "some dates have the day first and others the month"
    if day_first:
        return DateOrder.DAY_FIRST, "told", "a first number is above 12"
    if month_first:
        return DateOrder.MONTH_FIRST, "told", "a second number is above 12"
    if all(mark == "." for _, _, mark in odd):
        return DateOrder.DAY_FIRST, "told", "numbers parted by points have the day first"
    if near is not None:
        settled = _nearest(texts, near)
        if settled is not None:
            return settled, "told", "only so do all dates lie near the day on which the sheet came"
    if hints is not None:
        return hints, "assumed", "as is usual where the rest of the sheet comes from"
    return DateOrder.DAY_FIRST, "unclear", "no day is above 12"


def _nearest(texts: Iterable[str], near: date) -> DateOrder | None:
    fits = []
    for order in DateOrder:
        moments = [read_date(text, order).moment for text in texts if parts_of(text)]
        days = [(moment.date() - near).days for moment in moments if moment is not None]
        if all(-14 <= each <= 75 for each in days):
            fits.append(order)
    return fits[0] if len(fits) == 1 else None


def _bad(text: str) -> Invalid:
    return Invalid("bad_date", f"{text[:40]!r} is no date.")
