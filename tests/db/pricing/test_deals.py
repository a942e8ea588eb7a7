"""Swap deals from the first promise to the settlement: progress from usage, alarms, mails."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail

from tests.db.tariffs.test_commands import Shell
from tests.waiting_jobs import waiting, work_off
from trunkline.cli import account, deal
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.money import Amount, Price
from trunkline.kit import clock, mailing
from trunkline.parties.models import Account
from trunkline.pricing import tasks
from trunkline.pricing.actions import change_deal, change_item, make_item, put_items
from trunkline.pricing.deals import mails
from trunkline.pricing.deals.alarms import review_deals
from trunkline.pricing.deals.progress import Status
from trunkline.pricing.deals.queries import deals, items_of, standings
from trunkline.pricing.models import Deal, DealAlarm
from trunkline.tariffs.models import Destination, ExchangeRate, Rate, Tariff
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Rollup

MARCH = date(2026, 3, 1)
NOW = datetime(2026, 3, 11, 9, tzinfo=UTC)


@pytest.fixture
def run(tenant: Any) -> Iterator[Shell]:
    """A partner in euro on the clock of Nairobi, with rates for Kenya and Tanzania on both sides."""
    shell = Shell(tenant.slug)
    with clock.at(NOW):
        shell(account.app, "add", "peer", "Peer", "--vendor", "--currency", "EUR", "--timezone", "Africa/Nairobi")
        shell(account.app, "add", "else", "Else", "--vendor", "--currency", "EUR")
        with scope(tenant, "test"):
            price_list = Tariff.objects.create(name="list", currency="EUR", created_at=NOW)
            for name, code in (("Kenya", "254"), ("Kenya Mobile", "2547"), ("Tanzania", "255")):
                destination = Destination.objects.create(name=name)
                Rate.objects.create(tariff=price_list, code=code, destination=destination, steps="0:0.03/60/1")
            ExchangeRate.objects.create(base="EUR", quote="USD", on=MARCH, rate=Decimal("1.1"))
        yield shell


def used(code: str, minutes: int, day: date, *, side: str = "buy", amount: str = "0", whose: str = "peer") -> None:
    rate = Rate.objects.get(code=code)
    Rollup.objects.create(
        batch_id=1, side=side, account=Account.objects.get(code=whose), service="voice", destination_id=rate.destination_id, rate=rate, currency="EUR", day=day,
        attempts=1, connected=1, raw_quantity=minutes * 60, billed_quantity=minutes * 60, amount=Amount.from_text(amount), base_amount=Amount.zero(),
    )  # fmt: skip


@pytest.fixture
def swap(run: Shell, tenant: Any) -> Shell:
    """Thirty days twice: 3,000 minutes to Kenya's mobiles and 1,000 elsewhere out, 500 in; half of what is needed goes out."""
    terms = ["--account", "peer", "--currency", "USD", "--from", "2026-03-01", "--days", "30", "--repeats", "2"]
    run(deal.app, "add", "Peer swap", *terms, "--alert-below", "90", "--mail", "noc@alpha.example")
    run(deal.app, "item", "Peer swap", "outbound", "--minutes", "3000", "--price", "0.02", "--code", "2547")
    run(deal.app, "item", "Peer swap", "outbound", "--minutes", "1000", "--price", "0.01")
    run(
        deal.app,
        "item",
        "Peer swap",
        "inbound",
        "--minutes",
        "500",
        "--price",
        "0.05",
        "--beyond",
        "0.04",
        "--destination",
        "Kenya",
    )
    with scope(tenant, "test"):
        for number in range(10):
            used("2547", 50, MARCH + timedelta(days=number), amount="1.5")
            used("255", 100, MARCH + timedelta(days=number), amount="2")
        used("254", 600, MARCH, side="sell", amount="18")
        used("255", 600, MARCH, side="sell", amount="18")  # in no item
        used("2547", 600, MARCH, whose="else")
        used("2547", 600, MARCH - timedelta(days=1))
    return run


def test_progress_forecast_and_worth_come_from_the_sums_of_usage(swap: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    found = swap.json(deal.app, "show", "Peer swap")
    assert (found["status"], len(found["periods"]), found["period"]["until"]) == ("in_process", 2, "2026-03-31")
    told = [
        (
            each["direction"], each["codes"] or each["destinations"], each["used_minutes"], each["percent"],
            each["expected_minutes"], each["forecast_on"], each["reached_on"],
        )
        for each in found["period"]["items"]
    ]  # fmt: skip
    assert told == [
        ("inbound", ["Kenya"], "600.00", 120, "600.00", None, "2026-03-01"),
        ("outbound", ["2547"], "500.00", 16, "1500.00", "2026-04-29", None),
        ("outbound", [], "1000.00", 100, "3000.00", None, "2026-03-10"),
    ]
    money = [
        (each["ordinary"], each["by_deal"], each["settlement"], each["shortfall"]) for each in found["period"]["items"]
    ]
    assert money == [
        ("19.8", "29", "9.2", "0"),
        ("16.5", "10", "6.5", "50"),
        ("22", "10", "12", "0"),
    ]
    assert found["period"]["settlement"] == "27.7"
    (listed,) = swap.json(deal.app, "list")["deals"]
    assert (listed["name"], listed["periods"], listed["period"]) == ("Peer swap", 2, found["period"])
    monkeypatch.setenv("COLUMNS", "250")
    for words, part in ((("show", "Peer swap"), "16.5"), (("list",), "16 %, 100 %")):
        assert part in swap(deal.app, *words)


def test_a_correction_of_records_corrects_the_progress(swap: Shell, tenant: Any) -> None:
    with scope(tenant, "test"):
        used("255", -100, MARCH + timedelta(days=3), amount="-2")
        used("2547", 100, MARCH + timedelta(days=3), amount="3")
    first, second = swap.json(deal.app, "show", "Peer swap")["period"]["items"][1:]
    assert (first["used_minutes"], first["ordinary"], second["used_minutes"], second["reached_on"]) == (
        "600.00", "19.8", "900.00", None,
    )  # fmt: skip


def test_days_are_those_of_the_partners_clock(swap: Shell) -> None:
    with clock.at(datetime(2026, 3, 30, 20, 59, tzinfo=UTC)):
        assert swap.json(deal.app, "show", "Peer swap")["period"]["from"] == "2026-03-01"
    with clock.at(datetime(2026, 3, 30, 21, tzinfo=UTC)):
        assert swap.json(deal.app, "show", "Peer swap")["period"]["from"] == "2026-03-31"
    with clock.at(datetime(2026, 2, 28, tzinfo=UTC)):
        assert swap.json(deal.app, "show", "Peer swap")["status"] == "pending"
    with clock.at(datetime(2026, 6, 1, tzinfo=UTC)):
        assert swap.json(deal.app, "show", "Peer swap")["status"] == "fail"


def test_without_an_exchange_rate_minutes_are_told_and_money_is_not(swap: Shell, tenant: Any) -> None:
    with scope(tenant, "test"):
        ExchangeRate.objects.all().delete()
    items = swap.json(deal.app, "show", "Peer swap")["period"]["items"]
    assert [(each["ordinary"], each["by_deal"], each["settlement"]) for each in items] == [
        (None, "29", None),
        (None, "10", None),
        (None, "10", None),
    ]


def test_the_progress_of_many_deals_takes_as_many_questions_as_that_of_one(
    swap: Shell, tenant: Any, django_assert_num_queries: Any
) -> None:
    swap(deal.app, "add", "Second", "--account", "else", "--from", "2026-03-01", "--months", "1")
    swap(deal.app, "item", "Second", "outbound", "--minutes", "600", "--price", "0.02")
    swap(deal.app, "add", "Empty", "--account", "else", "--from", "2026-03-01")
    with scope(tenant, "test"):
        rows = list(deals())
        standings(rows, at=NOW)
        with django_assert_num_queries(9):
            found = standings(rows, at=NOW)
    assert [(each.deal.name, each.status) for each in found] == [
        ("Empty", Status.IN_PROCESS),
        ("Peer swap", Status.IN_PROCESS),
        ("Second", Status.SUCCESS),
    ]


def test_alarms_are_raised_once_cleared_by_themselves_and_mailed_once(swap: Shell, tenant: Any) -> None:
    tasks.review_deals(timestamp=0)
    with scope(tenant, "test"):
        assert review_deals(at=NOW + timedelta(hours=1)) == 0
        (alarm,) = DealAlarm.objects.all()
        assert (alarm.kind, alarm.period_from, alarm.last_at, alarm.mail_state) == (
            "behind", MARCH, NOW + timedelta(hours=1), "waiting",
        )  # fmt: skip
        assert alarm.detail == (
            "Period from 2026-03-01 until before 2026-03-31: outbound 2547: 1500 of 3000 minutes expected, 50 %, reached on 2026-04-29."
        )
    assert waiting() == ["pricing.deal_mail"]
    assert work_off("pricing.deal_mail") == 1
    tasks.send_deal_mail(tenant_id=tenant.pk, alarm_id=alarm.pk)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["noc@alpha.example"], "Peer swap: the commitment will be missed")
    assert alarm.detail in sent.body
    with scope(tenant, "test"):
        used("2547", 2500, date(2026, 3, 11))
        assert review_deals(at=NOW) == 1
        kinds = list(DealAlarm.objects.order_by("pk").values_list("kind", "cleared_at", "mail_state"))
        assert kinds == [("behind", NOW, "sent"), ("achieved", None, "waiting")]
        end = datetime(2026, 5, 1, tzinfo=UTC)
        assert review_deals(at=end) == 1
        assert list(DealAlarm.objects.filter(cleared_at=None).values_list("kind", "period_from").order_by("pk")) == [
            ("achieved", MARCH),
            ("failed", date(2026, 3, 31)),
        ]
    swap(deal.app, "archive", "Peer swap")
    with scope(tenant, "test"):
        assert review_deals(at=end) == 0
    (told, *_) = swap.json(deal.app, "show", "Peer swap")["alarms"]
    assert (told["kind"], told["mail"]) == ("failed", "waiting")
    assert [each["name"] for each in swap.json(deal.app, "list", "--archived")["deals"]] == ["Peer swap"]
    swap(deal.app, "restore", "Peer swap")
    assert swap.json(deal.app, "list", "--archived")["deals"] == []


@pytest.mark.parametrize(
    ("fails_at", "error", "state"),
    [
        ("open", ConnectionRefusedError("nobody there"), "waiting"),
        ("send_messages", smtplib.SMTPResponseException(550, b"no"), "waiting"),
        ("send_messages", ConnectionResetError("gone"), "uncertain"),
    ],
)
def test_a_mail_that_did_not_go_out_is_tried_again_and_one_that_may_have_is_not(
    swap: Shell, tenant: Any, monkeypatch: pytest.MonkeyPatch, fails_at: str, error: Exception, state: str
) -> None:
    tasks.review_deals(timestamp=0)

    class Server:
        def open(self) -> None:
            if fails_at == "open":
                raise error

        def send_messages(self, messages: Any) -> None:
            raise error

        def close(self) -> None:
            """Nothing is held."""

    monkeypatch.setattr(mailing, "get_connection", Server)
    with scope(tenant, "test"):
        alarm = DealAlarm.objects.get()
    for _ in range(len(mailing.PAUSES_S) + 1):
        mails.send_alarm(tenant_id=tenant.pk, alarm_id=alarm.pk)
        if _ == 0:
            with scope(tenant, "test"):
                assert DealAlarm.objects.get().mail_state == state
    with scope(tenant, "test"):
        last = DealAlarm.objects.get()
    assert last.mail_state == ("failed" if state == "waiting" else "uncertain")
    assert last.mail_detail


def test_a_mail_that_a_dead_worker_had_in_hand_is_uncertain(swap: Shell, tenant: Any) -> None:
    tasks.review_deals(timestamp=0)
    with scope(tenant, "test"):
        DealAlarm.objects.update(mail_state="sending")
        alarm = DealAlarm.objects.get()
    mails.send_alarm(tenant_id=tenant.pk, alarm_id=alarm.pk)
    with scope(tenant, "test"):
        assert DealAlarm.objects.get().mail_state == "uncertain"
    assert mail.outbox == []


def test_what_cannot_be_agreed_is_said(swap: Shell) -> None:
    terms = ["--account", "peer", "--from", "2026-03-01"]
    item = ["Peer swap", "outbound", "--minutes", "10", "--price", "0.01"]
    refusals = [
        (["add", "Peer swap", *terms], "exists"),
        (["add", "New", "--account", "none", "--from", "2026-03-01"], "account_not_found"),
        (["add", "New", "--account", "peer", "--from", "March"], "bad_date"),
        (["add", "New", *terms, "--days", "3", "--months", "1"], "bad_period"),
        (["add", "New", *terms, "--days", "9999"], "bad_period"),
        (["add", "New", *terms, "--currency", "XXZ"], "unknown_currency"),
        (["add", "New", *terms, "--mail", "nobody"], "bad_recipients"),
        (["add", "New", *terms, "--alert-below", "101"], "bad_threshold"),
        (["add", " ", *terms], "bad_name"),
        (["set", "none", "--repeats", "2"], "deal_not_found"),
        (["set", "Peer swap", "--repeats", "0"], "bad_period"),
        (["item", "Peer swap", "sideways", *item[2:]], "bad_item"),
        (["item", *item], "items_overlap"),
        (["item", *item, "--code", "2547"], "items_overlap"),
        (["item", *item, "--code", "25x"], "bad_item"),
        (["item", *item, "--destination", "Atlantis"], "unknown_destination"),
        (["item", "Peer swap", "inbound", "--minutes", "0", "--price", "0.01"], "bad_item"),
        (["item", "Peer swap", "inbound", "--minutes", "1", "--price", "-1"], "bad_item"),
        (["item", "Peer swap", "inbound", "--minutes", "1", "--price", "x"], "bad_decimal"),
        (["item-remove", "Peer swap", "1"], "not_found"),
        (["show", "none"], "deal_not_found"),
    ]
    assert [swap.refused(deal.app, *words) for words, _ in refusals] == [code for _, code in refusals]


def test_terms_and_items_change(swap: Shell, tenant: Any) -> None:
    swap(deal.app, "set", "Peer swap", "--rename", "Peer 2026", "--months", "1", "--repeats", "12", "--note", "by mail")
    found = swap.json(deal.app, "show", "Peer 2026")
    assert (found["unit"], found["length"], len(found["periods"]), found["note"]) == ("months", 1, 12, "by mail")
    first = found["period"]["items"][0]["id"]
    swap(deal.app, "item-remove", "Peer 2026", str(first))
    with scope(tenant, "test"):
        (row,) = Deal.objects.all()
        mobile, rest = items_of([row])
        more = make_item(direction="outbound", minutes=4000, price=Price.from_text("0.02"), codes=["2547"])
        assert change_item(item_id=mobile.pk, item=more).minutes == 4000
        kept = put_items(deal_id=row.pk, items=[more, make_item(direction="inbound", minutes=5, price=Price(0))])
        assert [(each.pk == mobile.pk, each.minutes) for each in kept] == [(True, 4000), (False, 5)]
        assert rest.pk not in {each.pk for each in items_of([row])}
        with pytest.raises(Invalid, match="At most 20"):
            change_deal(deal_id=row.pk, recipients=[f"a{n}@b.example" for n in range(21)])
        Deal.objects.create(name="Other", account=row.account, currency="USD", starts_on=MARCH, created_at=NOW)
        with pytest.raises(Conflict):
            change_deal(deal_id=row.pk, name="Other")
