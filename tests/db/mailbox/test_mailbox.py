"""Rate sheets from Debian's Dovecot: which mails are taken, and what becomes of each."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.db.mailbox.desk import CAME, HEAD, NOW, SHEET, Desk
from tests.db.sources.test_mail import mails as flags
from trunkline.core.errors import Conflict
from trunkline.core.money import Amount
from trunkline.pricing.actions import (
    apply_import,
    change_rule,
    compare_import,
    correct_layout,
    discard_import,
    dismiss_mail,
    read_import,
    remove_mailbox,
    try_mail_again,
    undo_import,
)
from trunkline.pricing.mailbox.box import SheetBox
from trunkline.pricing.mailbox.schedule import look_after
from trunkline.pricing.models import Mail, MailboxFeed, MailRule
from trunkline.pricing.sheets.corrections import Correction
from trunkline.pricing.sheets.date_cells import DateOrder
from trunkline.pricing.sheets.layout import Purpose
from trunkline.pricing.sheets.price_cells import Mark
from trunkline.pricing.sheets.roles import Role
from trunkline.tenancy.actions import set_quota, suspend_tenant
from trunkline.usage.sources.remote import FileRefused

ZERO = Amount.zero()


def zipped(**members: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return target.getvalue()


def mail_of(desk: Desk) -> Mail:
    with desk.scope():
        return Mail.objects.get()


def test_a_sheet_is_compared_and_waits_for_a_person(desk: Desk) -> None:
    desk.rule()
    desk.send(("rates.csv", SHEET), ("logo.png", b"\x89PNG"))
    assert desk.looked() == [("waiting", "")]
    (sheet,) = desk.imports()
    assert (sheet.state, sheet.file_name, sheet.notified_at, sheet.counts["new"]) == ("compared", "rates.csv", CAME, 3)
    assert (desk.codes(), desk.sheets()) == ([], [("rates.csv", "waiting")])
    assert "Seen" not in flags(desk.peer)[0]


def test_the_mail_says_what_becomes_of_its_sheet(desk: Desk) -> None:
    desk.rule()
    desk.send(("rates.csv", SHEET))
    desk.look()
    (sheet,) = desk.imports()
    apply_import(desk.tenant_id, sheet.pk, actor="test", now=desk.clock)
    assert desk.mails() == [("applied", "")]
    undo_import(desk.tenant_id, sheet.pk, reason="wrong vendor", actor="test", now=desk.clock)
    assert desk.mails() == [("undone", "rates.csv: wrong vendor")]
    desk.send(("rates.csv", SHEET))
    desk.look()
    with desk.scope():
        discard_import(import_id=desk.imports()[1].pk, reason="not agreed", at=NOW)
    assert desk.mails()[1] == ("discarded", "rates.csv: not agreed")


def test_a_mail_is_seen_once_however_often_one_looks(desk: Desk) -> None:
    desk.rule()
    desk.send(("rates.csv", SHEET))
    desk.look()
    assert desk.look().mails == []
    assert len(desk.imports()) == 1


def test_a_copy_of_a_mail_is_the_same_mail_and_the_same_file_in_another_one_came_before(desk: Desk) -> None:
    desk.rule()
    desk.send(("rates.csv", SHEET), message_id="<1@vendor.example>")
    desk.send(("rates.csv", SHEET), message_id="<1@vendor.example>", received="from relay.example by here.example")
    desk.send(("again.csv", SHEET), message_id="<2@vendor.example>")
    assert desk.looked() == [
        ("waiting", ""),
        ("duplicate", "again.csv: The same file is compared since 2026-03-04 12:00."),
    ]
    assert len(desk.imports()) == 1


def test_a_mailbox_that_was_made_anew_has_the_same_mails(desk: Desk) -> None:
    desk.rule()
    desk.send(("rates.csv", SHEET))
    desk.look()
    with desk.scope():
        MailboxFeed.objects.update(validity="1")  # as before somebody has made the mailbox anew
        Mail.objects.update(locator="1/7")
    assert desk.states() == ["waiting"]
    assert (len(desk.imports()), mail_of(desk).locator.startswith("1/7")) == (1, False)


@pytest.mark.parametrize(
    ("name", "content", "state"),
    [
        ("rates.pdf", b"%PDF-1.7 rates", "wrong_type"),
        ("rates.zip", b"PK\x03\x04 broken", "bad_archive"),
        ("rates.csv", b"", "empty"),
        ("rates.csv", "A,B,C\n" + "".join(f"{254700 + n},0.0{n + 11},0.0{n + 21}\n" for n in range(20)), "unclear"),
        ("rates.csv", SHEET + "Rwanda,no code,0.1,2026-03-10,60/1\n", "row_errors"),
        ("rates.csv", SHEET + "Rwanda,250,-0.1,2026-03-10,60/1\n", "row_errors"),
        ("rates.csv", SHEET.replace("2026-03-10", "2026-01-10"), "refused"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(desk: Desk, name: str, content: str | bytes, state: str) -> None:
    desk.rule()
    desk.send((name, content))
    assert desk.states() == [state]
    assert mail_of(desk).detail.startswith(name)


def test_a_layout_that_is_corrected_on_the_sheet_is_said_by_the_mail(desk: Desk) -> None:
    desk.rule()
    rows = "".join(f"{254700 + n},0.0{n + 11},0.0{n + 21}\n" for n in range(20))
    desk.send(("rates.csv", "A,B,C\n" + rows), subject="Rates effective 2026-03-15")
    assert desk.states() == ["unclear"]
    (sheet,) = desk.imports()
    assert (sheet.subject, sheet.layout["sheets"][0]["effective"]) == (
        "Rates effective 2026-03-15",
        "2026-03-15 00:00:00",
    )
    roles = {0: Role.CODE, 1: Role.IGNORED, 2: Role.PRICE}
    said = Correction(Purpose.RATES, 1, 2, 21, DateOrder.DAY_FIRST, Mark.POINT, roles)
    with desk.scope():
        correct_layout(import_id=sheet.pk, said=[said], is_settled=True)
    read_import(desk.tenant_id, sheet.pk, actor="test", now=desk.clock)
    compare_import(desk.tenant_id, sheet.pk, actor="test", now=desk.clock)
    assert desk.mails() == [("waiting", "")]
    assert desk.imports()[0].effective_at == datetime(2026, 3, 15, tzinfo=UTC)


def test_sheets_in_a_zip_are_read(desk: Desk) -> None:
    desk.rule()
    desk.send(("rates.zip", zipped(rates_csv=SHEET)))
    assert desk.states() == ["waiting"]


def test_each_file_that_is_wanted_is_a_sheet_and_the_mail_says_the_most_pressing(desk: Desk) -> None:
    desk.rule(attachment="*.CSV")
    desk.send(("a.csv", SHEET), ("terms.pdf", b"%PDF"), ("b.csv", b""))
    assert desk.states() == ["waiting"]
    assert desk.sheets() == [("a.csv", "waiting"), ("b.csv", "empty")]


def test_the_first_rule_that_fits_decides(desk: Desk) -> None:
    desk.rule("newsletters", subject=r"news|holiday", action="ignore", template_id=None)
    desk.rule("vendor", subject=r"^rates?\b")
    desk.send(("a.csv", SHEET), subject="Rates and NEWS")
    desk.send(("b.csv", SHEET), subject="Rate change")
    desk.send(("c.csv", SHEET), subject="Invoice")
    desk.send(("d.csv", SHEET), subject="Rate change", sender="rates@vendor.example.evil.example")
    desk.send(subject="Rates")
    desk.send(("terms.txt", "x"), subject="Rates", sender="RATES@vendor.example")
    assert desk.looked() == [
        ("ignored", "The rule newsletters ignores it."),
        ("waiting", ""),
        ("no_rule", "No rule of the mailbox is for this sender and subject."),
        ("no_rule", "No rule of the mailbox is for this sender and subject."),
        ("no_attachment", "Nothing hangs on it."),
        ("empty", "terms.txt: There are no rates in this file."),
    ]


def test_a_new_rule_is_tried_on_an_old_mail(desk: Desk) -> None:
    desk.send(("rates.csv", SHEET))
    assert desk.states() == ["no_rule"]
    desk.rule()
    assert desk.states() == ["no_rule"]
    with desk.scope():
        try_mail_again(mail_id=mail_of(desk).pk, at=NOW)
    assert desk.states() == ["waiting"]
    with desk.scope(), pytest.raises(Conflict, match="of this mail is compared") as refused:
        try_mail_again(mail_id=mail_of(desk).pk, at=NOW)
    assert refused.value.code == "mail_has_sheet"


def test_a_mail_whose_sheet_was_discarded_can_be_read_again(desk: Desk) -> None:
    desk.rule()
    desk.send(("rates.csv", SHEET))
    desk.look()
    with desk.scope():
        discard_import(import_id=desk.imports()[0].pk, reason="wrong template", at=NOW)
        try_mail_again(mail_id=mail_of(desk).pk, at=NOW)
    assert desk.states() == ["waiting"]
    assert [sheet.state for sheet in desk.imports()] == ["discarded", "compared"]


def test_a_mail_that_was_removed_over_there_says_so(desk: Desk) -> None:
    desk.send(("rates.csv", SHEET))
    desk.look()
    desk.empty()
    with desk.scope():
        try_mail_again(mail_id=mail_of(desk).pk, at=NOW)
    assert desk.looked() == [("gone", "It was removed before it was read.")]
    with desk.scope():
        dismiss_mail(mail_id=mail_of(desk).pk, reason="asked the vendor", at=NOW)
    assert desk.mails() == [("dismissed", "asked the vendor")]


def test_notice_counts_from_when_the_server_received_the_mail_whatever_its_date_says(desk: Desk) -> None:
    desk.rule()
    came = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    desk.send(("rates.csv", SHEET), came=came)
    desk.look()
    assert (mail_of(desk).received_at, desk.imports()[0].notified_at) == (came, came)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Rates effective 15 March 2026", "Please see attached."),
        ("Rates", "Dear partner,\n\nthe attached rates are effective from 2026-03-15.\n\n> effective from 2026-02-01"),
    ],
)
def test_a_sheet_without_dates_begins_when_the_mail_says(desk: Desk, subject: str, text: str) -> None:
    desk.rule()
    desk.send(("rates.csv", "Destination,Code,Rate\nKenya,254,0.05\nUganda,256,0.08\n"), subject=subject, text=text)
    desk.look()
    assert mail_of(desk).effective_on == date(2026, 3, 15)
    assert desk.imports()[0].effective_at == datetime(2026, 3, 15, tzinfo=UTC)


def test_the_dates_of_the_sheet_go_before_those_of_the_mail(desk: Desk) -> None:
    desk.rule(applies_itself=True, limit_cost=ZERO)
    desk.send(("rates.csv", SHEET), text="Effective from 2026-04-01.")
    assert desk.states() == ["applied"]
    assert desk.imports()[0].begins_at == datetime(2026, 3, 10, tzinfo=UTC)


def test_a_sheet_within_the_limits_is_applied_without_a_person(desk: Desk) -> None:
    desk.rule(applies_itself=True, limit_cost=ZERO)
    desk.send(("rates.csv", SHEET))
    assert desk.looked() == [("applied", "rates.csv: by the rule vendor: within its limits")]
    assert desk.codes() == ["254", "2547", "256"]


def test_a_sheet_beyond_a_limit_waits_and_says_which(desk: Desk) -> None:
    rule = desk.rule(applies_itself=True, limit_cost=ZERO, limit_increases=50, limit_closed=0, limit_drop=10)
    desk.send(("a.csv", SHEET))
    said = "a.csv: it is the first sheet by this template, so nothing says how many lines it should have"
    assert desk.looked() == [("waiting", said)]
    apply_import(desk.tenant_id, desk.imports()[0].pk, actor="test", now=desk.clock)
    later = (
        HEAD
        + "Kenya,254,0.0510,2026-04-10,60/1\nKenya Mobile,2547,0.1010,2026-04-10,60/60\nUganda,256,Closed,2026-04-10,\n"
    )
    desk.send(("b.csv", later))
    said = "b.csv: 2 of 3 lines go up, and the limit is 50 %; 1 codes close, and the limit is 0"
    assert desk.looked()[1] == ("waiting", said)
    with desk.scope():
        change_rule(rule_id=rule, limit_increases=None, limit_closed=None)
        discard_import(import_id=desk.imports()[1].pk, reason="looked at", at=NOW)
        try_mail_again(mail_id=Mail.objects.order_by("-pk").values_list("pk", flat=True)[0], at=NOW)
    assert desk.looked()[1][0] == "applied"


def test_what_a_check_found_always_wants_a_person(desk: Desk) -> None:
    desk.rule(applies_itself=True, limit_cost=Amount.from_text("1000000"))
    desk.send(("a.csv", SHEET.replace("0.0500", "0")))
    assert desk.looked() == [("waiting", "a.csv: the check zero has found something")]


def test_mails_from_before_the_mailbox_are_left_alone_until_it_is_said_otherwise(desk: Desk) -> None:
    desk.rule()
    desk.send(("old.csv", SHEET), came=NOW - timedelta(days=20))
    assert desk.states() == []
    desk.change(taken_from=NOW - timedelta(days=30))
    assert desk.states() == ["waiting"]


def test_what_is_no_mail_at_all_breaks_nothing(desk: Desk) -> None:
    desk.rule(senders=["*"])
    desk.put(b"\x00\xff\r\n\r\n\xfe")
    desk.put(b'From: =?x?y?z?=\r\nSubject: =?utf-8?b?////?=\r\nContent-Type: multipart/mixed; boundary="\r\n\r\n--\r\n')
    desk.put(
        b"Content-Type: text/csv; name*0*=bogus'x'%ff\r\nContent-Disposition: attachment; filename*=x''%00a.csv\r\n\r\n1"
    )
    assert len(desk.states()) == 3
    desk.send(("rates.csv", SHEET))
    assert desk.states()[-1] == "waiting"


def test_a_mail_that_the_server_does_not_hand_out_is_not_passed_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(box: SheetBox, uid: int) -> bytes:
        raise FileRefused("The server refuses FETCH: damaged index.")

    desk.rule()
    desk.send(("rates.csv", SHEET))
    with monkeypatch.context() as patch:
        patch.setattr(SheetBox, "whole", refuse)
        assert desk.looked() == [("failed", "The server refuses FETCH: damaged index.")]
    desk.send(("next.csv", SHEET.replace("0.05", "0.06")), subject="Next")
    assert desk.states() == ["waiting", "failed"]
    with desk.scope():
        try_mail_again(mail_id=Mail.objects.get(state="failed").pk, at=NOW)
    assert desk.states() == ["waiting", "waiting"]
    with desk.scope():
        assert sorted(Mail.objects.values_list("subject", flat=True)) == ["Next", "Rate change"]


def test_a_server_that_cannot_be_read_is_noted_and_tried_later(desk: Desk) -> None:
    desk.change(pin="ab" * 32)
    found = desk.look()
    assert found.failure is not None
    assert found.failure.code == "certificate_refused"
    with desk.scope():
        feed = MailboxFeed.objects.get()
    assert (feed.failures, feed.failure, feed.next_at) == (1, "certificate_refused", NOW + timedelta(minutes=15))


def test_the_schedule_asks_for_a_look_when_one_is_due_and_the_tenant_works(desk: Desk) -> None:
    assert look_after(desk.tenant_id, at=NOW) == 1
    assert look_after(desk.tenant_id, at=NOW) == 0  # it waits already
    desk.look()
    assert look_after(desk.tenant_id, at=NOW + timedelta(minutes=4)) == 0
    with desk.scope():
        suspend_tenant()
    assert look_after(desk.tenant_id, at=NOW + timedelta(hours=1)) == 0


def test_a_mailbox_is_forgotten_with_its_mails_and_its_sheets_stay(desk: Desk) -> None:
    desk.rule()
    desk.send(("rates.csv", SHEET))
    desk.look()
    with desk.scope():
        remove_mailbox(mailbox_id=desk.mailbox_id)
        assert (Mail.objects.count(), MailRule.objects.count()) == (0, 0)
    assert [sheet.state for sheet in desk.imports()] == ["compared"]


def test_a_mail_waits_in_its_mailbox_until_its_sheet_may_be_stored(desk: Desk) -> None:
    desk.rule()
    desk.send(("rates.csv", SHEET))
    with desk.scope():
        set_quota(octets=1)
    found = desk.look()
    assert found.failure is not None
    assert (found.failure.code, found.mails, desk.mails(), len(desk.imports())) == (
        "quota_reached",
        [],
        [("new", "")],
        0,
    )
    with desk.scope():
        set_quota(octets=0)
    assert desk.looked() == [("waiting", "")]
