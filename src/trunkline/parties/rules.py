"""Pure decisions of the parties: who a record belongs to (`docs/algorithms/identification.md`). No Django, no files."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.e164 import digits_of, is_number_text
from trunkline.core.errors import Invalid
from trunkline.engine.schema import one_array
from trunkline.parties.kinds import IdentityKind, IdentitySide, Side

Column: TypeAlias = Any  # a pyarrow Array or ChunkedArray of text, with or without a dictionary
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

VALUE_LENGTH_MAX: Final = 200
TECH_PREFIX_LENGTH_MAX: Final = 32
PRIORITY_MAX: Final = 32767

_TECH_PREFIX = re.compile(r"[0-9*#]*", re.ASCII)
_MAPPED_IPV4 = 0xFFFF << 32  # the high bits of ::ffff:0:0/96
_EVER: Final = np.iinfo(np.int64)
_NO_SCORE: Final = _EVER.max
_DENSE_MAX: Final = 1 << 20


class Status(IntEnum):
    """What identification found (rules 3 and 4)."""

    OK = 0
    NONE = 1
    UNKNOWN = 2
    AMBIGUOUS = 3


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """One identity, with its value as `identity_value` gives it. Instants are UTC milliseconds; None is no bound."""

    account_id: int
    kind: IdentityKind
    side: IdentitySide
    value: str
    tech_prefix: str = ""
    switch: str | None = None
    priority: int = 100
    valid_from_ms: int | None = None
    valid_to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whose records they are, row for row.

    `account_id` int64, -1 where nobody; `status` int8 of `Status`; `strip_len` int16: how many characters of the called
    number are the tech prefix.
    """

    account_id: Int64s
    status: npt.NDArray[np.int8]
    strip_len: npt.NDArray[np.int16]


def identity_value(kind: IdentityKind, text: str) -> str:
    """The value of an identity in the one form in which values are compared.

    Raises Invalid: `bad_network` (no address or network, or bits set behind the mask), `bad_number` (no E.164 number),
    `bad_identity` (empty, over 200 characters or with control characters).
    """
    text = text.strip()
    if not text or len(text) > VALUE_LENGTH_MAX or not text.isprintable():
        raise Invalid("bad_identity", "An identity needs a value of 1 to 200 printable characters.", value=text[:80])
    if kind is IdentityKind.IP:
        return _network_text(text)
    if kind is IdentityKind.CALLING:
        digits = digits_of(text)
        if not is_number_text(digits):
            raise Invalid("bad_number", f"{text!r} is no international number.", hint="Write it like +254720000001.")
        return digits
    return text


def tech_prefix_text(text: str) -> str:
    """A tech prefix as it is kept. Raises Invalid `bad_tech_prefix` for more than digits, `*` and `#`, at most 32."""
    text = text.strip()
    if len(text) > TECH_PREFIX_LENGTH_MAX or not _TECH_PREFIX.fullmatch(text):
        raise Invalid("bad_tech_prefix", f"{text[:80]!r} is no tech prefix.", hint="Use up to 32 digits, * and #.")
    return text


def _network_text(text: str) -> str:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise Invalid(
            "bad_network", f"{text!r} is no address or network.", hint="Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32."
        ) from error
    first, bits = int(network.network_address), network.prefixlen
    if network.version == 6 and bits >= 96 and first >> 32 << 32 == _MAPPED_IPV4:
        network = ipaddress.IPv4Network((first & 0xFFFFFFFF, bits - 96))
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _address_key(text: str) -> tuple[int, int] | None:
    """(version, number) of an address, None if the text is none."""
    try:
        if ":" not in text:
            return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
        number = int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
    except (OSError, ValueError):
        return None
    if number >> 32 << 32 == _MAPPED_IPV4:
        return 4, number & 0xFFFFFFFF
    return 6, number


def enclosing_networks(address: str) -> list[str]:
    """Every network that holds an address, as identities keep them, the smallest first; none for what is no address."""
    key = _address_key(address)
    if key is None:
        return []
    version, number = key
    bits = 32 if version == 4 else 128
    kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    return [_network_text(str(kind((number >> free << free, bits - free)))) for free in range(bits + 1)]


class _Networks:
    """The networks of a book. They nest or are apart, so the longest one around an address implies the others."""

    def __init__(self, texts: Sequence[str]) -> None:
        networks = [ipaddress.ip_network(text) for text in texts]
        self.free_bits = [network.max_prefixlen - network.prefixlen for network in networks]
        self._group: dict[tuple[int, int, int], int] = {
            (network.version, free, int(network.network_address) >> free): group
            for group, (network, free) in enumerate(zip(networks, self.free_bits, strict=True))
        }
        sizes = {(network.version, free) for network, free in zip(networks, self.free_bits, strict=True)}
        self._free = {version: sorted(free for v, free in sizes if v == version) for version in (4, 6)}
        self._around = [self._all_around(network) for network in networks]

    def _all_around(self, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> list[int]:
        number, own = int(network.network_address), network.max_prefixlen - network.prefixlen
        found = (
            self._group.get((network.version, free, number >> free))
            for free in self._free[network.version]
            if free >= own
        )
        return [group for group in found if group is not None]

    def around(self, group: int) -> list[int]:
        """The network itself and all that hold it."""
        return self._around[group]

    def find(self, texts: Sequence[str | None]) -> Int32s:
        """The longest network around each address, -1 for none."""
        found = np.full(len(texts), -1, np.int32)
        for index, text in enumerate(texts):
            key = _address_key(text) if text else None
            if key is None:
                continue
            version, number = key
            for free in self._free[version]:
                group = self._group.get((version, free, number >> free))
                if group is not None:
                    found[index] = group
                    break
        return found


class _TechPrefixes:
    """The tech prefixes of a book, numbered from 1 in the order of their text; 0 is none.

    In that order the prefixes that begin with one prefix follow it without a gap, so that "begins with" is a comparison
    of two numbers.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = sorted({text for text in texts if text})
        self.number = {"": 0} | {text: n for n, text in enumerate(self.texts, start=1)}
        last = [len(self.texts) + 1]
        for position, text in enumerate(self.texts):
            end = position + 1
            while end < len(self.texts) and self.texts[end].startswith(text):
                end += 1
            last.append(end + 1)
        self.end = np.array(last, np.int32)  # the first number after those that begin with this one; of 0: all
        self._sets = [
            (length, pa.array([text for text in self.texts if len(text) == length]))
            for length in sorted({len(text) for text in self.texts}, reverse=True)
        ]

    def longest(self, called: Column, rows: npt.NDArray[np.intp], count: int) -> Int32s:
        """Number of the longest prefix that the called numbers of `rows` begin with; 0 elsewhere and for none."""
        found = np.zeros(count, np.int32)
        for length, prefixes in self._sets:
            if not len(rows):
                break
            heads = pc.utf8_slice_codeunits(_plain(called).take(pa.array(rows)), 0, length)
            index = _filled(pc.index_in(heads, value_set=prefixes), -1)
            hit = index >= 0
            numbers = np.array([self.number[text] for text in prefixes.to_pylist()], np.int32)
            found[rows[hit]] = numbers[index[hit]]
            rows = rows[~hit]
        return found


def _plain(column: Column) -> Column:
    """A column of text without a dictionary."""
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _filled(column: Column, value: int) -> npt.NDArray[Any]:
    """Integers as an array, with `value` for null."""
    if isinstance(column, pa.ChunkedArray):
        column = one_array(column)
    return column.fill_null(value).to_numpy(zero_copy_only=False) if column.null_count else column.to_numpy()


def _encoded(column: Column) -> pa.DictionaryArray:
    """A column of text as one dictionary array."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if isinstance(column, pa.ChunkedArray):
        column = one_array(column.unify_dictionaries())
    if isinstance(column, pa.ChunkedArray):  # no chunks, or too many bytes for one
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string()).dictionary_encode()
    return column


class _Kind:
    """The identities of one kind: from a value of the record to the group of those that it fits."""

    def __init__(self, kind: IdentityKind, values: Sequence[str]) -> None:
        self.kind = kind
        self.values = values
        self.networks = _Networks(values) if kind is IdentityKind.IP else None
        self.first_group = 0  # groups of all kinds of a book are numbered through
        self._names = pa.array(values, pa.string())

    def groups(self, column: Column) -> tuple[Int32s, Bools]:
        """Of each row the group (-1 for none) and whether the record names anybody at all."""
        if self.kind is IdentityKind.CALLING:  # nearly every row differs: a dictionary would cost more than it saves
            plain = _plain(column)
            return self._numbered(_filled(pc.index_in(plain, value_set=self._names), -1)), _given(plain)
        encoded = _encoded(column)
        distinct = encoded.dictionary
        if self.networks:
            group = self.networks.find(distinct.to_pylist())
        else:
            group = _filled(pc.index_in(distinct, value_set=self._names), -1)
        place = _filled(encoded.indices, len(distinct))
        groups = np.append(self._numbered(group), np.int32(-1))
        given = np.append(_given(distinct), False)
        return groups[place], given[place]

    def _numbered(self, group: npt.NDArray[Any]) -> Int32s:
        return np.where(group >= 0, group + self.first_group, -1).astype(np.int32)


def _given(column: Column) -> Bools:
    """Where a text is neither null nor empty."""
    given = pc.fill_null(pc.greater(pc.binary_length(column), 0), False)
    return np.asarray(given.to_numpy(zero_copy_only=False) if isinstance(given, pa.Array) else given.to_numpy())


class _Book:
    """The identities of one side and one switch, laid out in arrays.

    Identities that fit a value are a *group*: `members[start[g] : start[g + 1]]` are their numbers.
    """

    def __init__(self, rows: Sequence[IdentityRow]) -> None:
        self.account = np.array([row.account_id for row in rows], np.int64)
        self.valid_from = np.array([_EVER.min if r.valid_from_ms is None else r.valid_from_ms for r in rows], np.int64)
        self.valid_to = np.array([_EVER.max if r.valid_to_ms is None else r.valid_to_ms for r in rows], np.int64)
        self.bounds = np.unique(np.concatenate([self.valid_from, self.valid_to]))
        self.prefixes = _TechPrefixes([row.tech_prefix for row in rows])
        self.prefix = np.array([self.prefixes.number[row.tech_prefix] for row in rows], np.int32)
        self.prefix_length = np.array([len(row.tech_prefix) for row in rows], np.int16)
        self.score = np.zeros(len(rows), np.int64)
        self.kinds: dict[IdentityKind, _Kind] = {}
        self._lay_out(rows)

    def _lay_out(self, rows: Sequence[IdentityRow]) -> None:
        by_kind: dict[IdentityKind, dict[str, list[int]]] = {kind: {} for kind in IdentityKind}
        for number, row in enumerate(rows):
            by_kind[row.kind].setdefault(row.value, []).append(number)
        members: list[list[int]] = []
        for kind, numbers in by_kind.items():
            if not numbers:
                continue
            found = self.kinds[kind] = _Kind(kind, list(numbers))
            found.first_group = len(members)
            groups = list(numbers.values())
            networks = found.networks
            for place, group in enumerate(groups):
                for number in group:
                    self.score[number] = score(networks.free_bits[place] if networks else 0, rows[number])
            if networks:
                groups = [[n for around in networks.around(g) for n in groups[around]] for g in range(len(groups))]
            members += groups
        self.members = np.fromiter(chain.from_iterable(members), np.int32)
        self.start = np.zeros(len(members) + 1, np.int64)
        np.cumsum([len(group) for group in members], out=self.start[1:])
        self.has_prefix = np.zeros(len(members), np.bool_)
        if members:
            self.has_prefix = np.maximum.reduceat(self.prefix[self.members], self.start[:-1]) > 0


def score(free_bits: int, row: IdentityRow) -> int:
    """Rule 2 as one number, the lower the better."""
    any_switch = row.switch is None
    return ((free_bits * 64 + (63 - len(row.tech_prefix))) * 2 + any_switch) * (PRIORITY_MAX + 1) + row.priority


class Resolver:
    """Tells whose records are, for the records of one switch. Made once for many tables; holds no state besides."""

    def __init__(self, books: Mapping[Side, _Book]) -> None:
        self._books = books

    @classmethod
    def compile(cls, identities: Sequence[IdentityRow], *, switch: str | None = None) -> Resolver:
        """Prepare the identities for the records of a switch (None: of no known one). Their values are as kept."""
        here = [row for row in identities if row.switch is None or row.switch == switch]
        return cls({side: _Book([row for row in here if row.side.covers(side)]) for side in Side})

    def resolve(self, columns: Mapping[str, Column], start_ms: Int64s, side: Side) -> Resolution:
        """Whose each record is, on one side.

        `columns`: text columns of equal length, plain or dictionary encoded, of which any may be missing: `trunk`,
        `source_ip`, `account_code`, `calling` (E.164 digits), `sip_user`, and `called` (as it came, for tech prefixes).
        `start_ms`: UTC milliseconds. docs/algorithms/identification.md.
        """
        book, count = self._books[side], len(start_ms)
        named = np.zeros(count, np.bool_)
        groups: list[Int32s] = []
        for kind in IdentityKind:
            column = columns.get(kind.column)
            if column is None or len(column) != count:
                if column is not None:
                    raise ValueError(f"{kind.column} has {len(column)} rows, the starts have {count}")
                continue
            known = book.kinds.get(kind)
            if known is not None:
                group, given = known.groups(column)
                groups.append(group)
                named |= given
            elif kind is not IdentityKind.CALLING:
                named |= _given_anywhere(column)
        if not groups or not count:
            status = np.where(named, Status.UNKNOWN, Status.NONE).astype(np.int8)
            return Resolution(np.full(count, -1, np.int64), status, np.zeros(count, np.int16))
        prefix = self._prefixes(book, groups, columns.get("called"), count)
        slices, instants = _time_slices(book.bounds, start_ms)
        inverse, sample = _distinct(
            [(g + 1, len(book.start)) for g in groups] + [(prefix, len(book.prefixes.end)), slices]
        )
        account, ambiguous, strip = _choose(book, [g[sample] for g in groups], prefix[sample], instants[sample])
        account, ambiguous = account[inverse], ambiguous[inverse]
        nobody = np.where(ambiguous, Status.AMBIGUOUS, np.where(named, Status.UNKNOWN, Status.NONE))
        return Resolution(account, np.where(account >= 0, Status.OK, nobody).astype(np.int8), strip[inverse])

    @staticmethod
    def _prefixes(book: _Book, groups: Sequence[Int32s], called: Column | None, count: int) -> Int32s:
        """The longest tech prefix of each record for which one could matter."""
        if called is None or not book.prefixes.texts:
            return np.zeros(count, np.int32)
        matters = np.zeros(count, np.bool_)
        has_prefix = np.append(book.has_prefix, False)
        for group in groups:
            matters |= has_prefix[group]
        return book.prefixes.longest(called, np.flatnonzero(matters), count)


def _given_anywhere(column: Column) -> Bools:
    encoded = _encoded(column)
    return np.append(_given(encoded.dictionary), False)[_filled(encoded.indices, len(encoded.dictionary))]


def _time_slices(bounds: Int64s, start_ms: Int64s) -> tuple[tuple[Int64s, int], Int64s]:
    """Numbers of the stretches between bounds in which records start, how many there can be, and the starts.

    Within a stretch every identity fits throughout or not at all, so that any start of it stands for all.
    """
    inside = bounds[(bounds > start_ms.min()) & (bounds <= start_ms.max())]
    if not len(inside):
        return (np.zeros(len(start_ms), np.int64), 1), start_ms
    return (np.searchsorted(inside, start_ms, side="right").astype(np.int64), len(inside) + 1), start_ms


def _distinct(parts: Sequence[tuple[npt.NDArray[Any], int]]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Equal rows of several small numbers become one: (index of the distinct row of each row, a row of each of them).

    A part is an array of numbers from 0 and their bound.
    """
    code, size = parts[0][0].astype(np.int64), parts[0][1]
    for part, bound in parts[1:]:
        if bound == 1:
            continue
        if size * bound > _EVER.max:
            code = pa.array(code).dictionary_encode().indices.to_numpy().astype(np.int64)
            size = len(code)
        code = code * bound + part
        size *= bound
    if size <= max(_DENSE_MAX, len(code)):
        seen = np.zeros(size, np.bool_)
        seen[code] = True
        place = np.zeros(size, np.int32)
        place[seen] = np.arange(np.count_nonzero(seen), dtype=np.int32)
        inverse, count = place[code], int(np.count_nonzero(seen))
    else:
        encoded = pa.array(code).dictionary_encode()
        inverse, count = encoded.indices.to_numpy(), len(encoded.dictionary)
    sample = np.zeros(count, np.intp)
    sample[inverse] = np.arange(len(code))
    return inverse, sample


def _choose(
    book: _Book, groups: Sequence[Int32s], prefix: Int32s, instant: Int64s
) -> tuple[Int64s, Bools, npt.NDArray[np.int16]]:
    """Rules 1 to 3 for distinct records: (account or -1, ambiguous, length of the tech prefix).

    Looks at the first member of every record's group, then at the second, and so on: as many steps as the largest group
    has members, each over all records at once.
    """
    count = len(prefix)
    best = np.full(count, _NO_SCORE, np.int64)
    account = np.full(count, -1, np.int64)
    ambiguous = np.zeros(count, np.bool_)
    strip = np.zeros(count, np.int16)
    for group in groups:
        active = np.flatnonzero(group >= 0)
        first, after = book.start[group[active]], book.start[group[active] + 1]
        while len(active):
            member = book.members[first]
            wanted, longest, at = book.prefix[member], prefix[active], instant[active]
            # The longest prefix of the record begins with the identity's, or is it.
            fits = (wanted == 0) | ((wanted <= longest) & (longest < book.prefixes.end[wanted]))
            fits &= (book.valid_from[member] <= at) & (at < book.valid_to[member])
            fits &= book.score[member] <= best[active]
            row, found = active[fits], member[fits]
            better = book.score[found] < best[row]
            ambiguous[row] = ~better & (ambiguous[row] | (account[row] != book.account[found]))
            best[row], account[row], strip[row] = book.score[found], book.account[found], book.prefix_length[found]
            first = first + 1
            more = first < after
            active, first, after = active[more], first[more], after[more]
    account[ambiguous] = -1
    strip[ambiguous] = 0
    return account, ambiguous, strip
