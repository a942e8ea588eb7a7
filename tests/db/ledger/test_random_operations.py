"""Any sequence of requests, each sent one to three times with crashes between: the books are those of sending each once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.ledger.books import AT, DAY, account, lines
from trunkline.core.errors import TrunklineError
from trunkline.ledger import actions, checks, queries
from trunkline.ledger.models import Entry, Resolution
from trunkline.tenancy.scope import scope

OWNERS = ("ann", "bob")
AMOUNTS = st.integers(1, 40)


class CrashError(Exception):
    """The process dies after the action and before the commit."""


@dataclass(frozen=True)
class Request:
    """`target` is an earlier request: what to settle, void or reverse."""

    key: str
    verb: str
    owner: str = ""
    amount: int = 0
    target: Request | None = None


@dataclass
class Model:
    """What the books must be, kept the simple way."""

    bank: int = 0
    revenue: int = 0
    wallets: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OWNERS, 0))
    reserved: dict[str, tuple[str, int]] = field(default_factory=dict)  # open reservations by key
    ended: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)  # of keys that are spent
    reversed: set[str] = field(default_factory=set)

    def available(self, owner: str) -> int:
        return self.wallets[owner] - sum(amount for who, amount in self.reserved.values() if who == owner)

    def answer(self, request: Request) -> str:
        """What the books answer to the request, which it then counts in."""
        if request.verb == "void":
            return self._void(request)
        if request.key in self.answers:
            return "replay" if self.answers[request.key] == "posted" else self.answers[request.key]
        found = getattr(self, f"_{request.verb}")(request)
        if found in ("posted", "insufficient_funds"):
            self.answers[request.key] = found
        return str(found)

    def _move(self, owner: str, *, bank: int = 0, revenue: int = 0) -> str:
        if bank + revenue < 0 and self.available(owner) < -(bank + revenue):
            return "insufficient_funds"
        self.bank += bank
        self.revenue -= revenue
        self.wallets[owner] += bank + revenue
        return "posted"

    def _top_up(self, request: Request) -> str:
        return self._move(request.owner, bank=request.amount)

    def _spend(self, request: Request) -> str:
        return self._move(request.owner, revenue=-request.amount)

    def _reserve(self, request: Request) -> str:
        if self.available(request.owner) < request.amount:
            return "insufficient_funds"
        self.reserved[request.key] = (request.owner, request.amount)
        return "posted"

    def _settle(self, request: Request) -> str:
        target = request.target
        assert target is not None
        if request.amount > target.amount:
            return "exceeds_pending"
        if target.key in self.ended:
            return "already_resolved"
        self.ended[target.key] = "posted"
        del self.reserved[target.key]
        return self._move(target.owner, revenue=-request.amount)

    def _void(self, request: Request) -> str:
        assert request.target is not None
        key = request.target.key
        if key in self.ended:
            return "replay" if self.ended[key] == "voided" else "already_resolved"
        self.ended[key] = "voided"
        del self.reserved[key]
        return "voided"

    def _reverse(self, request: Request) -> str:
        target = request.target
        assert target is not None
        if target.key in self.reversed:
            return "already_reversed"
        sign = -1 if target.verb == "top_up" else 1
        owner = target.owner or (target.target.owner if target.target else "")
        money = {"bank" if target.verb == "top_up" else "revenue": sign * target.amount}
        found = self._move(owner, **money)
        if found == "posted":
            self.reversed.add(target.key)
        return found


def send(request: Request) -> str:
    """The books' answer."""
    kind, text = (
        ("payment", "bank:USD {0}; wallet:{1} -{0}")
        if request.verb == "top_up"
        else ("usage_wallet", "wallet:{1} {0}; revenue:USD -{0}")
    )
    target = queries.access_entry(request.target.key) if request.target else None
    common: dict[str, Any] = {"key": request.key, "booked_on": DAY, "at": AT}
    made: Entry | Resolution
    if request.verb in ("top_up", "spend"):
        made = actions.post(kind=kind, lines=lines(text.format(request.amount, request.owner)), **common)
    elif request.verb == "reserve":
        made = actions.reserve(
            kind=kind, lines=lines(text.format(request.amount, request.owner)), timeout_s=600, **common
        )
    elif request.verb == "settle":
        assert target is not None
        assert request.target is not None
        made = actions.settle(pending=target, lines=lines(text.format(request.amount, request.target.owner)), **common)
    elif request.verb == "reverse":
        assert target is not None
        made = actions.reverse(entry=target, **common)
    else:
        assert target is not None
        made = actions.void(pending=target, at=AT)
    return "replay" if made.is_replay else "voided" if isinstance(made, Resolution) else "posted"


def deliver(tenant: Any, request: Request, *, crash: bool) -> str:
    try:
        with actions.keep_refusals(tenant.pk, "test", at=AT), scope(tenant, "test"):
            answer = send(request)
            if crash:
                raise CrashError
    except TrunklineError as error:
        return error.code
    except CrashError:
        return "crashed"
    return answer


def check_against(model: Model) -> None:
    standing = {row.account.code: row for row in queries.balances()}
    shown = {code: row.natural.units // 10**8 for code, row in standing.items()}
    expected = {"bank:USD": model.bank, "revenue:USD": model.revenue} | {
        f"wallet:{who}": amount for who, amount in model.wallets.items()
    }
    assert shown == expected
    assert sum(row.posted.units for row in standing.values()) == 0
    for who in OWNERS:
        assert standing[f"wallet:{who}"].available.units // 10**8 == model.available(who) >= 0


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[Request, list[bool]]]:
    """Requests, each with whether its sendings crash; the last one of each does not."""
    made: list[tuple[Request, list[bool]]] = []
    for n in range(draw(st.integers(1, 18))):
        before = [request for request, _ in made]
        reserves = [r for r in before if r.verb == "reserve"]
        posts = [r for r in before if r.verb in ("top_up", "spend")]
        verbs = (
            ["top_up", "spend", "reserve"]
            + ["settle", "void"] * bool(reserves)
            + ["reverse"] * bool(posts)
            + ["resend"] * bool(before)
        )
        verb = draw(st.sampled_from(verbs))
        if verb == "resend":
            request = draw(st.sampled_from(before))
        elif verb in ("settle", "void"):
            request = Request(f"k{n}", verb, amount=draw(AMOUNTS), target=draw(st.sampled_from(reserves)))
        elif verb == "reverse":
            request = Request(f"k{n}", verb, target=draw(st.sampled_from(posts)))
        else:
            request = Request(f"k{n}", verb, owner=draw(st.sampled_from(OWNERS)), amount=draw(AMOUNTS))
        made.append((request, [*draw(st.lists(st.booleans(), max_size=2)), False]))
    return made


@settings(
    max_examples=settings().max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    story=stories(),
    cache=st.lists(st.sampled_from(["refresh_balances", "drop_balances", "rebuild_balances"]), max_size=3),
)
def test_the_books_are_those_of_sending_each_request_once(
    tenant: Any, story: list[tuple[Request, list[bool]]], cache: list[str]
) -> None:
    model, touched = Model(), list(cache)
    with transaction.atomic():
        with scope(tenant, "test"):
            for code in ("bank:USD", "revenue:USD", *(f"wallet:{who}" for who in OWNERS)):
                account(code)
        for request, crashes in story:
            if request.target is not None and model.answers.get(request.target.key) != "posted":
                continue  # nothing to settle, void or reverse: it was refused
            for crash in crashes:
                answer = deliver(tenant, request, crash=crash)
                if not crash:
                    assert answer == model.answer(request), request
                elif answer == "insufficient_funds":
                    model.answer(request)  # a refusal is kept whether or not the caller lives to hear it
            with scope(tenant, "test"):
                check_against(model)
                if touched and request.key.endswith(("3", "7")):
                    getattr(actions, touched.pop())()
        with scope(tenant, "test"):
            check_against(model)
            assert [finding for finding in checks.check(at=AT) if not finding.holds] == []
            still_open = len(actions.expire_due(at=AT + timedelta(hours=1)))
            assert still_open == len(model.reserved)
        transaction.set_rollback(True)
