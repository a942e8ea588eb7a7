"""Random sequences of files, re-ratings, documents and voidings of one day: what stands where, and that its records are its lines.

A model keeps each record with everything that was ever said of it. What the rules say of the rollups must be what the records say, or no
document of such a sequence could be issued.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.currency import get_currency
from trunkline.core.money import Amount
from trunkline.core.period import DatePeriod
from trunkline.invoicing.choices import LineKind, Unit
from trunkline.invoicing.rules import Bucket, Day, Key, Piece, Sums, Terms, Texts, build_lines, find_adjusted, sort_days

DAY = date(2026, 3, 10)
MARCH = DatePeriod(date(2026, 3, 1), date(2026, 4, 1))
APRIL = DatePeriod(date(2026, 4, 1), date(2026, 5, 1))
TEXTS = Texts({1: "Kenya", 2: "Uganda"}, {n: Terms(f"0.0{n}/min", Unit.SECOND) for n in range(1, 4)}, "Other", "free")
Price = tuple[int, int]  # destination, price row


@dataclass(frozen=True)
class Version:
    """What a batch said of a record."""

    batch: int
    price: Price
    amount: int

    @property
    def sums(self) -> Sums:
        return Sums(1, 1, 60, 60, Amount(self.amount))


@dataclass
class Rollup:
    number: int
    batch: int
    price: Price
    sums: Sums
    document: int | None = None

    @property
    def takes_back(self) -> bool:
        return self.sums.attempts < 0


@dataclass
class World:
    """One day of an account in which everything that may happen happens."""

    records: list[list[Version]] = field(default_factory=list)
    rollups: list[Rollup] = field(default_factory=list)
    documents: dict[int, dict[Price, Sums]] = field(default_factory=dict)  # those that count: what they add, by price
    corrects: dict[int, int] = field(default_factory=dict)
    batches: int = 0
    issued: int = 0

    def write(self, new: list[Version], old: list[Version]) -> None:
        for sign, versions in ((1, new), (-1, old)):
            folded: dict[Price, Sums] = defaultdict(Sums)
            for version in versions:
                folded[version.price] += version.sums if sign > 0 else -version.sums
            for price, sums in folded.items():
                self.rollups.append(Rollup(len(self.rollups) + 1, self.batches, price, sums))

    def load(self, price: Price, count: int, amount: int) -> None:
        self.batches += 1
        made = [Version(self.batches, price, amount) for _ in range(count)]
        self.records += [[version] for version in made]
        self.write(made, [])

    def rerate(self, chosen: list[int], price: Price, amount: int) -> None:
        self.batches += 1
        records = [self.records[number % len(self.records)] for number in sorted(set(chosen))] if self.records else []
        unique = {id(record): record for record in records}.values()
        changed = [each for each in unique if (each[-1].price, each[-1].amount) != (price, amount)]
        old = [record[-1] for record in changed]
        new = [Version(self.batches, price, amount) for _ in changed]
        for record, version in zip(changed, new, strict=True):
            record.append(version)
        self.write(new, old)

    def adjusted(self) -> set[int]:
        return find_adjusted(
            Piece(each.number, each.batch, ("voice", *each.price), each.takes_back, each.document is not None)
            for each in self.rollups
        )

    def issue(self) -> None:
        open_rollups = [each for each in self.rollups if each.document is None]
        if not open_rollups:
            return
        adjusted = self.adjusted()
        self.require_places_are_one(open_rollups, adjusted)
        self.require_records(open_rollups, adjusted)
        self.issued += 1
        if adjusted:
            self.corrects[self.issued] = min(each.document for each in self.rollups if each.document is not None)
        for each in open_rollups:
            each.document = self.issued
        added: dict[Price, Sums] = defaultdict(Sums)
        for each in open_rollups:
            added[each.price] += each.sums
        self.documents[self.issued] = added

    def void(self, place: int) -> None:
        if not self.documents:
            return
        document = sorted(self.documents)[place % len(self.documents)]
        billed = [each for each in self.rollups if each.document == document and not each.takes_back]
        for later in self.rollups:
            if later.document is None or later.document <= document or not later.takes_back:
                continue
            if any(each.price == later.price and each.number < later.number for each in billed):
                return
        if document in [self.corrects.get(other) for other in self.documents]:
            return
        del self.documents[document]
        for each in self.rollups:
            if each.document == document:
                each.document = None

    def require_places_are_one(self, open_rollups: list[Rollup], adjusted: set[int]) -> None:
        places = {(each.batch, each.price, each.number in adjusted) for each in open_rollups}
        assert len({place[:2] for place in places}) == len(places)

    def require_records(self, open_rollups: list[Rollup], adjusted: set[int]) -> None:
        unbilled = {each.batch for each in open_rollups}
        said: dict[tuple[bool, Price], Sums] = defaultdict(Sums)
        bucket_of: dict[tuple[int, Price], bool] = {}
        for each in open_rollups:
            said[each.number in adjusted, each.price] += each.sums
            bucket_of[each.batch, each.price] = each.number in adjusted
        found: dict[tuple[bool, Price], Sums] = defaultdict(Sums)
        for record in self.records:
            billed = [version for version in record if version.batch not in unbilled]
            if record[-1].batch in unbilled:
                found[bucket_of[record[-1].batch, record[-1].price], record[-1].price] += record[-1].sums
                if billed:
                    found[True, billed[-1].price] += -billed[-1].sums
        nothing = Sums()
        assert {key: sums for key, sums in said.items() if sums != nothing} == {
            key: sums for key, sums in found.items() if sums != nothing
        }
        self.require_lines(said)

    def require_lines(self, said: dict[tuple[bool, Price], Sums]) -> None:
        days = [
            Day(DAY, bool(self.documents), 1, any(not key[0] for key in said), any(key[0] for key in said), 1, MARCH)
        ]
        buckets, plain, adjusted = sort_days(days, APRIL)
        usage = {
            Key((adjusted if is_adjusted else plain)[DAY], "voice", *price): s
            for (is_adjusted, price), s in said.items()
        }
        before: dict[Key, Sums] = {}
        for document in self.documents.values():
            for price, sums in document.items():
                key = Key(adjusted.get(DAY, 0), "voice", *price)
                before[key] = before.get(key, Sums()) + sums
        lines, _ = build_lines(
            usage, buckets, texts=TEXTS, currency=get_currency("USD"), before=before if adjusted else {}
        )
        assert Amount.total(line.sums.exact for line in lines) == Amount.total(sums.exact for sums in said.values())
        for line in lines:
            assert buckets[line.bucket] == Bucket(line.kind, 1, line.period)
            if line.kind is LineKind.ADJUSTMENT:
                assert line.before is not None
                assert line.after == line.before + line.sums
                assert min(line.before.calls, line.after.calls, line.before.billed, line.after.billed) >= 0
            else:
                assert line.before is None
                assert min(line.sums.calls, line.sums.billed) > 0


prices = st.tuples(st.integers(1, 2), st.integers(1, 3))
amounts = st.integers(1, 3)
steps = st.one_of(
    st.tuples(st.just("load"), prices, st.integers(1, 3), amounts),
    st.tuples(st.just("rerate"), st.lists(st.integers(0, 20), max_size=6), prices, amounts),
    st.tuples(st.just("issue")),
    st.tuples(st.just("void"), st.integers(0, 5)),
)


@given(st.lists(steps, max_size=25))
def test_whatever_happens_the_documents_are_their_records_and_together_all_that_was_used(sequence: list[tuple]) -> None:
    world = World()
    for name, *given_ in sequence:
        getattr(world, name)(*given_)
        live: dict[Price, Sums] = defaultdict(Sums)
        for record in world.records:
            live[record[-1].price] += record[-1].sums
        everything: dict[Price, Sums] = defaultdict(Sums)
        for each in world.rollups:
            if each.document is None:
                everything[each.price] += each.sums
        for document in world.documents.values():
            for price, sums in document.items():
                everything[price] += sums
        assert {p: s for p, s in everything.items() if s != Sums()} == live
    world.issue()


def test_a_re_rating_of_what_no_document_bills_is_no_adjustment() -> None:
    world = World()
    world.load((1, 1), 3, 1)
    world.rerate([0, 1], (1, 2), 2)
    assert world.adjusted() == set()
    world.issue()
    assert world.documents == {1: {(1, 1): Sums(1, 1, 60, 60, Amount(1)), (1, 2): Sums(2, 2, 120, 120, Amount(4))}}
