"""Putting off changes of prices that a customer would be told of too late: a change of the tariff's rates. Takes a tenant and opens its scopes by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from trunkline.core.errors import Conflict
from trunkline.pricing.actions.notification_making import prepare
from trunkline.pricing.compare import LINES, Kind, same_rates
from trunkline.pricing.models import Notification
from trunkline.pricing.notifications.choices import NotificationState
from trunkline.pricing.notifications.news import EVER
from trunkline.pricing.notifications.queries import find_breaches, first_allowed_s, notifications, read_news
from trunkline.tariffs import actions as tariffs
from trunkline.tariffs.actions.rates import ENDS
from trunkline.tariffs.rate_file import LOAD_SCHEMA, rate_bounds
from trunkline.tenancy.scope import scope as tenant_scope

Clock = Callable[[], datetime]
Segment = tuple[int, int, int]  # from, to in seconds, and the row of the standing rate that it is a copy of

_INSTANT: Final = pa.timestamp("s", tz="UTC")


def put_off(
    tenant_id: int, notification_id: int, *, reason: str, into: int | None = None, actor: str, now: Clock
) -> Notification:
    """Let the changes that begin too soon begin when the agreement allows: in the tariff, for all who buy by it; then prepare the notification anew.

    What holds already is not put off. `into` is the row of `begin_putting_off`, for which the earlier one was discarded.

    Raises NotFound `not_found`; Conflict `not_prepared`, `nothing_to_put_off`, `tariff_changed`, and what `prepare` raises.
    """
    at = now()
    with tenant_scope(tenant_id, actor, reason=reason):
        notification = notifications().get(pk=notification_id)
        plan = notification.plan
        if into is None and notification.state != NotificationState.PREPARED:
            raise Conflict("not_prepared", f"The notification {notification} is {notification.state}, not prepared.")
        there = tariffs.standing_rates(plan.tariff)
        revision = int(notification.revision or 0)
        tariffs.require_revision(plan.tariff, revision)
        news = read_news(notification)
        rows = find_breaches(plan, news, is_first=notification.before_id is None, notified_at=at)
        allowed = first_allowed_s(plan.agreement, at)
        rates, ends = _moved(there, news.take(pa.array(rows)), allowed, int(at.timestamp()))
        if not len(ends) and not len(rates):
            raise Conflict(
                "nothing_to_put_off",
                "No line that begins too soon can be put off: they hold already.",
                hint="Send it flagged. Dates of special rates and of a parent's prices are changed where these stand.",
            )
        tariffs.change_rates(tariff_id=plan.tariff_id, rates=rates, ends=ends, revision=revision, at=at)
    return prepare(tenant_id, plan.pk, mode=notification.mode, into=into, actor=actor, now=now)


def _moved(there: pa.Table, lines: pa.Table, allowed: dict[Kind, int | None], at_s: int) -> tuple[pa.Table, pa.Table]:
    """The rates that come and the ends of those that go, so that the lines begin when they may."""
    wide = lines.append_column("refused", pa.nulls(len(lines), pa.string())).select(LINES.names)
    keys = same_rates(there, wide)
    begins, _ = rate_bounds(lines)
    starts, stops = rate_bounds(there)
    wanted: dict[int, dict[tuple[int, bool], int]] = {}
    kinds, closed = lines["kind"].to_pylist(), lines["is_closed"].to_pylist()
    for key, begin, kind, is_closed in zip(keys[len(there) :].tolist(), begins.tolist(), kinds, closed, strict=True):
        until = allowed[Kind(kind)]
        if until is not None and begin > at_s:
            wanted.setdefault(key, {})[begin, is_closed] = until
    mine = np.flatnonzero(np.isin(keys[: len(there)], list(wanted)))
    of_key: dict[int, list[Segment]] = {}
    for row in mine[np.argsort(starts[mine], kind="stable")].tolist():
        of_key.setdefault(int(keys[row]), []).append((int(starts[row]), int(stops[row]), row))
    made: list[Segment] = []
    gone: list[int] = []
    for key, segments in of_key.items():
        new, old = _shifted(segments, wanted[key])
        made += new
        gone += old
    ends = pa.table(
        {"id": there["id"].take(pa.array(gone, pa.int64())), "at": _instants([int(starts[row]) for row in gone])}, ENDS
    )
    return _copies(there, made), ends


def _shifted(segments: list[Segment], wanted: dict[tuple[int, bool], int]) -> tuple[list[Segment], list[int]]:
    """One rate's dated rows with the beginnings and ends that are wanted later: rows that come, and those that go."""
    begins = [max(start, wanted.get((start, False), start)) for start, _, _ in segments]
    new: list[Segment] = []
    old: list[int] = []
    for place, (start, end, row) in enumerate(segments):
        follows = place + 1 < len(segments) and segments[place + 1][0] == end
        until = begins[place + 1] if follows else max(end, wanted.get((end, True), end))
        if place + 1 < len(segments):
            until = min(until, begins[place + 1])
        if (begins[place], until) == (start, end) and not new and not old:
            continue
        if begins[place] == start and not old and until > end:
            new.append((end, until, row))  # the price before goes on until the change
            continue
        old.append(row)
        if until > begins[place]:
            new.append((begins[place], until, row))
    return new, old


def _copies(there: pa.Table, made: list[Segment]) -> pa.Table:
    rates = there.take(pa.array([row for _, _, row in made], pa.int64()))
    columns: dict[str, Any] = {
        "line": pa.array(range(1, len(made) + 1), pa.int32()),
        "valid_from": _instants([start for start, _, _ in made]),
        "valid_to": _instants([end for _, end, _ in made]),
    }
    arrays = [columns[name] if name in columns else rates[name] for name in LOAD_SCHEMA.names]
    return pa.table(arrays, schema=LOAD_SCHEMA).combine_chunks()


def _instants(seconds: list[int]) -> pa.Array:
    known = [None if each in (EVER.min, EVER.max) else datetime.fromtimestamp(each, UTC) for each in seconds]
    return pa.array(known, _INSTANT)
