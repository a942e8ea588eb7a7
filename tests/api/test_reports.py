"""Reports through the API."""

from __future__ import annotations

import csv
import io

import pytest
from python_calamine import CalamineWorkbook

from tests.api.answers import ok, pages, refused
from tests.api.conftest import Asking
from tests.databases import AT
from tests.db.reports.records import make_account, make_segment, record
from trunkline.api import reports
from trunkline.kit import clock
from trunkline.kit.home import home
from trunkline.reports import files
from trunkline.tenancy.models import Tenant
from trunkline.tenancy.scope import scope

MARCH = {"from": "2026-03-01", "to": "2026-04-01"}


@pytest.fixture(autouse=True)
def carrier(tenant: Tenant) -> Tenant:
    """A customer with a name like a formula and a vendor, with one call of 1.00 sold and 0.75 bought."""
    with scope(tenant, "test"):
        sell, buy = make_account("acme", "=ACME()").pk, make_account("beta", "Beta Net").pk
        make_segment([record(sell=(sell, "1"), buy=(buy, "0.75"))])
    return tenant


def test_the_margin_is_told_by_customer_and_vendor(ask: Asking) -> None:
    shown = ok(ask.get("/reports/margin", **MARCH))
    figures = {
        "calls": 1,
        "connected": 1,
        "minutes": "1.0000",
        "billed_minutes": "1.0000",
        "revenue": "1",
        "cost": "0.75",
        "margin": "0.25",
        "margin_percent": "25.00",
    }
    assert shown == {
        "report": "margin",
        "by": ["account", "vendor"],
        "currency": "USD",
        "zone": "UTC",
        "from": "2026-03-01T00:00:00+00:00",
        "to": "2026-04-01T00:00:00+00:00",
        "as_of": None,
        "filters": {},
        "rows": [{"account": "=ACME()", "vendor": "Beta Net"} | figures],
        "totals": figures,
    }


@pytest.mark.parametrize(
    ("query", "revenue"),
    [
        ({}, "1"),
        ({"account": "acme", "vendor": "beta"}, "1"),
        ({"account": "beta"}, "0"),
        ({"to": "2026-03-01"}, "0"),
        ({"from": "2026-03-01T00:00", "to": "2026-03-02T00:00+03:00", "zone": "Africa/Nairobi"}, "1"),
        ({"country": "KE"}, "0"),
        ({"tag": "gold"}, "0"),
        ({"as_of": "2020-01-01"}, "0"),
    ],
)
def test_a_summary_is_narrowed(ask: Asking, query: dict[str, str], revenue: str) -> None:
    shown = ok(ask.get("/reports/summary", by="", figures="revenue", **query))
    assert (shown["rows"], shown["totals"]) == ([], {"revenue": revenue})


def test_a_summary_is_grouped_sorted_and_compared(ask: Asking) -> None:
    asked = {"by": "day,code:3", "figures": "revenue,minutes", "sort": "revenue", "compare": "previous"} | MARCH
    shown = ok(ask.get("/reports/summary", **asked))
    assert shown["compared"] == {"from": "2026-02-01T00:00:00+00:00", "to": "2026-03-01T00:00:00+00:00"}
    (row,) = shown["rows"]
    assert (row["day"], row["revenue"], row["before"]["revenue"], row["change"]["revenue"]) == (
        "2026-03-01",
        "1",
        "0",
        "1",
    )
    assert row["change_percent"]["revenue"] is None
    percentiles = ok(ask.get("/reports/summary", percentiles="true", by="", figures="calls"))
    assert list(percentiles["totals"]) == ["calls", "pdd_p50", "pdd_p95", "duration_p50", "duration_p95"]


def test_a_report_is_given_as_a_file_that_no_spreadsheet_runs(ask: Asking) -> None:
    asked = {"by": "account", "figures": "revenue"}
    answer = ask.get("/reports/summary", format="csv", **asked)
    assert answer["Content-Type"] == "text/csv"
    assert answer["Content-Disposition"] == 'attachment; filename="summary.csv"'
    assert list(csv.reader(io.StringIO(b"".join(answer).decode()))) == [
        ["account", "revenue", "currency"],
        ["'=ACME()", "1", "USD"],
        ["Total", "1", "USD"],
    ]
    sheet = ask(
        "GET",
        "/reports/summary",
        query=asked,
        Accept="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(sheet)))
    assert workbook.get_sheet_by_name("Report").to_python() == [
        ["Account", "Revenue USD"],
        ["=ACME()", 1.0],
        ["Total", 1.0],
    ]
    plain = ask("GET", "/reports/summary", query=asked, Accept="text/csv;q=0.5, application/json")
    assert plain["Content-Type"] == "application/json"
    assert list((home() / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"by": "colour"}, 422, "unknown_key"),
        ({"by": "day,day"}, 422, "key_twice"),
        ({"figures": "profit"}, 422, "unknown_column"),
        ({"sort": "profit"}, 422, "unknown_column"),
        ({"from": "soon"}, 422, "bad_time"),
        ({"as_of": "9999-12-31"}, 422, "bad_time"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, 422, "period_order"),
        ({"compare": "previous"}, 422, "compare_period"),
        ({"compare": "previous", "from": "1900-01-01", "to": "9000-01-01"}, 422, "compare_period"),
        ({"zone": "Mars/Base"}, 422, "unknown_timezone"),
        ({"jurisdiction": "lunar"}, 422, "unknown_jurisdiction"),
        ({"account": "nobody"}, 404, "account_not_found"),
        ({"destination": "Nowhere"}, 404, "destination_not_found"),
        ({"group": "Nothing"}, 404, "group_not_found"),
        ({"format": "pdf"}, 422, "validation_failed"),
        ({"colour": "red"}, 422, "validation_failed"),
        ({"tag": "a\x00b"}, 422, "validation_failed"),
    ],
)
def test_what_cannot_be_reported_is_refused(ask: Asking, query: dict[str, str], status: int, code: str) -> None:
    refused(ask.get("/reports/summary", **query), status, code)


def test_a_report_is_no_larger_than_the_web_bears(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "JSON_ROWS_MAX", 0)
    monkeypatch.setattr(files, "XLSX_ROWS_MAX", 0)
    refused(ask.get("/reports/summary"), 422, "too_many_rows")
    refused(ask.get("/reports/summary", format="xlsx"), 422, "too_many_rows")
    assert b"".join(ask.get("/reports/summary", format="csv")).count(b"\n") == 3
    assert ok(ask.get("/reports/summary", by=""))["rows"] == []


def test_a_report_is_saved_run_replaced_and_removed(ask: Asking) -> None:
    asked = {"name": "By day", "report": "margin", "by": "day", "figures": "revenue", "percentiles": True}
    saved = ok(ask.post("/reports/saved", asked | {"account": "acme"}), 201)
    assert saved == {
        "id": saved["id"],
        "name": "By day",
        "report": "margin",
        "asked": {"by": "day", "figures": "revenue", "percentiles": "yes", "account": "acme"},
    }
    address = f"/reports/saved/{saved['id']}"
    assert ok(ask.get(address)) == saved == pages(ask, "/reports/saved")[0]
    assert [row["day"] for row in ok(ask.get(f"{address}/result"))["rows"]] == ["2026-03-01"]
    assert ok(ask.get(f"{address}/result", **{"from": "2026-03-02"}))["rows"] == []
    refused(ask.get(f"{address}/result", by="vendor"), 422, "validation_failed")
    replaced = ok(ask.post("/reports/saved", {"name": "By day"}))
    assert replaced == {"id": saved["id"], "name": "By day", "report": "summary", "asked": {"by": "day"}}
    refused(ask.post("/reports/saved", {"name": "Other", "by": "colour"}), 422, "unknown_key")
    refused(ask.post("/reports/saved", {"name": ""}), 422, "validation_failed")
    gone = ask("DELETE", address)
    assert (gone.status_code, gone.content) == (204, b"")
    refused(ask.get(f"{address}/result"), 404, "report_not_found")
    refused(ask("DELETE", address), 404, "report_not_found")


def test_a_moving_period_takes_the_place_of_days(ask: Asking) -> None:
    with clock.at(AT):
        shown = ok(ask.get("/reports/summary", by="", figures="calls", period="yesterday"))
        assert (shown["from"], shown["totals"]) == ("2026-03-01T00:00:00+00:00", {"calls": 1})
        saved = ok(ask.post("/reports/saved", {"name": "Yesterday", "by": "", "period": "yesterday"}), 201)
        again = ok(ask.get(f"/reports/saved/{saved['id']}/result", **{"from": "2026-02-01", "to": "2026-03-01"}))
    assert (again["from"], again["totals"]["calls"]) == ("2026-02-01T00:00:00+00:00", 0)
    refused(ask.get("/reports/summary", period="yesterday", **MARCH), 422, "period_twice")
    refused(ask.get("/reports/summary", period="soon"), 422, "unknown_period")


def test_a_saved_report_goes_out_by_mail(ask: Asking) -> None:
    saved = ok(ask.post("/reports/saved", {"name": "Weekly", "by": "day", "period": "last_week"}), 201)
    address = f"/reports/saved/{saved['id']}/schedule"
    refused(ask.get(address), 404, "not_scheduled")
    told = {
        "every": "week",
        "on_day": 1,
        "at_time": "06:30:00",
        "format": "csv",
        "recipients": ["ada@example.com"],
        "language": "fr",
    }
    with clock.at(AT):
        made = ok(ask("PUT", address, told))
    assert made == told | {"next_at": "2026-03-09T06:30:00Z"}
    with clock.at(AT):
        assert ok(ask.get(address)) == made
        sent = ok(ask.post(f"/reports/saved/{saved['id']}/deliveries", {}), 202)
    assert (sent["report"], sent["state"], sent["is_planned"]) == ("Weekly", "waiting", False)
    assert pages(ask, f"/reports/saved/{saved['id']}/deliveries") == [sent]
    gone = ask("DELETE", address)
    assert (gone.status_code, gone.content) == (204, b"")
    refused(ask("DELETE", address), 404, "not_scheduled")
    refused(ask.post(f"/reports/saved/{saved['id']}/deliveries", {}), 404, "not_scheduled")


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        ({"every": "week"}, 422, "bad_schedule"),
        ({"every": "year"}, 422, "validation_failed"),
        ({"every": "day", "recipients": []}, 422, "validation_failed"),
        ({"every": "day", "recipients": ["ada"]}, 422, "bad_recipients"),
        ({"every": "day", "language": "tlh"}, 422, "unknown_language"),
        ({"every": "day", "colour": "red"}, 422, "validation_failed"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(ask: Asking, told: dict[str, object], status: int, code: str) -> None:
    saved = ok(ask.post("/reports/saved", {"name": "Weekly", "by": "day", "period": "last_week"}), 201)
    refused(
        ask("PUT", f"/reports/saved/{saved['id']}/schedule", {"recipients": ["ada@example.com"]} | told), status, code
    )


def test_a_report_of_fixed_days_does_not_go_out(ask: Asking) -> None:
    saved = ok(ask.post("/reports/saved", {"name": "March", "by": "day"} | MARCH), 201)
    told = {"every": "day", "recipients": ["ada@example.com"]}
    refused(ask("PUT", f"/reports/saved/{saved['id']}/schedule", told), 409, "fixed_period")
