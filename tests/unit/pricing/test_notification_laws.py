"""Two laws of notifications: who reads them has our prices, and what our reader makes of a file is what was told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pricing.test_rate_changes_page import rate, there
from trunkline.core.money import PRICE_DECIMALS, Price, scaled_text
from trunkline.engine.units import Unit
from trunkline.pricing.notifications.columns import TITLES, CodeForm, Column, DateForm, FileForm, FileKind, Mode
from trunkline.pricing.notifications.news import find_news
from trunkline.pricing.notifications.said import say_steps
from trunkline.pricing.notifications.writing import About, write_file
from trunkline.pricing.sheets.reading import read_sheet
from trunkline.pricing.sheets.recognise import Context

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = st.integers(-20, 40).map(lambda days: DAY + timedelta(days=days))
PRICES = st.integers(1, 10**9).map(lambda units: scaled_text(units, PRICE_DECIMALS))
NAMES = st.sampled_from(
    ["Kenya", "Kenya Mobile", "Côte d'Ivoire", "=SUM(A1)", "-Other", "@home", "+Plus", "Zürich, Stadt", 'The "Big" one']
)
FEES = st.sampled_from(["0", "0.01", "0.5"])


@st.composite
def steps(draw: st.DrawFn) -> str:
    price, minimum, interval = draw(PRICES), draw(st.sampled_from([1, 6, 30, 60])), draw(st.sampled_from([1, 6, 60]))
    first = f"0:{price}/60/{minimum}"
    return first if minimum == interval else f"{first};{minimum}:{price}/60/{interval}"


@st.composite
def timelines(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Dated rates of a few codes; those of one code never hold at the same time."""
    made = []
    for code in draw(st.lists(st.sampled_from(["254", "2547", "255", "44", "447911"]), unique=True, max_size=4)):
        bounds = sorted(draw(st.lists(DAYS, unique=True, min_size=1, max_size=4)))
        ends: list[datetime | None] = [*bounds[1:], draw(st.sampled_from([None, bounds[-1] + timedelta(days=9)]))]
        for begin, end in zip(bounds, ends, strict=True):
            if draw(st.booleans()):
                said = draw(st.one_of(steps(), st.sampled_from(["0:0.02/60/1", "0:0.03/60/1", "blocked"])))
                fee, name = draw(FEES), draw(NAMES)
                made.append(rate(code, said, valid_from=begin, valid_to=end, setup_fee=fee, destination=name))
    return made


def holds(rates: list[dict[str, Any]], code: str, at: datetime) -> tuple[Any, ...] | None:
    """What of a code holds at an instant, as a customer is told it."""
    for each in rates:
        if each["code"] == code and each["valid_from"] <= at and (each["valid_to"] is None or at < each["valid_to"]):
            return (each["steps"], each["setup_fee"], each["destination"], each["blocked"])
    return None


def read_by_a_customer(known: list[dict[str, Any]], news: pa.Table) -> list[dict[str, Any]]:
    """What somebody knows who strikes out what was known of a code from a line's date on and puts the line there; ends are not looked at."""
    rates = [dict(each) for each in known]
    for line in news.to_pylist():
        begin = line["valid_from"]
        rates = [each for each in rates if each["code"] != line["code"] or each["valid_from"] < begin]
        for each in rates:
            if each["code"] == line["code"] and (each["valid_to"] is None or each["valid_to"] > begin):
                each["valid_to"] = begin
        if not line["is_closed"]:
            rates.append(line | {"valid_to": None})
    return rates


@given(known=timelines(), now=timelines(), mode=st.sampled_from(Mode))
def test_who_reads_every_notification_has_our_prices(
    known: list[dict[str, Any]], now: list[dict[str, Any]], mode: Mode
) -> None:
    news = find_news(there(*known), there(*now), unit=Unit.SECOND, at=NOW, day_begins=DAY, mode=mode)
    learned = read_by_a_customer(known, news)
    instants = [NOW, *(DAY + timedelta(days=days) for days in range(1, 60))]
    for code in ("254", "2547", "255", "44", "447911"):
        for at in instants:
            assert holds(learned, code, at) == holds(now, code, at), (code, at)


@given(now=timelines(), mode=st.sampled_from(Mode))
def test_who_knows_all_is_told_nothing(now: list[dict[str, Any]], mode: Mode) -> None:
    news = find_news(there(*now), there(*now), unit=Unit.SECOND, at=NOW, day_begins=DAY, mode=mode)
    statuses = {line["kind"] for line in news.to_pylist() if not line["is_closed"]}
    assert statuses <= {0}
    assert mode is Mode.ALL or not len(news)


FORMS = st.builds(
    FileForm,
    columns=st.sets(st.sampled_from([Column.GRACE, Column.END, Column.PREVIOUS, Column.DIFFERENCE, Column.STATUS, Column.CURRENCY]))
    .flatmap(lambda more: st.permutations([Column.CODE, Column.DESTINATION, Column.EFFECTIVE, Column.RATE, Column.SETUP, *more]))
    .flatmap(
        lambda columns: st.sampled_from(
            [[*columns, Column.MINIMUM, Column.INTERVAL], [*columns, Column.INCREMENTS]]
        )
    )
    .map(lambda columns: tuple((each, TITLES[each]) for each in columns)),
    kind=st.sampled_from(FileKind),
    date_form=st.sampled_from(DateForm),
    decimal_mark=st.sampled_from([".", ","]),
    code_form=st.sampled_from(CodeForm),
    title_rows=st.sampled_from([(), ("Prices of {operator} for {account}", "{tariff}")]),
    has_currency_row=st.booleans(),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@given(now=timelines().filter(bool), form=FORMS)
def test_our_reader_reads_what_was_told(folder: Path, now: list[dict[str, Any]], form: FileForm) -> None:
    news = find_news(there(), there(*now), unit=Unit.SECOND, at=NOW, day_begins=DAY)
    about = About("Operator", "Acme", "Gold", "USD", Unit.SECOND, UTC, date(2026, 3, 2))
    path = folder / f"gold.{form.kind}"
    assert write_file(path, news, form, about, at=NOW) == len(news)
    if not len(news):
        return
    read = read_sheet(path.read_bytes(), path.name, Context(path.name, date(2026, 3, 2)))
    if not read.layout.is_sure:
        assert {each.doubt for each in read.layout.doubts} <= {"date_order", "dates_mixed", "decimal_mark"}
        return
    assert read.errors == ()
    assert [said_by(line) for line in read.lines.to_pylist()] == [told(line) for line in news.to_pylist()]


def told(line: dict[str, Any]) -> tuple[Any, ...]:
    begins = line["valid_from"].replace(tzinfo=None)
    if line["is_closed"] or line["blocked"]:
        return line["code"], line["destination"], begins, "closed" if line["is_closed"] else "blocked"
    said = say_steps(line["steps"], Unit.SECOND)
    fee = Price.from_text(line["setup_fee"]).units
    return line["code"], line["destination"], begins, "rate", said.rate.units, said.minimum, said.interval, fee


def said_by(line: dict[str, Any]) -> tuple[Any, ...]:
    begins, kind = line["valid_from"], line["kind"]
    if kind != "rate":
        return line["code"], line["destination"], begins, kind
    first, interval = line["first"] or line["interval"], line["interval"] or line["first"]
    return line["code"], line["destination"], begins, kind, line["price"], first, interval, line["setup"]
