"""Staff are told by mail of rate sheets that wait: each once, not too often, and only those who may do something."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from tests.db.tariffs.test_commands import Shell
from tests.staff import make_member
from trunkline.cli import mailbox as command
from trunkline.identity.models import Membership
from trunkline.identity.permissions import BuiltInRole
from trunkline.kit import clock
from trunkline.kit.mailing import PAUSES_S
from trunkline.pricing.mailbox import reminders
from trunkline.pricing.models import Mail, Mailbox, SheetReminder, SheetReminderOff
from trunkline.pricing.tasks import plan_reminders
from trunkline.tenancy.scope import scope

PAGE = Path(__file__).parents[3] / "docs/algorithms/mail-to-sheet.md"
AT = datetime(2026, 3, 3, 10, tzinfo=UTC)


class Post:
    """A tenant with a mailbox and one of the staff, Ada, and the time of day."""

    def __init__(self, tenant: Any) -> None:
        self.tenant = tenant
        self.ada = make_member(tenant)
        with scope(tenant, "test"):
            self.mailbox = Mailbox.objects.create(name="rates", host="h", login="l", password="", taken_from=AT)

    def set(self, *names: str, state: str = "waiting") -> None:
        """Just these mails want somebody."""
        with scope(self.tenant, "test"):
            Mail.objects.update(state="dismissed")
            for name in names:
                Mail.objects.update_or_create(
                    mailbox=self.mailbox, key=name,
                    defaults={"state": state, "subject": name, "sender": "rates@vendor.example", "received_at": AT, "seen_at": AT},
                )  # fmt: skip

    def plan(self, at: datetime = AT) -> list[SheetReminder]:
        with scope(self.tenant, "test"):
            return reminders.plan_reminders(at=at)

    def send(self, reminder: SheetReminder, at: datetime = AT) -> SheetReminder:
        reminders.send_reminder(tenant_id=self.tenant.pk, reminder_id=reminder.pk, now=lambda: at)
        with scope(self.tenant, "test"):
            return SheetReminder.objects.get(pk=reminder.pk)

    def turn(self, *, is_told: bool) -> None:
        with scope(self.tenant, "test"):
            reminders.set_reminders(membership=self.ada, is_told=is_told, at=AT)


@pytest.fixture
def post(tenant: Any) -> Post:
    return Post(tenant)


def _looks() -> list[list[str]]:
    lines = PAGE.read_text().split("| look | waits | mail | because |\n")[1].splitlines()[1:]
    end = next(n for n, line in enumerate(lines) if not line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


def test_the_table_of_the_page(post: Post) -> None:
    for look, waits, named, because in _looks():
        hour, minute = map(int, look.split(":"))
        at = AT.replace(hour=hour, minute=minute)
        post.set(*waits.replace("-", "").split())
        made = [post.send(each, at) for each in post.plan(at)]
        with scope(post.tenant, "test"):
            listed = [" ".join(Mail.objects.filter(pk__in=each.listed).order_by("key").values_list("key", flat=True)) for each in made]  # fmt: skip
        assert (listed or ["-"]) == [named], f"{look}: {because}"


def test_what_a_mail_says(post: Post) -> None:
    post.set("April rates\r\nBcc: all")
    sent = post.send(*post.plan())
    assert (sent.state, sent.sent_at) == ("sent", AT)
    (message,) = mail.outbox
    assert (message.subject, message.to) == ("1 rate sheet waits: Alpha Carrier", ["ada@example.com"])
    assert message.body.splitlines()[:3] == [
        "These came by mail to Alpha Carrier and want somebody:",
        "",
        "- 2026-03-03 10:00  rates@vendor.example: April rates Bcc: all (waits for approval)",
    ]


def test_it_is_in_the_language_of_the_person(post: Post) -> None:
    post.set("A", "B")
    with scope(post.tenant, "test"):
        user = Membership.objects.get(pk=post.ada.pk).user
    user.language = "fr"
    user.save()
    post.send(*post.plan())
    assert mail.outbox[0].subject == "2 grilles de prix attendent : Alpha Carrier"


def test_only_those_are_told_who_may_apply_sheets_and_work_here(post: Post) -> None:
    post.set("A")
    make_member(post.tenant, BuiltInRole.READ_ONLY, "reader@example.com")
    left = make_member(post.tenant, email="left@example.com")
    locked = make_member(post.tenant, email="locked@example.com")
    with scope(post.tenant, "test"):
        Membership.objects.filter(pk=left.pk).update(valid_to=AT)
    locked.user.is_active = False
    locked.user.save()
    assert [each.membership_id for each in post.plan()] == [post.ada.pk]


def test_who_has_turned_it_off_is_not_told_until_it_is_on_again(post: Post) -> None:
    post.set("A")
    for _time in range(2):
        post.turn(is_told=False)
    assert post.plan() == []
    for _time in range(2):
        post.turn(is_told=True)
    assert len(post.plan()) == 1


@pytest.mark.parametrize("what", ["settled", "off"])
def test_a_mail_that_nobody_needs_any_more_is_not_sent(post: Post, what: str) -> None:
    post.set("A")
    (reminder,) = post.plan()
    if what == "settled":
        post.set()
    else:
        post.turn(is_told=False)
    assert post.send(reminder).state == "needless"
    post.set("A")
    post.turn(is_told=True)
    assert mail.outbox == []
    assert [each.state for each in post.plan(AT + timedelta(hours=1))] == ["waiting"]


def test_one_mail_goes_out_however_often_it_is_planned_and_sent(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post.set("A")
    (reminder,) = post.plan()
    assert post.plan() == post.plan(AT + timedelta(minutes=59)) == []
    hand_over = reminders.hand_over

    def overtaken(message: Any) -> None:
        monkeypatch.setattr(reminders, "hand_over", hand_over)
        # Another worker takes it up: this one may be dead, so the mail may have gone out.
        assert post.send(reminder).state == "uncertain"
        hand_over(message)

    monkeypatch.setattr(reminders, "hand_over", overtaken)
    for _time in range(3):
        post.send(reminder)
    assert len(mail.outbox) == 1


def test_a_mail_that_the_server_refuses_is_tried_again_and_then_counts_as_not_told(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise smtplib.SMTPDataError(550, b"no such mailbox")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    post.set("A")
    (reminder,) = post.plan()
    states = [post.send(reminder).state for _time in range(len(PAUSES_S) + 1)]
    assert states == ["waiting"] * len(PAUSES_S) + ["failed"]
    assert post.send(reminder).failure_detail == "550 no such mailbox"
    monkeypatch.undo()
    (again,) = post.plan(AT + timedelta(hours=1))
    assert post.send(again).state == "sent"


def test_nobody_knows_of_a_mail_whose_server_fell_silent(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def fall_silent(*_: Any) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(EmailBackend, "send_messages", fall_silent)
    post.set("A")
    (reminder,) = post.plan()
    assert post.send(reminder).state == "uncertain"
    assert post.plan(AT + timedelta(hours=2)) == []


def test_old_mails_are_forgotten_but_for_the_last_one_of_each_person(post: Post) -> None:
    post.set("A")
    post.plan()
    post.set("B")
    post.plan(AT + timedelta(days=1))
    with scope(post.tenant, "test"):
        reminders.forget_reminders(at=AT + timedelta(days=60))
        assert [each.made_at for each in SheetReminder.objects.all()] == [AT + timedelta(days=1)]


def test_the_command_turns_it_off_and_says_what_became_of_the_last(post: Post) -> None:
    post.set("A")
    with clock.at(AT):
        run = Shell(post.tenant.slug)
        plan_reminders(timestamp=0)
        ada = {"email": "ada@example.com", "last": "2026-03-03T10:00:00Z", "state": "waiting", "detail": ""}
        assert run.json(command.app, "reminders") == {"staff": [ada]}
        run(command.app, "remind", "ada@example.com", "--off")
        assert run.json(command.app, "reminders") == {"staff": []}
        with scope(post.tenant, "test"):
            assert SheetReminderOff.objects.count() == 1
        assert run.refused(command.app, "remind", "nobody@example.com") == "member_not_found"
