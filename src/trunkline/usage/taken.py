"""Records already taken: telling new records from duplicates, against the stored segments of the switch and within the file itself.

docs/algorithms/duplicates.md says how. In short: a filter of hash bits clears nearly every new record at once; the rest is looked up in the
sorted key hashes of stored segments and of the file's earlier chunks; where a hash is there, the full key decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from trunkline.engine.keyhash import combine, hash_text
from trunkline.engine.schema import one_array
from trunkline.usage.claimed_legs import ClaimedLegs, StoredLegs
from trunkline.usage.fates import Fate, Fates
from trunkline.usage.segments import watch
from trunkline.usage.store import DAY_MS, KEY_INDEX, KEY_SUFFIX, KeyColumns, write_key_index
from trunkline.usage.stored import read_rows

Hashes = NDArray[np.uint64]
Rows = NDArray[np.int64]

EPOCH: Final = date(1970, 1, 1)
BITS_PER_KEY: Final = 16
FILTER_BITS_MIN: Final = 14  # of the number of words
FILTER_BITS_MAX: Final = 24
FILTER_BLOCK: Final = 65_536
CONTENT_COLUMNS: Final = (
    "called_raw", "calling_raw", "start", "answer", "end", "duration_ms", "quantity", "attempt", "is_last", "service",
    "trunk_in", "trunk_out", "account_code", "cause",
)  # fmt: skip
_OF_COMPANY: Final = tuple(CONTENT_COLUMNS.index(name) for name in ("attempt", "is_last"))


# A claim's file. `day`: UTC, counted from 1970.
CLAIMED: Final = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("hash", pa.uint64(), nullable=False),
        pa.field("content", pa.uint64(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("day", pa.int64(), nullable=False),
    ]
)
Days = tuple[int, int] | None


class StoredFile(Protocol):
    """A segment of the catalogue."""

    @property
    def id(self) -> int: ...
    @property
    def path(self) -> Path: ...
    @property
    def rows(self) -> int: ...
    @property
    def day(self) -> date: ...


# Live segments of the switch whose UTC day lies in [first, last].
FindSegments = Callable[[date, date], Sequence[StoredFile]]


def key_hash(keys: pa.Array | pa.ChunkedArray) -> Hashes:
    """The 64-bit hash of record keys. It only says what is certainly new."""
    return hash_text(keys)


def key_columns(events: pa.Table) -> KeyColumns:
    """Hashes of the keys and of what else makes two records the same, row for row."""
    parts = [_content_hash(events[name]) for name in CONTENT_COLUMNS]
    if "legs" in events.column_names and events["legs"].null_count < len(events):
        is_own = events["legs"].is_null().combine_chunks().to_numpy(zero_copy_only=False)
        for at in _OF_COMPANY:  # the number of an attempt depends on the others that are known with it
            parts[at] = np.where(is_own, parts[at], np.uint64(0))
    return KeyColumns(key_hash(events["key"]), combine(*parts))


def _content_hash(column: pa.ChunkedArray) -> Hashes:
    if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
        return hash_text(column)
    array = one_array(column)
    if pa.types.is_boolean(array.type):
        return array.to_numpy(zero_copy_only=False).astype(np.uint64)
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.int64())
    missing = -(2**15) if array.type == pa.int16() else -(2**63)
    return array.fill_null(missing).to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64)


@dataclass(slots=True)
class _Run:
    """Sorted key hashes of one stored segment or one earlier chunk, with where the full keys are."""

    hashes: Hashes
    contents: Hashes
    rows: NDArray[np.uint32]
    day: int = 0
    segment: Path | None = None
    keys: _Stated | None = None
    stored: StoredFile | None = None

    def find(self, wanted: Hashes) -> Iterator[tuple[Rows, Rows]]:
        """(positions in `wanted`, positions here) of the hashes that are here; once more for each further key of the same hash."""
        if not len(self.hashes):
            return
        at = np.searchsorted(self.hashes, wanted)
        where = np.flatnonzero(at < len(self.hashes))
        while len(where):
            where = where[self.hashes[at[where]] == wanted[where]]
            if not len(where):
                return
            yield where, at[where]
            at[where] += 1
            where = where[at[where] < len(self.hashes)]


class _Filter:
    """Says of a key hash that it is certainly new, or that it may be taken: a Bloom filter whose bits for one key lie in one word.

    The upper bits of a hash choose the word, three groups of six below them its bits; one of a hundred new keys is suspected. The words are
    marked in the order of the hashes and a block at a time, so that they stay in the cache.
    """

    def __init__(self, keys: int) -> None:
        bits = min(max((keys * BITS_PER_KEY // 64).bit_length(), FILTER_BITS_MIN), FILTER_BITS_MAX)
        self._shift = np.uint64(64 - bits)
        self._below = tuple(np.uint64(64 - bits - 6 * each) for each in (1, 2, 3))
        self._words = np.zeros(1 << bits, np.uint64)

    def is_full(self, keys: int) -> bool:
        """Whether a larger filter should take this one's place."""
        return keys * BITS_PER_KEY > 128 * len(self._words) and len(self._words) < 1 << FILTER_BITS_MAX

    def mark(self, ordered: Hashes) -> None:
        """Mark hashes, which ascend."""
        for low in range(0, len(ordered), FILTER_BLOCK):
            words, masks = self._places(np.asarray(ordered[low : low + FILTER_BLOCK]))
            firsts = np.flatnonzero(np.concatenate(([True], words[1:] != words[:-1])))
            self._words[words[firsts]] |= np.bitwise_or.reduceat(masks, firsts)

    def is_marked(self, ordered: Hashes) -> NDArray[np.bool_]:
        """Which of these hashes may have been marked."""
        words, masks = self._places(ordered)
        return self._words[words] & masks == masks

    def _places(self, hashes: Hashes) -> tuple[Rows, Hashes]:
        one, six = np.uint64(1), np.uint64(63)
        masks = one << ((hashes >> self._below[0]) & six)
        masks |= one << ((hashes >> self._below[1]) & six)
        masks |= one << ((hashes >> self._below[2]) & six)
        return (hashes >> self._shift).view(np.int64), masks


@dataclass(slots=True)
class _Claim:
    """Rows held to be stored already because their hash is; the full keys are compared when the file is through."""

    run: _Run
    stored_rows: NDArray[np.uint32]
    keys: pa.Array
    lines: Rows


@dataclass(frozen=True, slots=True)
class Claim:
    """The keys of chunk `number`, for whoever tells duplicates; they lie in `file`, an Arrow file of CLAIMED.

    First come the `rows` that could be priced. Of the others, rows that could not and lines of which only the key could be read, it is just
    asked whether they were taken before. `days` are the first and the last UTC day, counted from 1970, of all records.
    """

    number: int
    file: Path
    rows: int
    days: tuple[int, int] | None
    legs: ClaimedLegs | None = None  # where records are made of legs; not for other processes


def state_claim(
    number: int, file: Path, candidates: pa.Table, columns: KeyColumns, others: Sequence[pa.Array], days: Days
) -> Claim:
    """State the claim of a chunk: `candidates` are the priced rows, `columns` their hashes, `others` further keys."""
    rest = pa.concat_arrays([pc.fill_null(keys, "") for keys in others])
    nothing = np.zeros(len(rest), np.int64)
    start = candidates["start"].cast(pa.int64()).to_numpy()
    table = pa.table(
        [
            pa.chunked_array([*candidates["key"].chunks, rest]),
            np.concatenate((columns.hashes, key_hash(rest))),
            np.concatenate((columns.contents, nothing.view(np.uint64))),
            np.concatenate((candidates["line"].to_numpy(), nothing)),
            np.concatenate((start // DAY_MS, nothing)),
        ],
        schema=CLAIMED,
    )
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, CLAIMED) as writer:
        # One batch, also where there are no rows: a table without any would be written without one.
        writer.write_batch(pa.record_batch([one_array(column) for column in table.columns], schema=CLAIMED))
    return Claim(number, file, len(candidates), days)


class _Stated:
    """A claim as it is read. The keys stay in the file: they are rarely compared, and are a third of what was read."""

    def __init__(self, claim: Claim) -> None:
        self._file = claim.file
        self._keys: pa.Array | None = None
        table = _mapped(claim.file)
        self.legs = claim.legs
        self.rows = rows = claim.rows
        hashes = table["hash"].chunk(0).to_numpy()
        self.hashes, self.other_hashes = hashes[:rows], hashes[rows:]
        self.contents, self.lines, self.days = (
            table[name].chunk(0).to_numpy()[:rows] for name in ("content", "line", "day")
        )

    def keys(self, rows: Rows) -> pa.Array:
        if self._keys is None:
            self._keys = _mapped(self._file)["key"].chunk(0)
        return self._keys.take(pa.array(rows))

    def put_aside(self) -> None:
        """Keep no more of it in memory than what is asked for: the keys."""
        self.hashes = self.contents = self.other_hashes = np.empty(0, np.uint64)
        self.lines = self.days = np.empty(0, np.int64)


def _mapped(file: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(file))).read_all()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The keys of which a person has said that the new content is right; None: all of them."""

    keys: frozenset[str] | None

    def holds(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which of these keys it was said of, by their hashes."""
        if self.keys is None:
            return np.ones(len(hashes), np.bool_)
        return np.isin(hashes, key_hash(pa.array(sorted(self.keys), pa.string())))

    def holds_any(self, keys: Sequence[str]) -> bool:
        """Whether it was said of one of these keys."""
        return self.keys is None or not self.keys.isdisjoint(keys)


@dataclass(slots=True)
class TakenKeys:
    """The keys that the switch has already taken, growing with the file. Chunks must be sifted in the order of the file.

    `doubtful` are lines whose full key is compared at once, because its hash is also another key's (`collisions()` of an earlier
    run over the same file). Where the stored record of a key has other content and the key is `accepted`, the row is new and the stored one
    is `replaced`: rows by the id of their segment.
    """

    find_segments: FindSegments
    window_days: int
    expected_rows: int
    doubtful: frozenset[int] = frozenset()
    accepted: Accepted | None = None
    replaced: dict[int, tuple[StoredFile, set[int]]] = field(default_factory=dict)
    _stored: list[_Run] = field(default_factory=list)
    _earlier: list[_Run] = field(default_factory=list)
    _known: set[int] = field(default_factory=set)
    _days: tuple[int, int] | None = None
    _filter: _Filter = field(default_factory=lambda: _Filter(0))
    _held: int = 0
    _claims: list[_Claim] = field(default_factory=list)

    def judge(self, claim: Claim) -> Fates:
        """Tell what of a chunk is new, which is taken from now on, and what was taken before. Fates of rows, then of the other keys."""
        if claim.days is not None:
            self.reach(*claim.days)
        stated = _Stated(claim)
        fates = np.zeros(stated.rows + len(stated.other_hashes), np.int8)
        if stated.rows:
            self._sift(stated, fates[: stated.rows])
        others = fates[stated.rows :]
        for run in self._stored:
            for wanted, at in run.find(stated.other_hashes):
                same = _equal(run, run.rows[at], stated, stated.rows + wanted)
                others[wanted[same]] = Fate.DUPLICATE
        if claim.legs is not None:
            self._weigh_legs(claim.legs, stated, fates)
        stated.put_aside()
        return fates

    def _weigh_legs(self, legs: ClaimedLegs, stated: _Stated, fates: Fates) -> None:
        """Tell the legs that are known of a taken call, which are duplicates, from those that come late."""
        wanted = legs.doubtful_rows(fates)
        hashes = np.concatenate((stated.hashes, stated.other_hashes))[wanted]
        order = np.argsort(hashes)
        for run in (*self._stored, *self._earlier):
            for found, at in run.find(hashes[order]):
                rows = wanted[order[found]]
                same = _equal(run, run.rows[at], stated, rows)
                if run.segment is not None:
                    same &= np.abs(legs.days[rows] - run.day) <= self.window_days
                rows, stored = rows[same], run.rows[at[same]]
                if len(rows):
                    legs.judge(rows, _legs_of(run), stored, fates)

    def _sift(self, stated: _Stated, fates: Fates) -> None:
        order, ordered = _sorted(stated.hashes)
        suspects = np.flatnonzero(self._filter.is_marked(ordered))
        self._match(stated, order[suspects], ordered[suspects], fates)
        _match_within(stated, order, ordered, fates)
        self._take(stated, order, ordered, fates)

    def collisions(self) -> frozenset[int]:
        """Lines that were held to be stored already and are not: another key has the same hash. Almost always empty."""
        found: set[int] = set()
        by_run: dict[int, list[_Claim]] = {}
        for claim in self._claims:
            by_run.setdefault(id(claim.run), []).append(claim)
        for claims in by_run.values():
            rows = np.concatenate([claim.stored_rows for claim in claims])
            keys = pa.chunked_array([claim.keys for claim in claims]).combine_chunks()
            lines = np.concatenate([claim.lines for claim in claims])
            same = pc.equal(_keys_of(claims[0].run, rows), keys).to_numpy(zero_copy_only=False)
            found.update(int(line) for line in lines[~same])
        return frozenset(found)

    def reach(self, first: int, last: int) -> None:
        """Take in the stored segments around these days."""
        first, last = first - self.window_days, last + self.window_days
        if self._days is not None:
            if self._days[0] <= first and last <= self._days[1]:
                return
            first, last = min(first, self._days[0]), max(last, self._days[1])
        self._days = (first, last)
        for segment in self.find_segments(EPOCH + timedelta(days=first), EPOCH + timedelta(days=last)):
            if segment.id not in self._known:
                self._known.add(segment.id)
                self._stored.append(_open_stored(segment))
        self._redraw()

    def _redraw(self) -> None:
        """Make the filter anew for what is held and what the file will add."""
        runs = [*self._stored, *self._earlier]
        self._held = sum(len(run.hashes) for run in runs)
        self._filter = _Filter(max(self._held + self.expected_rows, 2 * self._held))
        for run in runs:
            self._filter.mark(run.hashes)

    def _match(self, stated: _Stated, rows: Rows, hashes: Hashes, fates: Fates) -> None:
        """Settle the rows whose hash a stored segment or an earlier chunk has."""
        lines, days = stated.lines, stated.days
        is_doubtful = np.isin(lines, list(self.doubtful)) if self.doubtful else np.zeros(len(lines), np.bool_)
        for run in (*self._earlier, *self._stored):
            for wanted, found in run.find(hashes):
                here = rows[wanted]
                open_ = fates[here] == Fate.NEW
                if run.segment is not None:
                    open_ &= np.abs(days[here] - run.day) <= self.window_days
                here, at = here[open_], found[open_]
                compared = is_doubtful[here] if run.segment is not None else np.ones(len(here), np.bool_)
                same = ~compared
                same[compared] = _equal(run, run.rows[at[compared]], stated, here[compared])
                here, at, compared = here[same], at[same], compared[same]
                if not compared.all():
                    late = ~compared
                    self._claims.append(_Claim(run, run.rows[at[late]], stated.keys(here[late]), lines[here[late]]))
                fates[here] = np.where(run.contents[at] == stated.contents[here], Fate.DUPLICATE, Fate.CONFLICT)
                if self.accepted is not None and run.stored is not None:
                    self._replace(run, at, stated.hashes[here], here, fates)

    def _replace(self, run: _Run, at: Rows, hashes: Hashes, here: Rows, fates: Fates) -> None:
        """Let rows that say something else of a stored record take its place, where that was accepted."""
        if self.accepted is None or run.stored is None:
            return
        wanted = (fates[here] == Fate.CONFLICT) & self.accepted.holds(hashes)
        fates[here[wanted]] = Fate.NEW
        self.replace((run.stored, row) for row in run.rows[at[wanted]].tolist())

    def replace(self, places: Iterable[tuple[StoredFile, int]]) -> None:
        """Note that these stored records are replaced, each by its segment and row."""
        for segment, row in places:
            self.replaced.setdefault(segment.id, (segment, set()))[1].add(row)

    def _take(self, stated: _Stated, order: Rows, ordered: Hashes, fates: Fates) -> None:
        new = fates[order] == Fate.NEW
        rows = order[new]
        self._earlier.append(_Run(ordered[new], stated.contents[rows], rows.astype(np.uint32), keys=stated))
        self._held += len(rows)
        if self._filter.is_full(self._held):
            self._redraw()
        else:
            self._filter.mark(ordered[new])


def _sorted(hashes: Hashes) -> tuple[Rows, Hashes]:
    """Rows by hash, those of one hash in the order of the file; and the hashes. A stable sort of the few equal ones costs a third of one of all."""
    order = np.argsort(hashes)
    ordered = hashes[order]
    is_equal = np.concatenate(([False], ordered[1:] == ordered[:-1]))
    is_equal[:-1] |= is_equal[1:]
    places = np.flatnonzero(is_equal)
    if len(places):
        rows = order[places]
        order[places] = rows[np.lexsort((rows, ordered[places]))]
    return order, ordered


def _match_within(stated: _Stated, order: Rows, ordered: Hashes, fates: Fates) -> None:
    """Settle the rows whose hash an earlier row of the same chunk has."""
    repeats = np.flatnonzero(np.concatenate(([False], ordered[1:] == ordered[:-1])))
    if not len(repeats):
        return
    firsts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    head = order[firsts[np.searchsorted(firsts, repeats, side="right") - 1]]
    here = order[repeats]
    open_ = fates[here] == Fate.NEW
    head, here = head[open_], here[open_]
    same = pc.equal(stated.keys(head), stated.keys(here)).to_numpy(zero_copy_only=False)
    equal = stated.contents[head] == stated.contents[here]
    fates[here[same]] = np.where(equal[same], Fate.DUPLICATE, Fate.CONFLICT)
    if not same.all():
        _match_collided(stated, np.sort(here[~same]), fates)


def _match_collided(stated: _Stated, rows: Rows, fates: Fates) -> None:
    """Rows of different keys with one hash: told apart one by one."""
    seen: dict[str, int] = {}
    for row, key in zip(rows.tolist(), stated.keys(rows).to_pylist(), strict=True):
        first = seen.setdefault(key, row)
        if first != row:
            fates[row] = Fate.DUPLICATE if stated.contents[first] == stated.contents[row] else Fate.CONFLICT


def _equal(run: _Run, at: NDArray[np.uint32], stated: _Stated, rows: Rows) -> NDArray[np.bool_]:
    """Whether the key of each row of the run is that of the claim's row beside it."""
    if not len(rows):
        return np.zeros(0, np.bool_)
    return pc.equal(_keys_of(run, at), stated.keys(rows)).to_numpy(zero_copy_only=False)


def _legs_of(run: _Run) -> StoredLegs:
    """The legs that the records of a run name."""
    if run.segment is not None:
        return StoredLegs.read(run.segment)
    return run.keys.legs.stored if run.keys is not None and run.keys.legs is not None else StoredLegs.nothing()


def _keys_of(run: _Run, rows: NDArray[np.uint32]) -> pa.Array:
    """The full keys of rows of a run, in the order of `rows`."""
    if run.keys is not None:
        return run.keys.keys(rows.astype(np.int64))
    file = pq.ParquetFile(run.segment, memory_map=True)
    ends = np.cumsum([file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)])
    groups = np.searchsorted(ends, rows, side="right")
    parts: list[pa.Array] = []
    places: list[Rows] = []
    for group in np.unique(groups):
        wanted = np.flatnonzero(groups == group)
        first = int(ends[group - 1]) if group else 0
        keys = file.read_row_group(int(group), columns=["key"])["key"]
        parts.append(keys.take(pa.array(rows[wanted].astype(np.int64) - first)).combine_chunks())
        places.append(wanted)
    back = np.argsort(np.concatenate(places))
    return pa.concat_arrays(parts).take(pa.array(back))


def _open_stored(segment: StoredFile) -> _Run:
    index = segment.path.with_name(segment.path.name + KEY_SUFFIX)
    try:
        table = _mapped(index)
    except (FileNotFoundError, pa.ArrowInvalid):
        table = KEY_INDEX.empty_table()
    if len(table) != segment.rows:  # missing, cut off or of another file
        with watch([segment.path]):
            rebuild_key_index(segment.path)
        table = _mapped(index)
    # Not combined, which would copy what is mapped.
    hashes, contents, rows = (table[name].chunk(0).to_numpy() for name in KEY_INDEX.names)
    return _Run(
        hashes, contents, rows, day=segment.day.toordinal() - EPOCH.toordinal(), segment=segment.path, stored=segment
    )


def keys_by_row(segment: StoredFile) -> KeyColumns:
    """The hashes of a segment's keys and contents, row for row."""
    run = _open_stored(segment)
    found = KeyColumns(np.empty(segment.rows, np.uint64), np.empty(segment.rows, np.uint64))
    found.hashes[run.rows], found.contents[run.rows] = run.hashes, run.contents
    return found


def rows_with_hash(segment: StoredFile, hashed: Hashes) -> list[int]:
    """The rows of a segment whose key has that one hash: whoever reads them compares the key. Nothing is scanned."""
    run = _open_stored(segment)
    return sorted(int(row) for _, at in run.find(hashed) for row in run.rows[at])


def rows_of_keys(segment: StoredFile, keys: pa.Array) -> list[tuple[int, int]]:
    """Where records of a segment have one of these keys: the place of the key, and the row."""
    run = _open_stored(segment)
    found: list[tuple[int, int]] = []
    for wanted, at in run.find(key_hash(keys)):
        rows = run.rows[at]
        same = pc.equal(_keys_of(run, rows), keys.take(pa.array(wanted))).to_numpy(zero_copy_only=False)
        found += zip(wanted[same].tolist(), rows[same].tolist(), strict=True)
    return found


def rebuild_key_index(segment: Path) -> None:
    """Make the key index of a segment again from the segment itself."""
    names = ["key", *CONTENT_COLUMNS, "legs"]
    with pq.ParquetFile(segment) as file:
        groups = [read_rows(file, group, names) for group in range(file.num_row_groups)]
        write_key_index(segment, [key_columns(group) for group in groups])
