"""The dial codes of the world, from the metadata of the `phonenumbers` package: real prefixes at any depth.

Three sources of that package are read, none of its numbers parsed: the number patterns of each region (country,
fixed, mobile), the operators by mobile prefix, and the calling codes. Beyond what they hold (about 50,000 codes) real
prefixes are extended by further digits, the area codes of North America by their exchanges first.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from phonenumbers.carrierdata import CARRIER_DATA
from phonenumbers.phonemetadata import PhoneMetadata

from trunkline.simulate.draws import BoolArray, IntArray, mix64
from trunkline.simulate.markets import markets
from trunkline.simulate.numbering import pattern_prefixes

_NON_GEOGRAPHIC = "001"
_KEY_DIGITS = 15
_NANP = 1
_OWN_DEPTH = 5
_SUBSCRIBER_DIGITS = 3


class Kind(StrEnum):
    """What a code reaches."""

    FIXED = "fixed"
    MOBILE = "mobile"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Place:
    """A destination: a name that prices hang on, and how long its numbers are (digits of the E.164 number)."""

    name: str
    iso2: str
    kind: Kind
    operator: str
    digits: int


WORLD_SCHEMA = pa.schema(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("destination", pa.string(), nullable=False),
        pa.field("iso2", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("operator", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, eq=False)
class CodeTable:
    """Dial codes in the order of their digits, each with the index of its place in `places`.

    `code` holds the codes as integers (none begins with 0): int64, as long as `place`.
    """

    code: IntArray
    place: IntArray
    places: tuple[Place, ...]

    def __len__(self) -> int:
        return len(self.code)

    def texts(self) -> pa.Array:
        """The codes as an Arrow array of strings."""
        return pc.cast(pa.array(self.code), pa.string())

    def table(self) -> pa.Table:
        """The codes as an Arrow table of `WORLD_SCHEMA`."""
        index = pa.array(self.place)
        columns = [
            pa.array([getattr(place, name) for place in self.places], pa.string()).take(index)
            for name in ("name", "iso2", "kind", "operator")
        ]
        return pa.Table.from_arrays([self.texts(), *columns], schema=WORLD_SCHEMA)

    def take(self, rows: IntArray | BoolArray) -> CodeTable:
        """The codes of those rows (indices or a mask), with the same places."""
        return CodeTable(self.code[rows], self.place[rows], self.places)

    def is_leaf(self) -> BoolArray:
        """Which codes have no longer code of this table below them."""
        keys, lengths = _keys(self.code)
        end = keys + 10 ** (_KEY_DIGITS - lengths)
        following = np.append(keys[1:], np.iinfo(np.int64).max)
        return np.asarray(following >= end)


def country_codes() -> CodeTable:
    """About 400 codes: calling codes of countries, and the prefixes of those that share one; every kind is `any`."""
    base = _base()
    rows = slice(0, base.country_end)
    return _in_order(CodeTable(base.code[rows], base.country_place, base.places))


def breakout_codes() -> CodeTable:
    """Some thousand codes: countries, their mobile ranges and mobile operators."""
    base = _base()
    return _in_order(CodeTable(base.code[: base.breakout_end], base.place[: base.breakout_end], base.places))


def deep_codes(count: int) -> CodeTable:
    """Exactly `count` codes: countries first, then breakouts, other real prefixes, extended ones.

    The same codes lead every longer table. Raises `ValueError` below the number of country codes and above what the
    number plans leave room for (more than a million).
    """
    base = _base()
    if count < base.country_end:
        raise ValueError(f"the world has {base.country_end} country codes, more than {count}")
    code, place = base.code, base.place
    while len(code) < count:
        more = _extended(code, place, base.places, level=0 if len(code) == len(base.code) else 1)
        if not len(more.code):
            raise ValueError(f"the number plans have no room for {count} codes")
        code, place = np.concatenate([code, more.code]), np.concatenate([place, more.place])
    return _in_order(CodeTable(code[:count], place[:count], base.places))


@cache
def dialled_codes() -> CodeTable:
    """The real codes that no other real code refines: a number that begins with one is of that place for certain."""
    base = _base()
    table = _in_order(CodeTable(base.code, base.place, base.places))
    return table.take(table.is_leaf())


def uncovered_codes() -> tuple[str, ...]:
    """Calling codes that are assigned and of no country (satellite, international networks): no deck here has them."""
    return tuple(
        str(code)
        for code in sorted(COUNTRY_CODE_TO_REGION_CODE)
        if _NON_GEOGRAPHIC in COUNTRY_CODE_TO_REGION_CODE[code]
    )


@dataclass(frozen=True, eq=False)
class _Base:
    """The real codes, shallow ones first; `country_place` gives the first ones their place in a country table."""

    code: IntArray
    place: IntArray
    country_place: IntArray
    places: tuple[Place, ...]
    country_end: int
    breakout_end: int


@dataclass(frozen=True, slots=True)
class _Region:
    iso2: str
    name: str
    calling_code: int
    is_main: bool
    leading: str
    fixed: str
    mobile: str
    digits: dict[Kind, int]


class _Builder:
    """Collects codes in the order of their depth; a code keeps the place it was given first."""

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        self.places: dict[Place, int] = {}
        self.operators: list[str] = []

    def place(self, region: _Region, kind: Kind, operator: str = "") -> int:
        words = [region.name, *(["Mobile"] if kind is Kind.MOBILE else []), *([operator] if operator else [])]
        digits = region.digits.get(kind, max(region.digits.values()))
        found = Place(" ".join(words), region.iso2, kind, operator, digits)
        if found not in self.places:
            self.places[found] = len(self.places)
            self.operators.append(operator)
        return self.places[found]

    def add(self, region: _Region, kind: Kind, prefixes: Iterable[str], operator: str = "") -> None:
        place = self.place(region, kind, operator)
        room = region.digits.get(kind, max(region.digits.values())) - _SUBSCRIBER_DIGITS
        for prefix in prefixes:
            code = f"{region.calling_code}{prefix}"
            if len(code) <= room:
                self.codes.setdefault(int(code), place)

    def has_operator(self, region: _Region, prefix: str) -> bool:
        """Whether a shorter prefix was already given to an operator, who then also has this one."""
        code = str(region.calling_code)
        shorter = (int(code + prefix[:length]) for length in range(1, len(prefix)))
        return any(self.operators[self.codes[found]] for found in shorter if found in self.codes)


@cache
def _base() -> _Base:
    builder = _Builder()
    regions = list(_regions())
    country_place = _add_countries(builder, regions)
    country_end = len(builder.codes)
    operators = list(_operator_prefixes(builder, regions, country_end))
    _add_breakouts(builder, regions, operators)
    breakout_end = len(builder.codes)
    _add_fine(builder, regions, operators)
    code = np.fromiter(builder.codes.keys(), dtype=np.int64)
    place = np.fromiter(builder.codes.values(), dtype=np.int64)
    ends = (country_end, breakout_end, len(code))
    tiers = [np.arange(country_end), *(_scattered(code, begin, end) for begin, end in pairwise(ends))]
    order = np.concatenate(tiers)
    return _Base(code[order], place[order], country_place, tuple(builder.places), country_end, breakout_end)


def _regions() -> Iterator[_Region]:
    known = markets()
    for calling_code, isos in sorted(COUNTRY_CODE_TO_REGION_CODE.items()):
        for iso2 in isos:
            if iso2 == _NON_GEOGRAPHIC:
                continue
            metadata = PhoneMetadata.metadata_for_region(iso2, None)
            if metadata is None:
                raise LookupError(f"phonenumbers lists {iso2} and has no metadata of it")
            patterns, digits = {}, {}
            for kind, desc in ((Kind.FIXED, metadata.fixed_line), (Kind.MOBILE, metadata.mobile)):
                if desc is not None and desc.national_number_pattern and desc.example_number:
                    patterns[kind] = desc.national_number_pattern
                    digits[kind] = len(f"{calling_code}{desc.example_number}")
            fixed, mobile = patterns.get(Kind.FIXED, ""), patterns.get(Kind.MOBILE, "")
            leading = metadata.leading_digits or ""
            yield _Region(iso2, known[iso2].name, calling_code, iso2 == isos[0], leading, fixed, mobile, digits)


def _add_countries(builder: _Builder, regions: list[_Region]) -> IntArray:
    """Adds the codes that tell countries apart; gives each its place in a table of countries alone."""
    mains = {region.calling_code: region for region in regions if region.is_main}
    any_place: list[int] = []
    for region in regions:
        if region.is_main:
            builder.add(region, _root_kind(region), [""])
        else:
            for kind, prefixes in _own_prefixes(region, mains[region.calling_code]).items():
                builder.add(region, kind, prefixes)
        added = len(builder.codes) - len(any_place)
        any_place += [builder.place(region, Kind.ANY)] * added
    return np.asarray(any_place, dtype=np.int64)


def _root_kind(region: _Region) -> Kind:
    """Where the plan does not tell fixed from mobile (North America), everything is `any`."""
    return Kind.ANY if not region.fixed or region.fixed == region.mobile else Kind.FIXED


def _own_prefixes(region: _Region, main: _Region) -> dict[Kind, list[str]]:
    """The prefixes of a region that shares its calling code, where no number of the main region begins so."""
    if region.calling_code == _NANP:
        return {_root_kind(region): list(pattern_prefixes(region.fixed, 3))}
    if region.leading:
        fixed = pattern_prefixes(region.fixed, _OWN_DEPTH) if region.fixed else ()
        own: dict[Kind, list[str]] = {}
        for prefix in pattern_prefixes(region.leading, _OWN_DEPTH):
            is_fixed = any(found.startswith(prefix) or prefix.startswith(found) for found in fixed)
            own.setdefault(Kind.FIXED if is_fixed else Kind.MOBILE, []).append(prefix)
        return own
    patterns = ((_root_kind(region), region.fixed, main.fixed), (Kind.MOBILE, region.mobile, main.mobile))
    return {kind: _apart(own, theirs) for kind, own, theirs in patterns if own and own != theirs}


def _apart(own: str, theirs: str) -> list[str]:
    """The shortest prefixes of `own` of one depth that `theirs` shares none of; at the last depth those unshared."""
    for depth in range(2, _OWN_DEPTH + 1):
        foreign = pattern_prefixes(theirs, depth) if theirs else ()
        prefixes = pattern_prefixes(own, depth)
        unshared = [
            prefix for prefix in prefixes if not any(prefix.startswith(a) or a.startswith(prefix) for a in foreign)
        ]
        if len(unshared) == len(prefixes):
            break
    return unshared


def _operator_prefixes(
    builder: _Builder, regions: list[_Region], country_end: int
) -> Iterator[tuple[_Region, str, str]]:
    """Region, national prefix and operator name of each mobile prefix that has an operator."""
    of_place = {region.iso2: region for region in regions}
    places = list(builder.places)
    roots = {str(code): of_place[places[place].iso2] for code, place in builder.codes.items()}
    for prefix, names in CARRIER_DATA.items():
        region = next((roots[prefix[:end]] for end in range(len(prefix), 0, -1) if prefix[:end] in roots), None)
        if region is not None and names.get("en"):
            yield region, prefix[len(str(region.calling_code)) :], _repaired(names["en"])


def _repaired(name: str) -> str:
    """A few names in the source were decoded twice; every name has single spaces."""
    with contextlib.suppress(UnicodeError):
        name = name.encode("latin-1").decode("utf-8")
    return " ".join(name.split())


def _breakout_depth(region: _Region) -> int:
    return 5 if region.calling_code == _NANP else 3


def _add_breakouts(builder: _Builder, regions: list[_Region], operators: list[tuple[_Region, str, str]]) -> None:
    shares: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    of_iso2 = {region.iso2: region for region in regions}
    for region, prefix, operator in operators:
        cut = prefix[: _breakout_depth(region)]
        shares[region.iso2, cut][operator] += 10 ** (_KEY_DIGITS - len(prefix))
    for (iso2, prefix), names in shares.items():
        builder.add(of_iso2[iso2], Kind.MOBILE, [prefix], names.most_common(1)[0][0])
    for region in regions:
        if region.mobile and region.mobile != region.fixed:
            prefixes = _national(region, region.mobile, _breakout_depth(region))
            builder.add(
                region, Kind.MOBILE, (prefix for prefix in prefixes if not builder.has_operator(region, prefix))
            )


def _national(region: _Region, pattern: str, depth: int) -> Iterator[str]:
    """Prefixes of a pattern that is the region's own: a shared plan's prefixes go to its main region."""
    if not region.is_main and region.calling_code != _NANP and not region.leading:
        return
    yield from (prefix for prefix in pattern_prefixes(pattern, depth) if prefix)


def _add_fine(builder: _Builder, regions: list[_Region], operators: list[tuple[_Region, str, str]]) -> None:
    for region, prefix, operator in operators:
        builder.add(region, Kind.MOBILE, [prefix], operator)
    for region in regions:
        if region.fixed:
            depth = 3 if region.fixed == region.mobile else _breakout_depth(region) + 1
            builder.add(region, _root_kind(region), _national(region, region.fixed, depth))


def _scattered(code: IntArray, begin: int, end: int) -> IntArray:
    """The rows from `begin` to `end` in an order that has nothing to do with geography, always the same."""
    return begin + np.argsort(mix64(code[begin:end].astype(np.uint64)), kind="stable")


def _extended(code: IntArray, place: IntArray, places: tuple[Place, ...], level: int) -> CodeTable:
    """One more level: ten codes below each leaf with room; at level 0 the exchanges below the area codes of +1."""
    table = _in_order(CodeTable(code, place, places))
    leaf = table.is_leaf()
    digits = np.asarray([found.digits for found in places], dtype=np.int64)[table.place]
    _, lengths = _keys(table.code)
    is_area = (lengths == 4) & (table.code // 1000 == _NANP)
    grows = leaf & (lengths + 1 + _SUBSCRIBER_DIGITS <= digits) & (~is_area if level == 0 else True)
    parts = [_children(table.take(grows), np.arange(10), 10)]
    if level == 0:
        parts.append(_children(table.take(leaf & is_area), np.arange(200, 1000), 1000))
    grown = CodeTable(
        np.concatenate([part.code for part in parts]), np.concatenate([part.place for part in parts]), places
    )
    return grown.take(_scattered(grown.code, 0, len(grown.code)))


def _children(table: CodeTable, suffixes: IntArray, scale: int) -> CodeTable:
    code = (table.code[:, None] * scale + suffixes[None, :]).reshape(-1)
    return CodeTable(code, np.repeat(table.place, len(suffixes)), table.places)


def _keys(code: IntArray) -> tuple[IntArray, IntArray]:
    """Codes filled with zeros to 15 digits, which sort as text does, and their lengths."""
    lengths = np.searchsorted(10 ** np.arange(_KEY_DIGITS + 1, dtype=np.int64), code, side="right")
    return code * 10 ** (_KEY_DIGITS - lengths), lengths


def _in_order(table: CodeTable) -> CodeTable:
    keys, lengths = _keys(table.code)
    return table.take(np.lexsort((lengths, keys)))
