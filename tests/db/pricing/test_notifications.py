"""Customers are told of changes of their prices: once, in time, and what they were told is known."""

from __future__ import annotations

import hashlib
import os
import smtplib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from tests.db.tariffs.test_commands import Shell
from trunkline.cli import notification
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.ids import uuid7
from trunkline.kit import clock
from trunkline.parties.actions import add_contact, create_account
from trunkline.parties.models import Contact
from trunkline.pricing.actions import (
    change_plan,
    create_agreement,
    notification_making,
    plan_notifications,
    save_notification_template,
)
from trunkline.pricing.actions import notifications as telling
from trunkline.pricing.actions.notification_dates import put_off
from trunkline.pricing.models import Agreement, Notification, NotificationMail
from trunkline.pricing.notifications import mailing, places, queries
from trunkline.pricing.notifications.choices import WRONG
from trunkline.pricing.sheets.reading import read_sheet
from trunkline.pricing.tasks import plan_notifications as look_at_plans
from trunkline.pricing.tasks import prepare_notification, run_notification_plan, sweep_notifications
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.actions.rates import ENDS
from trunkline.tariffs.models import Tariff
from trunkline.tariffs.rate_file import LOAD_SCHEMA
from trunkline.tenancy.scope import scope

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
HEAD = "code,destination,price,increments,valid_from\n"
FIRST = (
    HEAD + "254,Kenya,0.05,60/1,2026-01-01\n2547,Kenya Mobile,0.10,60/60,2026-01-01\n255,Tanzania,0.07,1/1,2026-01-01\n"
)


class Sales:
    """Somebody who tells the customer Acme of the prices of Gold."""

    def __init__(self, tenant: Any) -> None:
        self.tenant, self.at = tenant, AT
        with scope(tenant, "test"):
            self.account = create_account(code="acme", name="Acme Ltd", currency="USD", timezone="UTC", at=AT)
            add_contact(account=self.account, name="Ada", role="rates", email="ada@acme.example", at=AT)
            self.tariff: Tariff = tariffs.create_tariff(name="Gold", currency="USD", timezone="UTC", at=AT)
            tariffs.assign_tariff(account=self.account, tariff=self.tariff, side="sell", at=AT)
            template, _ = save_notification_template(name="Usual", kind="csv")
            agreement = create_agreement(name="A week", days_increase=7, days_closed=7)
            self.plan, _ = plan_notifications(
                account=self.account, tariff=self.tariff, template=template, agreement=agreement, at=AT
            )
        self.load(FIRST)

    def load(self, text: str) -> None:
        with scope(self.tenant, "test"):
            tariffs.load_rates(tariff_id=self.tariff.pk, data=text.encode(), supersede_earlier=True, at=self.at)

    def prepare(self, **given: Any) -> Notification:
        return telling.prepare(self.tenant.pk, self.plan.pk, actor="test", now=lambda: self.at, **given)

    def send(self, notification: Notification, **given: Any) -> Notification:
        with scope(self.tenant, "test"):
            telling.send(notification_id=notification.pk, at=self.at, **given)
        return self.mail(notification)

    def mail(self, notification: Notification) -> Notification:
        for each in self.mails(notification):
            mailing.send_mail(tenant_id=self.tenant.pk, mail_id=each.pk, now=lambda: self.at)
        return self.again(notification)

    def again(self, notification: Notification) -> Notification:
        with scope(self.tenant, "test"):
            return queries.notifications().get(pk=notification.pk)

    def mails(self, notification: Notification) -> list[NotificationMail]:
        with scope(self.tenant, "test"):
            return list(queries.mails(notification))

    def change(self, **given: Any) -> None:
        with scope(self.tenant, "test"):
            change_plan(plan_id=self.plan.pk, **given)

    def file(self, notification: Notification) -> str:
        with scope(self.tenant, "test"):
            return queries.file_of(notification).read_bytes().decode("utf-8-sig")

    def rates(self) -> list[tuple[str, str, str, str]]:
        with scope(self.tenant, "test"):
            rows = tariffs.standing_rates(self.tariff).sort_by([("code", "ascending"), ("valid_from", "ascending")])
        return [
            (row["code"], row["steps"].split("/")[0], f"{row['valid_from']:%m-%d}", f"{row['valid_to']:%m-%d}" if row["valid_to"] else "")
            for row in rows.to_pylist()
        ]  # fmt: skip


@pytest.fixture
def sales(tenant: Any) -> Sales:
    return Sales(tenant)


@pytest.fixture
def told(sales: Sales) -> Sales:
    """The customer knows the first price list."""
    sales.send(sales.prepare())
    mail.outbox.clear()
    return sales


def test_the_first_notification_is_the_whole_price_list(sales: Sales) -> None:
    made = sales.prepare()
    assert (made.state, made.counts, made.breaches, made.before) == ("prepared", {"new": 3}, 0, None)
    sent = sales.send(made)
    assert (sent.state, sent.sent_at, sent.notified_at) == ("sent", AT, AT)
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["ada@acme.example"], "Prices of Gold, 2026-03-02")
    assert "This price list takes the place of the one before." in message.body
    ((name, content, _media),) = message.attachments
    assert name == "gold-2026-03-02.csv"
    assert content.splitlines()[1:3] == [
        "Code,Destination,Effective Date,Rate,Minimum,Interval,Previous Rate,Difference,Status",
        "254,Kenya,2026-01-01,0.0500,60,1,,,new",
    ]
    with scope(sales.tenant, "test"):
        assert hashlib.sha256(queries.file_of(sent).read_bytes()).hexdigest() == sent.sha256


def test_what_changed_is_told_and_nothing_else(told: Sales) -> None:
    told.load(HEAD + "254,Kenya,0.06,60/1,2026-03-20\n256,Uganda,0.08,1/1,2026-03-05\n")
    made = told.prepare()
    assert [line.split(",")[0:4] + line.split(",")[6:] for line in told.file(made).splitlines()[2:]] == [
        ["254", "Kenya", "2026-03-20", "0.0600", "0.0500", "0.0100", "increase"],
        ["256", "Uganda", "2026-03-05", "0.0800", "", "", "new"],
    ]
    told.send(made)
    with pytest.raises(Conflict) as caught:
        told.prepare()
    assert caught.value.code == "nothing_new"
    assert told.prepare(mode="all").counts == {"unchanged": 5}


def test_what_was_only_prepared_is_told_again(told: Sales) -> None:
    told.load(HEAD + "254,Kenya,0.04,60/1,2026-03-20\n")
    first = told.prepare()
    told.load(HEAD + "255,Tanzania,0.06,1/1,2026-03-20\n")
    with pytest.raises(Conflict) as caught:
        told.send(first)
    assert caught.value.code == "tariff_changed"
    second = told.prepare()
    assert second.counts == {"decrease": 2}
    first = told.again(first)
    assert (first.state, first.reason) == ("discarded", "prepared anew")


def test_too_little_notice_is_a_breach(told: Sales) -> None:
    told.load(HEAD + "254,Kenya,0.06,60/1,2026-03-05\n255,Tanzania,0.06,1/1,2026-03-03\n")
    made = told.prepare()
    assert made.breaches == 1  # prices that go down need no notice
    with scope(told.tenant, "test"):
        (line,) = queries.shown_lines(made, limit=9, only_breaches=True)
    assert (line["code"], line["allowed"]) == ("254", int(datetime(2026, 3, 9, tzinfo=UTC).timestamp()))
    with pytest.raises(Conflict) as caught:
        told.send(made)
    assert (caught.value.code, mail.outbox) == ("notice_too_short", [])
    sent = told.send(made, flag=True, reason="agreed by telephone")
    assert (sent.state, sent.is_flagged, sent.reason, len(mail.outbox)) == ("sent", True, "agreed by telephone", 1)


def test_notice_counts_from_the_day_on_which_it_is_sent(told: Sales) -> None:
    told.load(HEAD + "254,Kenya,0.06,60/1,2026-03-09\n")
    made = told.prepare()
    assert made.breaches == 0
    told.at += timedelta(days=1)
    with pytest.raises(Conflict) as caught:
        told.send(made)
    assert caught.value.code == "notice_too_short"


def test_changes_are_put_off_in_the_tariff(told: Sales) -> None:
    told.load(HEAD + "254,Kenya,0.06,60/1,2026-03-05\n")
    told.load(HEAD + "254,Kenya,0.07,60/1,2026-03-30\n")
    made = told.prepare()
    anew = put_off(told.tenant.pk, made.pk, reason="a week of notice", actor="test", now=lambda: AT)
    assert (anew.breaches, anew.counts) == (0, {"increase": 2})
    assert told.rates()[:4] == [
        ("254", "0:0.05", "01-01", "03-05"),
        ("254", "0:0.05", "03-05", "03-09"),
        ("254", "0:0.06", "03-09", "03-30"),
        ("254", "0:0.07", "03-30", ""),
    ]
    assert [line.split(",")[2] for line in told.file(anew).splitlines()[2:]] == ["2026-03-09", "2026-03-30"]
    with pytest.raises(Conflict) as caught:
        put_off(told.tenant.pk, anew.pk, reason="again", actor="test", now=lambda: AT)
    assert caught.value.code == "nothing_to_put_off"


def test_what_of_a_parent_begins_too_soon_is_said_and_left(told: Sales) -> None:
    with scope(told.tenant, "test"):
        parent = tariffs.create_tariff(name="World", currency="USD", timezone="UTC", at=AT)
        tariffs.load_rates(tariff_id=parent.pk, data=(HEAD + "81,Japan,0.03,1/1,2026-01-01\n").encode(), at=AT)
        tariffs.change_tariff(tariff_id=told.tariff.pk, parent=parent, at=AT)
    told.send(told.prepare(), flag=True, reason="the parent is new")
    with scope(told.tenant, "test"):
        rise = (HEAD + "81,Japan,0.04,1/1,2026-03-05\n").encode()
        tariffs.load_rates(tariff_id=parent.pk, data=rise, supersede_earlier=True, at=AT)
    only = told.prepare()
    with pytest.raises(Conflict) as caught:
        put_off(told.tenant.pk, only.pk, reason="a week of notice", actor="test", now=lambda: AT)
    assert caught.value.code == "nothing_to_put_off"
    told.load(HEAD + "254,Kenya,0.06,60/1,2026-03-05\n")
    made = told.prepare()
    assert made.breaches == 2
    assert [(each["check"], each["level"], each["lines"]) for each in made.findings] == [("not_put_off", "warn", 1)]
    anew = put_off(told.tenant.pk, made.pk, reason="a week of notice", actor="test", now=lambda: AT)
    assert (anew.breaches, [each["check"] for each in anew.findings]) == (1, ["not_put_off"])


def test_a_code_that_closes_too_soon_is_put_off(told: Sales) -> None:
    with scope(told.tenant, "test"):
        there = tariffs.standing_rates(told.tariff).to_pylist()
        (rate,) = [each["id"] for each in there if each["code"] == "255"]
        tariffs.change_rates(
            tariff_id=told.tariff.pk,
            rates=LOAD_SCHEMA.empty_table(),
            ends=pa.Table.from_pylist([{"id": rate, "at": datetime(2026, 3, 4, tzinfo=UTC)}], ENDS),
            revision=Tariff.objects.get(pk=told.tariff.pk).revision,
            at=AT,
        )
    made = told.prepare()
    assert (made.counts, made.breaches) == ({"closed": 1}, 1)
    assert "255,Tanzania,2026-03-04,Closed,,,0.0700,,closed" in told.file(made)
    anew = put_off(told.tenant.pk, made.pk, reason="a week of notice", actor="test", now=lambda: AT)
    assert (anew.counts, anew.breaches) == ({"closed": 1}, 0)
    assert told.rates()[-2:] == [("255", "0:0.07", "01-01", "03-04"), ("255", "0:0.07", "03-04", "03-09")]


def test_each_recipient_gets_one_mail_however_often_it_is_tried(sales: Sales) -> None:
    sales.change(recipients=["ada@acme.example", "bo@acme.example", "ada@acme.example"])
    sent = sales.send(sales.prepare())
    sales.mail(sent)
    sales.mail(sent)
    assert [message.to for message in mail.outbox] == [["ada@acme.example"], ["bo@acme.example"]]


def test_what_did_not_go_out_was_not_told(sales: Sales, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, messages: Any) -> None:
        raise smtplib.SMTPDataError(550, b"no such mailbox")

    with monkeypatch.context() as patched:
        patched.setattr(EmailBackend, "send_messages", refuse)
        made = sales.send(sales.prepare())
        assert made.state == "sending"
        with pytest.raises(Conflict) as caught:
            sales.prepare()
        assert caught.value.code == "being_sent"
        for _ in range(4):
            made = sales.mail(made)
    (row,) = sales.mails(made)
    assert (made.state, row.state, row.attempts, row.failure_detail) == ("failed", "failed", 5, "550 no such mailbox")
    with scope(sales.tenant, "test"):
        lost = NotificationMail.objects.filter(state__in=WRONG).count()
        assert (queries.last_sent(sales.plan), lost) == (None, 1)
        assert [(each.address, each.notification) for each in queries.wrong_mails()] == [("ada@acme.example", made)]
        telling.send_again(notification_id=made.pk, at=AT)
    assert sales.mail(made).state == "sent"
    assert len(mail.outbox) == 1
    with scope(sales.tenant, "test"):
        assert queries.wrong_mails() == []


def test_a_mail_cut_off_while_it_was_handed_over_is_left_to_a_person(sales: Sales) -> None:
    made = sales.prepare()
    with scope(sales.tenant, "test"):
        telling.send(notification_id=made.pk, at=AT)
        NotificationMail.objects.update(state="sending")
    made = sales.mail(made)
    (row,) = sales.mails(made)
    assert (made.state, row.state, row.failure, mail.outbox) == ("failed", "uncertain", "mail_cut_off", [])


def test_an_earlier_one_is_not_sent_after_a_later_one(sales: Sales, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sales.prepare()
    with scope(sales.tenant, "test"):
        telling.send(notification_id=made.pk, at=AT)
        NotificationMail.objects.update(state="sending")
    sales.mail(made)
    sales.send(sales.prepare())
    with scope(sales.tenant, "test"), pytest.raises(Conflict) as caught:
        telling.send_again(notification_id=made.pk, at=AT)
    assert caught.value.code == "superseded"


def test_a_file_that_is_not_the_one_that_was_looked_at_is_not_sent(sales: Sales) -> None:
    made = sales.prepare()
    with scope(sales.tenant, "test"):
        queries.file_of(made).write_text("254,0.01\n")
    made = sales.send(made)
    assert (made.state, sales.mails(made)[0].failure, mail.outbox) == ("failed", "file_damaged", [])


def test_nobody_to_tell_is_said(sales: Sales) -> None:
    with scope(sales.tenant, "test"):
        Contact.objects.update(email="")
    with pytest.raises(Conflict) as caught:
        sales.send(sales.prepare())
    assert caught.value.code == "no_recipients"


def test_what_columns_cannot_say_is_not_sent(sales: Sales) -> None:
    sales.load("code,destination,price,increments,valid_from\n257,Burundi,,0:0.05/60/60;60:0.02/60/60,2026-01-01\n")
    made = sales.prepare()
    assert [(each["check"], each["level"], each["lines"]) for each in made.findings] == [("cannot_be_told", "stop", 1)]
    with pytest.raises(Conflict) as caught:
        sales.send(made)
    assert caught.value.code == "stopped_by_checks"


def test_what_the_file_does_not_say_is_shown(sales: Sales) -> None:
    sales.load("code,destination,price,setup_fee,grace,valid_from\n257,Burundi,0.05,0.01,3,2026-01-01\n")
    with scope(sales.tenant, "test"):
        save_notification_template(name="Usual", columns=["code", "effective", "rate"])
    checks = {each["check"]: each["lines"] for each in sales.prepare().findings}
    assert checks == {"no_setup": 1, "no_grace": 1, "no_increments": 2}


def test_destinations_whose_codes_differ_need_the_codes(sales: Sales) -> None:
    sales.load(HEAD + "2541,Kenya,0.09,60/1,2026-01-01\n")
    with scope(sales.tenant, "test"):
        save_notification_template(name="Usual", columns=["destination", "effective", "rate", "increments"])
    assert sales.prepare().findings[0]["check"] == "names_disagree"


def test_codes_of_one_price_are_one_row_of_a_list_by_name(sales: Sales) -> None:
    sales.load(HEAD + "2541,Kenya,0.05,60/1,2026-01-01\n")
    with scope(sales.tenant, "test"):
        save_notification_template(name="Usual", columns=["destination", "effective", "rate", "increments"])
    made = sales.prepare()
    assert (made.rows, made.counts, made.findings) == (3, {"new": 4}, [])


def test_an_automatic_plan_has_its_turn_once_a_day(told: Sales) -> None:
    told.change(is_automatic=True, at_hour=6)
    told.load(HEAD + "254,Kenya,0.04,60/1,2026-03-20\n")
    for _ in range(2):
        with clock.at(AT):
            look_at_plans(timestamp=0)
    with scope(told.tenant, "test"):
        assert telling.plan_runs(at=AT) == []
        assert [each.pk for each in telling.plan_runs(at=AT + timedelta(days=1))] == [told.plan.pk]
        assert telling.plan_runs(at=AT.replace(hour=5) + timedelta(days=2)) == []
    with clock.at(AT):
        run_notification_plan(tenant_id=told.tenant.pk, plan_id=told.plan.pk)
    with scope(told.tenant, "test"):
        last = queries.notifications(told.plan).first()
    assert last is not None
    assert last.state == "sending"
    told.mail(last)
    with clock.at(AT):
        run_notification_plan(tenant_id=told.tenant.pk, plan_id=told.plan.pk)
    with scope(told.tenant, "test"):
        assert queries.notifications(told.plan).count() == 2  # nothing is new, so nothing is sent


def test_what_breaks_the_agreement_waits_for_a_person(told: Sales) -> None:
    told.load(HEAD + "254,Kenya,0.06,60/1,2026-03-05\n")
    made = telling.run_plan(told.tenant.pk, told.plan.pk, now=lambda: AT)
    assert made is not None
    assert told.again(made).state == "prepared"
    with scope(told.tenant, "test"):
        Agreement.objects.update(on_breach="flag")
    made = telling.run_plan(told.tenant.pk, told.plan.pk, now=lambda: AT)
    assert made is not None
    assert (told.again(made).state, told.again(made).is_flagged) == ("sending", True)


def test_a_customer_who_does_not_buy_by_a_tariff_is_not_told_of_it(sales: Sales, tenant: Any) -> None:
    with scope(tenant, "test"):
        other = tariffs.create_tariff(name="Silver", currency="USD", timezone="UTC", at=AT)
        with pytest.raises(Conflict) as caught:
            plan_notifications(account=sales.account, tariff=other, template=sales.plan.template, at=AT)
    assert caught.value.code == "not_assigned"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"columns": ["rate"]}, "bad_columns"),
        ({"columns": ["code", "rate", "effective", "rate"]}, "bad_columns"),
        ({"columns": ["code", "price", "effective"]}, "bad_columns"),
        ({"columns": ["code=A", "rate=a", "effective"]}, "bad_title"),
        ({"decimal_mark": ";"}, "bad_decimal_mark"),
        ({"kind": "pdf"}, "unknown_form"),
        ({"title_rows": ["a\nb"]}, "bad_title"),
    ],
)
def test_a_template_that_nobody_could_read_is_refused(tenant: Any, given: dict[str, Any], code: str) -> None:
    with scope(tenant, "test"), pytest.raises(Invalid) as caught:
        save_notification_template(name="Bad", **given)
    assert caught.value.code == code


def test_the_mail_is_in_the_language_of_the_plan(sales: Sales, tmp_path: Path) -> None:
    sales.change(language="fr")
    sales.send(sales.prepare())
    assert mail.outbox[0].subject == "Tarifs de Gold, 2026-03-02"


def asked(sales: Sales, **given: Any) -> Notification:
    """What somebody has asked a worker for, after the worker."""
    with scope(sales.tenant, "test"):
        made = telling.begin_preparing(plan_id=sales.plan.pk, at=AT)
    assert made.state == "preparing"
    return worked(sales, made)


def worked(sales: Sales, made: Notification, **given: Any) -> Notification:
    with clock.at(AT):
        for _ in range(2):  # the queue promises at least once
            prepare_notification(
                tenant_id=sales.tenant.pk, notification_id=made.pk, **({"put_off": None, "reason": ""} | given)
            )
    return sales.again(made)


def test_a_worker_makes_what_is_asked_for(sales: Sales) -> None:
    made = asked(sales)
    assert (made.state, made.counts, made.rows) == ("prepared", {"new": 3}, 3)
    assert sales.send(made).state == "sent"
    nothing = asked(sales)
    assert (nothing.state, nothing.failure, nothing.file_name) == ("discarded", "nothing_new", "")


def test_a_worker_puts_off_what_begins_too_soon(told: Sales) -> None:
    told.load(HEAD + "254,Kenya,0.06,60/1,2026-03-05\n")
    early = told.prepare()
    with scope(told.tenant, "test"):
        anew = telling.begin_putting_off(notification_id=early.pk, reason="a week of notice", at=AT)
    anew = worked(told, anew, put_off=early.pk, reason="a week of notice")
    assert (anew.state, anew.breaches, anew.counts) == ("prepared", 0, {"increase": 1})
    assert told.again(early).state == "discarded"


def test_what_a_crash_left_is_removed(sales: Sales) -> None:
    made = sales.prepare()
    left = places.make_folder(sales.tenant.pk, uuid7())
    old = (AT - timedelta(days=3)).timestamp()
    for each in places.folders(sales.tenant.pk):
        os.utime(each, (old, old))
    assert sweep_notifications(sales.tenant.pk, at=AT) == 1
    assert not left.exists()
    assert places.find_folder(sales.tenant.pk, made.public_id).exists()


def test_a_large_file_is_zipped_and_one_beyond_mail_is_stopped(sales: Sales, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notification_making, "ZIP_OCTETS", 10)
    made = sales.prepare()
    assert made.file_name == "gold-2026-03-02.csv.zip"
    with scope(sales.tenant, "test"):
        path = queries.file_of(made)
    read = read_sheet(path.read_bytes(), path.name)
    assert read.lines["code"].to_pylist() == ["254", "2547", "255"]
    monkeypatch.setattr(notification_making, "OCTETS_MAX", 10)
    assert sales.prepare().findings[0]["check"] == "file_too_large"


def test_commands_from_the_template_to_the_mail(sales: Sales, tmp_path: Path) -> None:
    run = Shell(sales.tenant.slug)
    (known,) = run.json(notification.app, "templates")["templates"]
    assert (known["name"], known["kind"]) == ("Usual", "csv")
    (plan,) = run.json(notification.app, "plans")["plans"]
    assert (plan["account"], plan["recipients"], plan["told_last"]) == ("acme", ["ada@acme.example"], None)
    file = tmp_path / "gold.csv"
    made = run.json(notification.app, "prepare", "acme", "Gold", "--file", str(file))
    assert [(line["code"], line["rate"], line["status"]) for line in made["lines"]] == [
        ("254", "0.05", "new"),
        ("2547", "0.1", "new"),
        ("255", "0.07", "new"),
    ]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == made["sha256"]
    assert "Kenya Mobile" in run(notification.app, "show", made["id"])
    sent = run.json(notification.app, "send", made["id"])
    assert (sent["state"], [each["state"] for each in sent["mails"]]) == ("sent", ["sent"])
    assert run.refused(notification.app, "send-again", made["id"]) == "nothing_failed"
    assert run.refused(notification.app, "prepare", "acme", "Gold") == "nothing_new"
    whole = run.json(notification.app, "prepare", "acme", "Gold", "--mode", "all")
    assert run.json(notification.app, "discard", whole["id"], "--reason", "not now")["state"] == "discarded"
    assert [each["state"] for each in run.json(notification.app, "list", "--account", "acme")["notifications"]] == [
        "discarded",
        "sent",
    ]
    assert "not now" not in run(notification.app, "list")
    run(notification.app, "plan", "acme", "Gold", "--template", "Usual", "--ended")
    assert run.refused(notification.app, "prepare", "acme", "Gold") == "plan_ended"


def test_prices_of_a_parent_are_told_too(sales: Sales) -> None:
    with scope(sales.tenant, "test"):
        parent = tariffs.create_tariff(name="World", currency="USD", timezone="UTC", at=AT)
        given = HEAD + "254,Kenya,0.01,60/1,2026-01-01\n81,Japan,0.03,1/1,2026-01-01\n"
        tariffs.load_rates(tariff_id=parent.pk, data=given.encode(), at=AT)
        tariffs.change_tariff(tariff_id=sales.tariff.pk, parent=parent, at=AT)
    made = sales.prepare()
    assert made.counts == {"new": 4}
    assert "81,Japan,2026-01-01,0.0300,1,1,,,new" in sales.file(made)
    assert "0.0100" not in sales.file(made)
    with scope(sales.tenant, "test"):
        rise = (HEAD + "81,Japan,0.04,1/1,2026-04-01\n").encode()
        tariffs.load_rates(tariff_id=parent.pk, data=rise, supersede_earlier=True, at=AT)
    with pytest.raises(Conflict) as caught:
        sales.send(made)
    assert caught.value.code == "tariff_changed"
    sales.send(sales.prepare())
    with scope(sales.tenant, "test"):
        tariffs.change_tariff(tariff_id=sales.tariff.pk, parent=None, at=AT)
    assert sales.prepare().counts == {"closed": 1}
