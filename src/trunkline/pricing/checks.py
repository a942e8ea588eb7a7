"""What may be wrong with a sheet, said before anything is written: each check can be ignored, warn, or stop the sheet. No database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.pricing.compare import Compared, Differs, Ends, Kind, Scope, unit_prices
from trunkline.tariffs.rate_file import rate_bounds
from trunkline.tariffs.rules import parse_steps

Bools = npt.NDArray[np.bool_]
SHOWN_CODES: Final = 5
FEW_CODES: Final = 100  # below so many codes shares of them say nothing


class Level(StrEnum):
    """What a check does when it finds something."""

    IGNORE = "ignore"
    WARN = "warn"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Check:
    """A check as it is without settings: its level, and the figure that it compares with, if it has one."""

    level: Level
    figure: int | None
    sentence: str


CHECKS: Final[Mapping[str, Check]] = {
    "layout": Check(Level.STOP, None, "It is not sure what the sheet says: look at the layout and correct it."),
    "currency": Check(Level.STOP, None, "The sheet names another currency than the tariff's."),
    "errors": Check(Level.STOP, None, "Rows of the sheet cannot be read, or cannot be rates of this tariff."),
    "repeated": Check(Level.STOP, None, "The same file has been applied to this tariff already."),
    "all_past": Check(Level.STOP, 7, "Every line begins more than so many days before the sheet came."),
    "count_drop": Check(Level.STOP, 30, "The sheet closes more than so many percent of the codes in force."),
    "few_known": Check(Level.STOP, 50, "Fewer than so many percent of the codes in a full sheet are in the tariff: another vendor's?"),
    "unlike": Check(Level.STOP, 400, "Half of the prices are more than so many percent higher, or lower by as much: cents for dollars?"),
    "negative": Check(Level.STOP, None, "Prices are below zero."),
    "closes_nothing": Check(Level.WARN, None, "Codes that the sheet leaves out stay: they may stand in the rows that cannot be read."),
    "jump": Check(Level.WARN, 50, "Prices go up or down by more than so many percent."),
    "zero": Check(Level.WARN, None, "Prices are zero and the codes are not blocked."),
    "increment_worse": Check(Level.WARN, None, "Longer increments: the same price costs more."),
    "moved": Check(Level.WARN, None, "Codes move to another destination."),
    "short_notice": Check(Level.WARN, None, "Lines begin sooner than the agreement allows."),
    "past": Check(Level.WARN, None, "Lines begin before the sheet came."),
    "special": Check(Level.WARN, None, "Special rates hold for these codes: the sheet's prices hold once they have ended."),
    "one_date": Check(Level.IGNORE, None, "All lines begin at one instant."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found: how many lines, the first codes of them."""

    check: str
    level: Level
    lines: int
    codes: tuple[str, ...]
    text: str

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "check": self.check,
            "level": self.level,
            "lines": self.lines,
            "codes": list(self.codes),
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Looked:
    """What the checks look at. `asked_s` is when each line says that it begins, `short` where the agreement allows that only later."""

    there: pa.Table
    lines: pa.Table
    compared: Compared
    ends: Ends
    closes_nothing: bool  # of what it leaves out, because rows cannot be read
    scope: Scope
    asked_s: npt.NDArray[np.int64]
    short: Bools
    notified_s: int
    currencies: frozenset[str]
    currency: str
    errors: int
    doubts: tuple[str, ...]
    is_last: Bools  # whether a line holds at all, beside the others of the sheet
    is_repeated: bool
    special: Sequence[tuple[str, int, int]] = ()  # codes of special rates, from when to when they hold in seconds


@dataclass(frozen=True, slots=True)
class Settings:
    """Levels and figures of the checks, by name; what is not there is as usual."""

    levels: Mapping[str, Level]
    figures: Mapping[str, int]

    @staticmethod
    def of(said: Mapping[str, Any]) -> Settings:
        """From `{"jump": "stop", "zero": {"level": "warn"}, "count_drop": {"level": "stop", "figure": 10}}`.

        Raises Invalid `unknown_check`, `bad_check`.
        """
        levels, figures = {}, {}
        for name, value in said.items():
            if name not in CHECKS:
                raise Invalid("unknown_check", f"There is no check {name!r}.", hint=f"There are {', '.join(CHECKS)}.")
            setting = value if isinstance(value, Mapping) else {"level": value}
            level, figure = setting.get("level", CHECKS[name].level), setting.get("figure", CHECKS[name].figure)
            if not isinstance(level, str) or level not in set(Level) or set(setting) - {"level", "figure"}:
                raise Invalid("bad_check", f"The check {name} is ignore, warn or stop, not {value!r}.")
            if figure is not None and (type(figure) is not int or figure < 0 or CHECKS[name].figure is None):
                raise Invalid("bad_check", f"The check {name} has no figure {figure!r}.")
            levels[name] = Level(level)
            if figure is not None:
                figures[name] = figure
        return Settings(levels, figures)

    def level(self, name: str) -> Level:
        return self.levels.get(name, CHECKS[name].level)

    def figure(self, name: str) -> int:
        found = self.figures.get(name, CHECKS[name].figure)
        return 0 if found is None else found


def findings(looked: Looked, settings: Settings) -> list[Finding]:
    """What the checks that are not ignored have found, in the order of `CHECKS`."""
    found = []
    for name, check in CHECKS.items():
        level = settings.level(name)
        if level is Level.IGNORE:
            continue
        lines, codes = _FINDERS[name](looked, settings.figure(name))
        if lines:
            found.append(Finding(name, level, lines, tuple(codes), check.sentence))
    return found


def stops(found: list[Finding]) -> list[Finding]:
    """Those of the findings that stop a sheet."""
    return [each for each in found if each.level is Level.STOP]


Found = tuple[int, list[str]]
_NOTHING: Final[Found] = (0, [])


def _where(table: pa.Table, marked: Bools) -> Found:
    rows = np.flatnonzero(marked)
    return len(rows), table["code"].take(pa.array(rows[:SHOWN_CODES])).to_pylist()


def _currency(looked: Looked, _: int) -> Found:
    others = sorted(looked.currencies - {looked.currency})
    return (len(looked.lines), others) if others else _NOTHING


def _layout(looked: Looked, _: int) -> Found:
    # Of a layout that gave no line at all every row is in doubt.
    return (len(looked.lines) or looked.errors, []) if looked.doubts else _NOTHING


def _closes_nothing(looked: Looked, _: int) -> Found:
    return (looked.errors, []) if looked.closes_nothing else _NOTHING


def _errors(looked: Looked, _: int) -> Found:
    return looked.errors, []


def _repeated(looked: Looked, _: int) -> Found:
    return (len(looked.lines), []) if looked.is_repeated else _NOTHING


def _all_past(looked: Looked, days: int) -> Found:
    is_past = looked.asked_s < looked.notified_s - days * 86_400
    return _where(looked.lines, is_past) if len(is_past) and is_past.all() else _NOTHING


def _past(looked: Looked, _: int) -> Found:
    return _where(looked.lines, looked.asked_s < looked.notified_s)


def _count_drop(looked: Looked, percent: int) -> Found:
    codes = pc.count_distinct(looked.there["code"]).as_py()
    closed = looked.there.take(pa.array(looked.ends.rows))
    gone = pc.count_distinct(closed["code"]).as_py()
    is_much = codes >= FEW_CODES and gone * 100 > codes * percent
    return _where(closed, np.ones(len(closed), np.bool_)) if is_much else _NOTHING


def _few_known(looked: Looked, percent: int) -> Found:
    if looked.scope is not Scope.FULL or pc.count_distinct(looked.there["code"]).as_py() < FEW_CODES:
        return _NOTHING
    known = pc.is_in(looked.lines["code"], looked.there["code"].combine_chunks()).combine_chunks()
    unknown = ~known.to_numpy(zero_copy_only=False)
    return _where(looked.lines, unknown) if (~unknown).sum() * 100 < len(unknown) * percent else _NOTHING


def changed_prices(
    looked: Looked,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[tuple[Fraction, Fraction]]]:
    """The lines that are compared with a price, for each which pair of prices it has, and the pairs: before, now."""
    rows = np.flatnonzero(
        (looked.compared.before >= 0)
        & (looked.compared.kinds != Kind.REFUSED)
        & ~looked.lines["blocked"].to_numpy()
        & ~looked.lines["is_closed"].to_numpy()
    )
    was_prices, was = unit_prices(looked.there["steps"])
    now_prices, now = unit_prices(looked.lines["steps"])
    both = was[looked.compared.before[rows]] * len(now_prices) + now[rows] if len(rows) else np.empty(0, np.int64)
    distinct, pair = np.unique(both, return_inverse=True)
    prices = [(was_prices[each // len(now_prices)], now_prices[each % len(now_prices)]) for each in distinct.tolist()]
    return rows, pair, prices


def _beyond(prices: list[tuple[Fraction, Fraction]], percent: int) -> tuple[Bools, Bools]:
    """Which pairs went up by more than so many percent, which down by as much: a fifth is five times less."""
    factor = 1 + Fraction(percent, 100)
    up = np.array([now > was * factor for was, now in prices], np.bool_)
    down = np.array([now * factor < was for was, now in prices], np.bool_)
    return up, down


def _unlike(looked: Looked, percent: int) -> Found:
    rows, pair, prices = changed_prices(looked)
    if len(rows) < FEW_CODES:
        return _NOTHING
    for one in _beyond(prices, percent):
        if one[pair].sum() * 2 > len(rows):
            return _where(looked.lines, np.isin(np.arange(len(looked.lines)), rows[one[pair]]))
    return _NOTHING


def _jump(looked: Looked, percent: int) -> Found:
    rows, pair, prices = changed_prices(looked)
    up, down = _beyond(prices, percent)
    return _where(looked.lines, np.isin(np.arange(len(looked.lines)), rows[(up | down)[pair]]))


def _priced(looked: Looked, wanted: Any) -> Bools:
    prices, index = unit_prices(looked.lines["steps"])
    is_wanted = np.array([wanted(price) for price in prices], np.bool_)[index] if len(index) else np.empty(0, np.bool_)
    return is_wanted & ~looked.lines["blocked"].to_numpy() & ~looked.lines["is_closed"].to_numpy()


def _negative(looked: Looked, _: int) -> Found:
    return _where(looked.lines, _priced(looked, lambda price: price < 0))


def _zero(looked: Looked, _: int) -> Found:
    return _where(looked.lines, _priced(looked, lambda price: price == 0))


def _increment_worse(looked: Looked, _: int) -> Found:
    rows = np.flatnonzero((looked.compared.differs & Differs.INCREMENT) != 0)
    was = looked.there["steps"].take(pa.array(looked.compared.before[rows]))
    now = looked.lines["steps"].take(pa.array(rows))
    worse = [
        row
        for row, before, after in zip(rows.tolist(), was.to_pylist(), now.to_pylist(), strict=True)
        if _is_longer(before, after)
    ]
    return _where(looked.lines, np.isin(np.arange(len(looked.lines)), worse))


def _is_longer(before: str, after: str) -> bool:
    was, now = parse_steps(before), parse_steps(after)
    return now[0].increment > was[0].increment or now[-1].increment > was[-1].increment


def _moved(looked: Looked, _: int) -> Found:
    return _where(looked.lines, (looked.compared.differs & Differs.DESTINATION) != 0)


def _short_notice(looked: Looked, _: int) -> Found:
    return _where(looked.lines, looked.short)


def _special(looked: Looked, _: int) -> Found:
    """Lines of codes for which a special rate holds at some time when the line does."""
    if not looked.special:
        return _NOTHING
    begins, ends = rate_bounds(looked.lines)
    held: dict[str, list[tuple[int, int]]] = {}
    for code, begin, end in looked.special:
        held.setdefault(code, []).append((begin, end))
    met = [
        any(start < end and begin < until for begin, end in held.get(code, ()))
        for code, start, until in zip(looked.lines["code"].to_pylist(), begins.tolist(), ends.tolist(), strict=True)
    ]
    return _where(looked.lines, np.array(met, np.bool_))


def _one_date(looked: Looked, _: int) -> Found:
    return (len(looked.lines), []) if len(looked.lines) > 1 and len(np.unique(looked.asked_s)) == 1 else _NOTHING


_FINDERS: Final = {
    "layout": _layout, "currency": _currency, "errors": _errors, "repeated": _repeated, "all_past": _all_past, "count_drop": _count_drop,
    "few_known": _few_known, "closes_nothing": _closes_nothing, "unlike": _unlike, "negative": _negative, "jump": _jump, "zero": _zero,
    "increment_worse": _increment_worse, "moved": _moved, "short_notice": _short_notice, "past": _past, "special": _special, "one_date": _one_date,
}  # fmt: skip


def count_kinds(compared: Compared, closed_codes: int) -> dict[str, int]:
    """The number of lines of each kind, by name, and of codes that the sheet closes by leaving them out."""
    counted = np.bincount(compared.kinds, minlength=len(Kind))
    return {kind.name.lower(): int(counted[kind]) for kind in Kind} | {"closed_codes": closed_codes}
