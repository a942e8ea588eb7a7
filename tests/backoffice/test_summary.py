"""The Summary page and saved reports: asked, answered, compared, given as files that no spreadsheet runs, kept, sent by mail."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from python_calamine import CalamineWorkbook

from tests.backoffice.office import Office
from tests.databases import AT
from tests.db.reports.records import make_account, make_segment, record
from tests.isolation.rows import make_row
from trunkline.backoffice import summary as page_of
from trunkline.kit import clock
from trunkline.kit.db.scope import current_scope
from trunkline.kit.home import home
from trunkline.parties.models import Account
from trunkline.reports import files
from trunkline.reports.actions import save_report, schedule_report
from trunkline.reports.models import Delivery, SavedReport, Schedule
from trunkline.reports.presets import USUAL
from trunkline.tenancy.actions import create_tenant
from trunkline.tenancy.scope import scope
from trunkline.usage.models import HourTotal

FORMULAS = ("=ACME()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=1,"2"')


@pytest.fixture
def client(office: Office) -> Client:
    """The owner of a carrier with one call on 1 March, 1.00 sold and 0.75 bought; the customer has a name like a formula and a tag."""
    with scope(office.ours, "test"):
        sell, buy = make_account("acme", "=<b>ACME</b>()").pk, make_account("beta", "Beta Net").pk
        make_segment([record(sell=(sell, "1"), buy=(buy, "0.75"))])
    return office.client()


MARCH = {"from": "2026-03-01", "to": "2026-04-01"}


def ask(client: Client, **asked: Any) -> Any:
    with clock.at(AT):
        return client.get(reverse("admin:summary"), asked)


def rows(response: Any) -> list[list[str]]:
    assert response.status_code == 200, response.content.decode()
    cells = [[str(cell) for cell in row] for row in response.context_data["panel"].rows]
    cells[-1] = [cell.removeprefix("<strong>").removesuffix("</strong>") for cell in cells[-1]]
    return cells


def test_a_report_is_grouped_in_the_chosen_order_with_totals(client: Client) -> None:
    asked = {"by_1": "vendor", "by_2": "day", "figures": ["attempts", "revenue", "margin_percent"], **MARCH}
    response = ask(client, **asked)
    assert response.context_data["panel"].headers == ["Vendor", "Day", "Attempts", "Revenue USD", "Margin %"]
    assert rows(response) == [["Beta Net", "2026-03-01", "1", "1.00", "25.00"], ["Total", "", "1", "1.00", "25.00"]]
    assert "2026-03-01 until before 2026-04-01, UTC, amounts in USD" in response.content.decode()


@pytest.mark.parametrize(
    ("asked", "attempts"),
    [
        ({"account": "acme", "vendor": "beta"}, "1"),
        ({"account": "beta"}, "0"),
        ({"country": "KE"}, "0"),
        ({"tag": "gold"}, "0"),
        ({"jurisdiction": "international"}, "1"),
        ({"zone": "Africa/Nairobi"}, "1"),
        ({"as_of": "2020-01-01"}, "0"),
        ({"from": "2026-03-01T00:00", "to": "2026-03-02T00:00"}, "1"),
        ({"period": "last_7_days", "from": ""}, "1"),
        ({"period": "today"}, "0"),
    ],
)
def test_a_report_is_narrowed(client: Client, asked: dict[str, str], attempts: str) -> None:
    assert rows(ask(client, **(MARCH | {"figures": "attempts"} | asked)))[-1] == [attempts]


def test_a_report_is_compared_and_shows_the_change(client: Client) -> None:
    asked = {
        "by_1": "account",
        "figures": ["calls"],
        "compare": "days",
        "compare_from": "2026-02-01",
        "compare_to": "2026-02-02",
    }
    response = ask(client, **asked, **MARCH)
    assert rows(response)[-1] == ["Total", '1<br><span class="text-subtle">0</span>']
    assert "compared with 2026-02-01 until before 2026-02-02" in response.content.decode()
    same = ask(client, **(asked | {"compare_from": "2026-03-01", "compare_to": "2026-04-01"}), **MARCH)
    assert rows(same)[-1] == ["Total", '1<br><span class="text-subtle">1 (+0.00 %)</span>']


def test_names_from_outside_are_text_in_the_table_and_in_the_chart(client: Client) -> None:
    text = ask(client, by_1="account", measure="revenue", **MARCH).content.decode()
    assert "=&lt;b&gt;ACME&lt;/b&gt;()</text>" in text
    assert "<b>ACME" not in text
    assert 'role="img"' in text


def test_nothing_is_computed_before_something_is_asked(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of, "build", None)
    response = ask(client)
    assert response.status_code == 200
    assert [link.text for link in response.context_data["templates"]] == list(USUAL)


def test_records_are_read_while_no_transaction_is_open(
    committed_db: Any, data_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = (
        create_tenant(name=name, currency="USD", timezone="UTC", actor="test", at=AT) for name in ("Ours", "Theirs")
    )
    seen, build = [], page_of.build

    def looked(*args: Any) -> Any:
        seen.append((connection.in_atomic_block, current_scope()))
        return build(*args)

    monkeypatch.setattr(page_of, "build", looked)
    response = ask(Office(ours, theirs).client(), by_1="day", **MARCH)
    assert (response.status_code, seen) == (200, [(False, None)])
    assert "max-age=0" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"from": "soon"}, "is no day"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "before its beginning"),
        ({"account": "nobody"}, "no account"),
        ({"by_1": "day", "by_2": "day"}, "named twice"),
        ({"figures": "calls", "sort": "margin"}, "no column"),
        ({"compare": "previous"}, "with both ends"),
        ({"by_1": "colour"}, "not one of the available choices"),
        ({"from": "'; DROP TABLE x; --"}, "is no day"),
    ],
)
def test_what_cannot_be_reported_is_said_on_the_form(client: Client, asked: dict[str, str], words: str) -> None:
    response = ask(client, **asked)
    assert (response.status_code, words in response.content.decode()) == (422, True)


def test_a_period_without_traffic_leads_to_the_last_that_had(office: Office, client: Client) -> None:
    with scope(office.ours, "test"):
        make_row(HourTotal)  # on 2 March
    response = ask(client, by_1="day", **{"from": "2026-01-01", "to": "2026-01-08"})
    link = response.context_data["elsewhere"]
    assert rows(client.get(reverse("admin:summary") + link.url))[0][0] == "2026-03-01"


def test_a_page_shows_the_first_rows_and_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of, "ROWS_MAX", 0)
    response = ask(client, by_1="account", figures="calls", **MARCH)
    assert rows(response) == [["Total", "1"]]
    assert "The first 0 of 1 rows" in response.context_data["panel"].text


def given(client: Client, kind: str, **asked: Any) -> Any:
    with clock.at(AT):
        return client.get(reverse("admin:summary"), {"file": kind, **asked})


@pytest.mark.parametrize("name", FORMULAS)
def test_a_cell_that_begins_like_a_formula_is_text_in_every_file(office: Office, name: str) -> None:
    with scope(office.ours, "test"):
        account = make_account("acme")
        Account.objects.filter(pk=account.pk).update(name=name)  # as a program that strips nothing would write it
        make_segment([record(sell=(account.pk, "1"))])
    client, asked = office.client(), {"by_1": "account", "figures": "revenue"}
    answer = given(client, "csv", **asked)
    assert answer["Content-Disposition"] == 'attachment; filename="summary-2026-03-02.csv"'
    text = b"".join(answer).decode()
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == [f"'{name}", "1", "USD"]
    sheet = given(client, "xlsx", **asked)
    assert sheet["Content-Type"] == files.MEDIA[files.FileFormat.XLSX]
    content = b"".join(sheet)
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert workbook.get_sheet_by_name("Report").to_python()[1][1:] == [1.0]
    assert b"<f>" not in content
    assert list((home() / "tmp").iterdir()) == []


def test_a_file_has_all_rows_and_what_is_wrong_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of, "ROWS_MAX", 0)
    assert b"".join(given(client, "csv", by_1="day", **MARCH)).count(b"\n") == 3
    assert given(client, "pdf", by_1="day").context_data["title"] == "Summary"
    assert given(client, "csv", **{"from": "soon"}).status_code == 422
    assert given(client, "csv", account="nobody").status_code == 404
    monkeypatch.setattr(files, "XLSX_ROWS_MAX", 0)
    assert given(client, "xlsx", by_1="day", **MARCH).status_code == 400


def test_a_report_is_kept_run_changed_and_removed(office: Office, client: Client) -> None:
    asked = {"view": "margin", "by_1": "account", "by_2": "destination", "period": "last_month", "figures": ["revenue", "cost"], "compare": "previous"}  # fmt: skip
    query = {**asked, "sort": "revenue"}
    address = f"{reverse('admin:summary')}?{ask(client, **query).wsgi_request.GET.urlencode()}"
    kept = client.post(address, {"name": "Monthly"})
    with scope(office.ours, "test"):
        report = SavedReport.objects.get()
    assert report.asked == {
        "view": "margin",
        "by": "account,destination",
        "period": "last_month",
        "sort": "revenue",
        "figures": "revenue,cost",
        "compare": "previous",
    }
    assert kept["Location"] == reverse("admin:reports_savedreport_change", args=(report.pk,))
    shown = client.get(kept["Location"])
    run, change = (each["path"] for each in shown.context_data["actions_detail"][-2:])
    assert rows(client.get(run))[-1][0] == "Total"
    assert client.get(change).context_data["keep"].initial == {"name": "Monthly"}
    with scope(office.ours, "test"):
        assert page_of.ReportForm(client.get(run).wsgi_request.GET).is_valid()
    client.post(f"{reverse('admin:summary')}?by_1=day", {"name": "Monthly"})
    with scope(office.ours, "test"):
        assert SavedReport.objects.get().asked == {"view": "summary", "by": "day"}
    assert "Monthly" in client.get(reverse("admin:reports_savedreport_changelist")).content.decode()
    client.post(reverse("admin:reports_savedreport_remove", args=(report.pk,)))
    with scope(office.ours, "test"):
        assert not SavedReport.objects.exists()


def test_who_may_not_write_reports_keeps_and_schedules_none(office: Office, client: Client) -> None:
    reader = office.client("read_only")
    assert reader.post(f"{reverse('admin:summary')}?by_1=day", {"name": "Mine"}).status_code == 403
    assert ask(reader, by_1="day").context_data["keep"] is None


def test_a_name_that_cannot_be_is_said_beside_it(office: Office, client: Client) -> None:
    response = client.post(f"{reverse('admin:summary')}?by_1=day", {"name": "a\r\nBcc: x@example.com"})
    assert response.status_code == 422
    with scope(office.ours, "test"):
        assert not SavedReport.objects.exists()


def test_the_usual_reports_are_added_once_and_all_can_be_run(office: Office, client: Client) -> None:
    address = reverse("admin:reports_savedreport_usual")
    for _time in range(2):
        client.post(address)
    with scope(office.ours, "test"):
        assert set(SavedReport.objects.values_list("name", flat=True)) == set(USUAL)
    links = ask(client).context_data["templates"]
    with clock.at(AT):
        assert [client.get(link.url).status_code for link in links] == [200] * len(USUAL)


def test_a_report_is_sent_by_mail_as_the_form_says(office: Office, client: Client) -> None:
    with scope(office.ours, "test"):
        report, _ = save_report(name="Weekly", asked={"by": "day", "period": "last_week", "zone": "Africa/Nairobi"})
    address = reverse("admin:reports_savedreport_schedule", args=(report.pk,))
    told = {"every": "week", "on_day": "1", "at_time": "06:30", "recipients": "a@example.com, b@example.com", "format": "csv", "language": "fr"}  # fmt: skip
    refused = client.post(address, told | {"recipients": "a@example.com\r\nBcc: x@example.com"})
    assert (refused.status_code, "is no mail address" in refused.content.decode()) == (422, True)
    assert client.post(address, told | {"on_day": "9"}).status_code == 422
    assert client.post(address, told).status_code == 302
    with scope(office.ours, "test"):
        schedule = Schedule.objects.get()
    assert (schedule.recipients, f"{schedule.at_time:%H:%M}") == (["a@example.com", "b@example.com"], "06:30")
    shown = client.get(reverse("admin:reports_savedreport_change", args=(report.pk,))).content.decode()
    assert "every Monday at 06:30 (Africa/Nairobi)" in shown
    client.post(reverse("admin:reports_savedreport_send_now", args=(report.pk,)))
    with scope(office.ours, "test"):
        assert Delivery.objects.get().recipients == ["a@example.com", "b@example.com"]
    assert "waiting" in client.get(reverse("admin:reports_savedreport_changelist")).content.decode()
    client.post(reverse("admin:reports_savedreport_unschedule", args=(report.pk,)))
    with scope(office.ours, "test"):
        assert not Schedule.objects.exists()


def test_a_report_of_fixed_days_does_not_go_out(office: Office, client: Client) -> None:
    with scope(office.ours, "test"):
        report, _ = save_report(name="March", asked={"by": "day", **MARCH})
    told = {"every": "day", "at_time": "06:30", "recipients": "a@example.com", "format": "csv", "language": "en"}
    response = client.post(reverse("admin:reports_savedreport_schedule", args=(report.pk,)), told)
    assert (response.status_code, "each mail would say the same" in response.content.decode()) == (422, True)


def test_a_failed_mail_is_seen_at_the_report_and_on_the_dashboard(office: Office, client: Client) -> None:
    with scope(office.ours, "test"):
        report, _ = save_report(name="Weekly", asked={"by": "day", "period": "last_week"})
        schedule_report(
            name="Weekly", every="day", on_day=None, at_time=AT.time(), kind="csv", recipients=["a@example.com"], at=AT
        )
        Delivery.objects.create(
            report=report, name="Weekly", due_at=AT, format="csv", recipients=["a@example.com"], state="failed", failure_detail="550 no"
        )  # fmt: skip
    assert "550 no" in client.get(reverse("admin:reports_savedreport_change", args=(report.pk,))).content.decode()
    assert "550 no" in client.get(reverse("admin:index")).content.decode()
