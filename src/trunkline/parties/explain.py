"""Why a record is whose: every identity that its fields name, and what became of it.

Who it is, is asked of `rules.Resolver`; here stands only what is said of it. Rule numbers are those of
`docs/algorithms/identification.md`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa

from trunkline.parties.kinds import IdentityKind, Side
from trunkline.parties.rules import IdentityRow, Resolver, Status, enclosing_networks, score


class Verdict(StrEnum):
    """What became of an identity. The values stand in APIs."""

    WON = "won"
    TIED = "tied"  # first together with one of another account: rule 3
    OUTRANKED = "outranked"  # rule 2
    SIDE = "side"
    SWITCH = "switch"
    TECH_PREFIX = "tech_prefix"
    DATES = "dates"


@dataclass(frozen=True, slots=True)
class IdentityTried:
    """One identity that a field of the record names."""

    row: IdentityRow
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Identified:
    """Whose a record is on one side: None for nobody, `status` says why; `cut` is the tech prefix that is no number."""

    account_id: int | None
    status: Status
    cut: str
    tried: tuple[IdentityTried, ...]


def identify(
    rows: Sequence[IdentityRow], fields: Mapping[str, str | None], *, start_ms: int, side: Side, switch: str
) -> Identified:
    """Whose a record is, by identities that `queries.identity_rows_naming` found for its fields.

    `fields` are the columns of `Resolver.resolve`, `called` among them as it came; `start_ms` is UTC.
    """
    columns = {name: pa.array([value or None], pa.string()) for name, value in fields.items()}
    found = Resolver.compile(rows, switch=switch).resolve(columns, np.array([start_ms], np.int64), side)
    status, called = Status(int(found.status[0])), fields.get("called") or ""
    named = [row for row in rows if _is_named(row, fields)]
    missing = [_missing(row, called, start_ms=start_ms, side=side, switch=switch) for row in named]
    ranks = [score(_free_bits(row), row) for row in named]
    best = min((rank for rank, verdict in zip(ranks, missing, strict=True) if verdict is None), default=None)
    first = Verdict.WON if status is Status.OK else Verdict.TIED
    tried = [
        IdentityTried(row, verdict or (first if rank == best else Verdict.OUTRANKED))
        for row, verdict, rank in zip(named, missing, ranks, strict=True)
    ]
    return Identified(
        account_id=int(found.account_id[0]) if status is Status.OK else None,
        status=status,
        cut=called[: int(found.strip_len[0])],
        tried=tuple(sorted(tried, key=lambda each: score(_free_bits(each.row), each.row))),
    )


def _is_named(row: IdentityRow, fields: Mapping[str, str | None]) -> bool:
    value = fields.get(row.kind.column)
    if not value:
        return False
    return row.value in enclosing_networks(value) if row.kind is IdentityKind.IP else row.value == value


def _missing(row: IdentityRow, called: str, *, start_ms: int, side: Side, switch: str) -> Verdict | None:
    """The condition of rule 1 that the identity does not meet, None if it fits."""
    if not row.side.covers(side):
        return Verdict.SIDE
    if row.switch not in (None, switch):
        return Verdict.SWITCH
    if not called.startswith(row.tech_prefix):
        return Verdict.TECH_PREFIX
    begun = row.valid_from_ms is None or row.valid_from_ms <= start_ms
    return None if begun and (row.valid_to_ms is None or start_ms < row.valid_to_ms) else Verdict.DATES


def _free_bits(row: IdentityRow) -> int:
    if row.kind is not IdentityKind.IP:
        return 0
    network = ipaddress.ip_network(row.value)
    return network.max_prefixlen - network.prefixlen
