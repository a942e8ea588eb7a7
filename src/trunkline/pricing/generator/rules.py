"""Which codes a condition means: columns of codes and destinations in, a mark or a number for each out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.pricing.generator.settings import Condition, Exclusion, Rule

Bools = npt.NDArray[np.bool_]


Groups = Mapping[str, Collection[str]]


def fits(deck: pa.Table, condition: Condition, groups: Groups) -> Bools:
    """Where a condition fits the codes of a deck (`tariffs.asked.DECK`); `groups` has the destinations of each group that it can name."""
    marked = np.ones(len(deck), np.bool_)
    if condition.code:
        marked &= _marks(pc.starts_with(deck["code"], condition.code))
    if condition.destination:
        marked &= _named(deck["destination"], condition.destination)
    if condition.group:
        members = pa.array(sorted(groups[condition.group]), pa.string())
        marked &= _marks(pc.is_in(deck["destination"], members))
    if condition.country:
        marked &= _marks(pc.equal(deck["country"], condition.country))
    if condition.kind:
        marked &= _marks(pc.equal(deck["kind"], condition.kind))
    return marked


def _marks(found: pa.ChunkedArray) -> Bools:
    return np.asarray(found.to_numpy())


def _named(names: pa.ChunkedArray, wanted: str) -> Bools:
    encoded = names.combine_chunks().dictionary_encode()
    begin = wanted.removesuffix("*").casefold()
    is_open = wanted.endswith("*")
    found = [
        name.casefold().startswith(begin) if is_open else name.casefold() == begin
        for name in encoded.dictionary.to_pylist()
    ]
    return np.array(found, np.bool_)[encoded.indices.to_numpy()] if found else np.zeros(len(names), np.bool_)


def rule_of(deck: pa.Table, rules: Sequence[Rule], groups: Groups) -> npt.NDArray[np.int64]:
    """The number of the first rule that fits each code, -1 where none does."""
    found = np.full(len(deck), -1, np.int64)
    for number in reversed(range(len(rules))):
        found[fits(deck, rules[number].condition, groups)] = number
    return found


def excluded(
    deck: pa.Table, exclusions: Sequence[Exclusion], sources: Sequence[str], groups: Groups
) -> tuple[Bools, Bools]:
    """The codes for which nothing is generated, and `[code, source]` where the offers of a source do not count."""
    altogether = np.zeros(len(deck), np.bool_)
    of_source = np.zeros((len(deck), len(sources)), np.bool_)
    for each in exclusions:
        marked = fits(deck, each.condition, groups)
        if not each.source:
            altogether |= marked
        elif each.source in sources:
            of_source[:, sources.index(each.source)] |= marked
    return altogether, of_source
