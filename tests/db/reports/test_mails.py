"""Reports by mail: one for each planned time, whatever is tried twice; what failed is known."""

from __future__ import annotations

import csv
import io
import json
import smtplib
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from tests.db.reports.records import make_account, make_segment, record
from trunkline.cli.report import app
from trunkline.core.errors import TrunklineError
from trunkline.kit import clock
from trunkline.reports import mails
from trunkline.reports.actions import plan_deliveries, remove_report, save_report, schedule_report, send_report
from trunkline.reports.mails import send_delivery
from trunkline.reports.models import Delivery, Schedule
from trunkline.reports.queries import wrong_deliveries
from trunkline.reports.tasks import plan
from trunkline.tenancy.scope import scope

SCHEDULED = datetime(2026, 3, 1, 12, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 6, tzinfo=UTC)  # planned
LATER = MONDAY + timedelta(minutes=3)


@pytest.fixture
def carrier(tenant: Any) -> Any:
    """A tenant with one call on 1 March, and a report of yesterday that goes out every day at six."""
    with scope(tenant, "test"):
        make_segment([record(sell=(make_account("acme", "=ACME()").pk, "1"))])
        save_report(name="Yesterday", asked={"by": "account", "figures": "calls,revenue", "period": "yesterday"})
        schedule()
    return tenant


def schedule(**given: Any) -> Schedule:
    recipients = ["ada@example.com", "bo@example.com"]
    said = {"name": "Yesterday", "every": "day", "on_day": None, "at_time": time(6), "kind": "csv", "at": SCHEDULED}
    return schedule_report(**({"recipients": recipients} | said | given))


def planned(tenant: Any, at: datetime = LATER) -> list[Delivery]:
    with scope(tenant, "test"):
        return plan_deliveries(at=at)


def send(tenant: Any, delivery: Delivery) -> Delivery:
    send_delivery(tenant_id=tenant.pk, delivery_id=delivery.pk, now=lambda: LATER)
    with scope(tenant, "test"):
        return Delivery.objects.get(pk=delivery.pk)


def test_a_mail_has_the_report_of_the_planned_day_as_a_file(carrier: Any) -> None:
    (delivery,) = planned(carrier)
    sent = send(carrier, delivery)
    assert (sent.state, sent.rows, sent.sent_at, sent.due_at) == ("sent", 1, LATER, MONDAY)
    (message,) = mail.outbox
    assert (message.subject, message.to) == ("Yesterday: 2026-03-01", ["ada@example.com", "bo@example.com"])
    assert message.body.splitlines()[:3] == [
        "Yesterday, for Alpha Carrier.",
        "Period: 2026-03-01 (UTC)",
        "Rows: 1; amounts in USD.",
    ]
    ((name, content, media),) = message.attachments
    assert (name, media) == ("yesterday-2026-03-02.csv", "text/csv")
    assert list(csv.reader(io.StringIO(content))) == [
        ["account", "calls", "revenue", "currency"],
        ["'=ACME()", "1", "1", "USD"],
        ["Total", "1", "1", "USD"],
    ]


def test_a_workbook_holds_no_formula(carrier: Any) -> None:
    with scope(carrier, "test"):
        schedule(kind="xlsx")
    send(carrier, planned(carrier)[0])
    ((name, content, _media),) = mail.outbox[0].attachments
    assert name == "yesterday-2026-03-02.xlsx"
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("Report").to_python()
    assert rows == [["Account", "Calls", "Revenue USD"], ["=ACME()", 1.0, 1.0], ["Total", 1.0, 1.0]]


def test_one_mail_goes_out_however_often_it_is_planned_and_sent(carrier: Any) -> None:
    (delivery,) = planned(carrier)
    assert planned(carrier) == planned(carrier, LATER + timedelta(hours=20)) == []
    for _time in range(3):
        send(carrier, delivery)
    assert len(mail.outbox) == 1
    assert [each.due_at for each in planned(carrier, MONDAY + timedelta(days=1))] == [MONDAY + timedelta(days=1)]


def test_two_workers_at_the_same_mail_send_one(carrier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (delivery,) = planned(carrier)
    claim = mails._claim

    def overtaken(*args: Any) -> bool:
        monkeypatch.setattr(mails, "_claim", claim)
        send(carrier, delivery)
        return claim(*args)

    monkeypatch.setattr(mails, "_claim", overtaken)
    assert send(carrier, delivery).state == "sent"
    assert len(mail.outbox) == 1


def test_who_was_away_sends_the_latest_only_and_nothing_from_before_the_schedule(carrier: Any) -> None:
    assert planned(carrier, SCHEDULED + timedelta(hours=1)) == []
    assert [each.due_at for each in planned(carrier, MONDAY + timedelta(days=9))] == [MONDAY + timedelta(days=9)]


def test_a_mail_cut_off_while_it_was_handed_over_is_not_sent_again(carrier: Any) -> None:
    (delivery,) = planned(carrier)
    with scope(carrier, "test"):
        Delivery.objects.update(state="sending")
    found = send(carrier, delivery)
    assert (found.state, found.failure, mail.outbox) == ("uncertain", "mail_cut_off", [])


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, *, at: str = "send_messages") -> None:
    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(EmailBackend, at, fail)


@pytest.mark.parametrize(
    ("error", "at", "said"),
    [
        (smtplib.SMTPDataError(550, b"no such mailbox"), "send_messages", "550 no such mailbox"),
        (smtplib.SMTPRecipientsRefused({"ada@example.com": (550, b"no")}), "send_messages", "No recipient was taken: ada@example.com"),
        (ConnectionRefusedError("refused"), "open", "refused"),
    ],
)  # fmt: skip
def test_a_mail_that_was_refused_is_tried_again_and_fails_in_the_end(
    carrier: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, at: str, said: str
) -> None:
    (delivery,) = planned(carrier)
    failing(monkeypatch, error, at=at)
    states = [send(carrier, delivery).state for _time in range(len(mails.PAUSES_S) + 1)]
    assert states == [*["waiting"] * len(mails.PAUSES_S), "failed"]
    with scope(carrier, "test"):
        (wrong,) = wrong_deliveries()
    assert (wrong.failure, wrong.failure_detail) == ("mail_refused", said)


def test_nobody_knows_of_a_mail_whose_server_fell_silent(carrier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (delivery,) = planned(carrier)
    failing(monkeypatch, TimeoutError("timed out"))
    found = send(carrier, delivery)
    assert (found.state, found.failure_detail) == ("uncertain", "timed out")


def test_a_report_that_cannot_be_made_says_why(carrier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (delivery,) = planned(carrier)
    with monkeypatch.context() as patched:
        patched.setattr(mails, "OCTETS_MAX", 5)
        found = send(carrier, delivery)
    assert (found.state, found.failure, mail.outbox) == ("failed", "file_too_large", [])
    with scope(carrier, "test"):
        again = send_report(name="Yesterday", at=LATER)
    assert send(carrier, again).state == "sent"
    with scope(carrier, "test"):
        assert wrong_deliveries() == []


def test_the_words_of_a_mail_are_in_its_language(carrier: Any) -> None:
    with scope(carrier, "test"):
        schedule(language="fr")
    send(carrier, planned(carrier)[0])
    assert "Période : 2026-03-01 (UTC)" in str(mail.outbox[0].body)


def test_a_removed_report_goes_out_no_more_and_what_went_out_stays_known(carrier: Any) -> None:
    (delivery,) = planned(carrier)
    with scope(carrier, "test"):
        remove_report(name="Yesterday")
    found = send(carrier, delivery)
    assert (found.report, found.name, found.state, found.failure) == (None, "Yesterday", "failed", "report_removed")
    assert mail.outbox == []


def test_a_report_that_goes_out_cannot_be_given_fixed_days(carrier: Any) -> None:
    with scope(carrier, "test"), pytest.raises(TrunklineError) as caught:
        save_report(name="Yesterday", asked={"by": "day", "to": "2026-04-01"})
    assert caught.value.code == "fixed_period"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"recipients": []}, "bad_recipients"),
        ({"recipients": ["ada"]}, "bad_recipients"),
        ({"recipients": ["ada@example.com\nBcc: x@example.com"]}, "bad_recipients"),
        ({"recipients": [f"{n}@example.com" for n in range(21)]}, "bad_recipients"),
        ({"every": "year"}, "bad_schedule"),
        ({"on_day": 3}, "bad_schedule"),
        ({"kind": "pdf"}, "bad_schedule"),
        ({"language": "tlh"}, "unknown_language"),
        ({"name": "Nothing"}, "report_not_found"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(carrier: Any, given: dict[str, Any], code: str) -> None:
    with scope(carrier, "test"), pytest.raises(TrunklineError) as caught:
        schedule(**given)
    assert caught.value.code == code


def test_the_job_looks_at_every_operator(carrier: Any, other_tenant: Any) -> None:
    with clock.at(LATER):
        plan(timestamp=0)
    with scope(carrier, "test"):
        assert Delivery.objects.get().due_at == MONDAY
    with scope(other_tenant, "test"):
        assert not Delivery.objects.exists()


def run(*arguments: str) -> Any:
    with clock.at(LATER):
        return CliRunner().invoke(app, [*arguments, "--tenant", "alpha-carrier"], catch_exceptions=False)


def test_mails_are_planned_sent_and_ended_at_the_command_line(carrier: Any) -> None:
    told = run(
        "schedule", "Yesterday", "--every", "week", "--on", "mon", "--at", "07:00", "--recipient", "ada@example.com"
    )
    assert "first on 2026-03-02 07:00 (UTC)" in told.stderr
    assert "on its way" in run("send", "Yesterday").stderr
    (shown,) = json.loads(run("deliveries", "--json").stdout)
    assert (shown["report"], shown["state"], shown["is_planned"], shown["recipients"]) == (
        "Yesterday",
        "waiting",
        False,
        ["ada@example.com"],
    )
    assert "ada@example.com" in run("deliveries", "--name", "Yesterday").stdout
    run("unschedule", "Yesterday")
    for command in ("unschedule", "send"):
        with pytest.raises(TrunklineError) as caught:
            run(command, "Yesterday")
        assert caught.value.code == "not_scheduled"
    run("save-usual")
    assert "all are there" in run("save-usual").stderr


def test_a_moving_period_is_asked_for_at_the_command_line(carrier: Any) -> None:
    shown = json.loads(run("summary", "--by", "", "--period", "yesterday", "--format", "json").stdout)
    assert (shown["from"], shown["totals"]["calls"]) == ("2026-03-01T00:00:00+00:00", 1)
    again = json.loads(run("run", "Yesterday", "--from", "2026-03-02", "--format", "json").stdout)
    assert (again["from"], again["to"], again["totals"]["calls"]) == ("2026-03-02T00:00:00+00:00", None, 0)
    with pytest.raises(TrunklineError) as caught:
        run("summary", "--period", "today", "--from", "2026-03-01")
    assert caught.value.code == "period_twice"
