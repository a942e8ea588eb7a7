"""The lines of a sheet as people look at them: what each changes, from what, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.kit.db.scope import current_tenant_id
from trunkline.pricing import files
from trunkline.pricing.compare import Differs, Kind
from trunkline.pricing.models import SheetImport
from trunkline.tariffs.models import Rate
from trunkline.tariffs.rules import describe_steps, parse_steps

# What is looked at first.
ORDER = (
    Kind.REFUSED, Kind.INCREASE, Kind.BLOCKED, Kind.CLOSED, Kind.INCREMENT, Kind.MOVED, Kind.NEW, Kind.DECREASE, Kind.UNCHANGED,
)  # fmt: skip


def change_rows(
    sheet: SheetImport,
    *,
    kind: str | None = None,
    code: str = "",
    name: str = "",
    is_put_off: bool = False,
    limit: int,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Lines of a sheet, by kind, each with the price in force when it begins. Raises Invalid `unknown_kind`.

    `code`: only codes that begin so; `name`: only destinations with these words in their name; `is_put_off`: only those that begin later than the sheet asks.
    """
    lines = files.read_table(files.find_import_folder(current_tenant_id(), sheet.public_id) / files.LINES)
    kinds = lines["kind"].to_numpy()
    wanted = np.ones(len(lines), np.bool_)
    if kind is not None:
        if kind.upper() not in Kind.__members__:
            raise Invalid(
                "unknown_kind", f"There is no kind {kind!r}.", hint=", ".join(each.name.lower() for each in Kind)
            )
        wanted &= kinds == Kind[kind.upper()]
    if code:
        wanted &= np.asarray(pc.starts_with(lines["code"].combine_chunks(), code).to_numpy(zero_copy_only=False))
    if name:
        named = pc.match_substring(lines["destination"].combine_chunks(), name, ignore_case=True)
        wanted &= np.asarray(named.fill_null(False).to_numpy(zero_copy_only=False))
    if is_put_off:
        later = pc.not_equal(lines["asked"], lines["valid_from"]).combine_chunks()
        wanted &= np.asarray(later.to_numpy(zero_copy_only=False))
    rank = np.array([ORDER.index(each) for each in Kind], np.int8)
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(rank[kinds[rows]], kind="stable")][offset : offset + limit]
    shown = lines.take(pa.array(rows)).to_pylist()
    before = Rate.objects.select_related("destination").in_bulk([row["before"] for row in shown if row["before"]])
    return [_row(row, before.get(row["before"])) for row in shown]


def closed_rows(sheet: SheetImport, *, code: str = "", limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Codes that a sheet closes or leaves out, by code: their price, until when it holds, and what their numbers fall to then.

    `falls_to` is the longest shorter code that is in force then, this sheet's lines among them, with its price; empty: they have none.
    """
    place = files.find_import_folder(current_tenant_id(), sheet.public_id)
    ends = files.read_table(place / files.CLOSINGS)
    chosen = ends.filter(pc.starts_with(ends["code"], code)) if code else ends
    closed = chosen.sort_by([("code", "ascending"), ("id", "ascending")]).slice(offset, limit).to_pylist()
    # What is for an origin falls to what is for everybody of the same code as well.
    shorter = sorted(
        {each["code"][:length] for each in closed for length in range(len(each["code"]) + _has_origin(each))}
    )
    ended = set(ends["id"].filter(pc.is_in(ends["code"], pa.array(shorter, pa.string()))).to_pylist())
    rates = Rate.objects.filter(tariff=sheet.tariff, code__in=shorter, voided_at=None).exclude(pk__in=ended)
    standing = list(rates)
    lines = files.read_table(place / files.LINES)
    is_head = pc.and_(lines["is_written"], pc.is_in(lines["code"], pa.array(shorter, pa.string())))
    coming = lines.filter(is_head).to_pylist()

    def falls_to(each: dict[str, Any]) -> str:
        code, origin, at = each["code"], each.get("origin"), each["at"]
        for length, wanted in _heads(len(code), origin):
            head = code[:length]
            found = [
                line
                for line in coming
                if line["code"] == head and line.get("origin") == wanted and line["valid_from"] <= at
            ]
            if found:
                last = max(found, key=lambda line: line["valid_from"])
                return f"{_place(head, wanted)}: {_price(last['steps'], last['blocked'], closed=False)}"
            kept = [rate for rate in standing if (rate.code, rate.origin) == (head, wanted) and _holds(rate, at)]
            if kept:
                return f"{_place(head, wanted)}: {_price(kept[0].steps, kept[0].blocked, closed=False)}"
        return ""

    return [
        {
            "code": each["code"],
            "origin": each.get("origin") or "",
            "destination": each["destination"] or "",
            "price": _price(each["steps"], each["blocked"], closed=False),
            "closes": each["at"].date().isoformat(),
            "falls_to": falls_to(each),
        }
        for each in closed
    ]


def _has_origin(closed: dict[str, Any]) -> bool:
    return closed.get("origin") is not None


def _heads(length: int, origin: str | None) -> Iterator[tuple[int, str | None]]:
    """What a closed code of so many digits falls to, in the order in which it does: lengths, each with an origin or none."""
    if origin is not None:
        yield length, None
    for shorter in reversed(range(length)):
        if origin is not None:
            yield shorter, origin
        yield shorter, None


def _place(code: str, origin: str | None) -> str:
    return (code or "*") + (f" from {origin}" if origin else "")


def _holds(rate: Rate, at: datetime) -> bool:
    return (rate.valid_from is None or rate.valid_from <= at) and (rate.valid_to is None or at < rate.valid_to)


def _row(row: dict[str, Any], before: Rate | None) -> dict[str, Any]:
    differs = Differs(row["differs"])
    notes = [row["refused"]] if row["refused"] else []
    if differs & Differs.DESTINATION and before is not None and before.destination is not None:
        notes.append(f"was {before.destination.name}")
    if row["is_short"]:
        notes.append("short_notice")
    if row["asked"] != row["valid_from"]:
        notes.append(f"asked for {row['asked'].date()}")
    closed = row["is_closed"]
    return {
        "line": row["line"],
        "kind": Kind(row["kind"]).name.lower(),
        "code": row["code"],
        "destination": row["destination"] or "",
        "tag": row["tag"] or "",
        "origin": row.get("origin") or "",
        "time_profile": row["time_profile"] or "",
        "before": "" if before is None else _price(before.steps, before.blocked, closed=False),
        "price": _price(row["steps"], row["blocked"], closed=closed),
        "begins": row["valid_from"].date().isoformat(),
        "note": ", ".join(notes),
    }


def _price(steps: str, blocked: bool, *, closed: bool) -> str:
    if closed:
        return "closed"
    return "blocked" if blocked else describe_steps(parse_steps(steps))


def error_rows(sheet: SheetImport, *, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """Rows of a sheet that gave no line: where, why, and what stands there."""
    errors = files.read_table(files.find_import_folder(current_tenant_id(), sheet.public_id) / files.ERRORS)
    return list(errors.slice(offset, limit).to_pylist())
