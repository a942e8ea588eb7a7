"""Telephone numbers to E.164 digits by the rules of a switch, whole columns at a time.

Before the rules: a SIP or tel URI gives its user part, percent signs of `+ # * space` are undone, spaces, hyphens and
brackets go. After them: a leading plus goes. What is then not digits is no number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trunkline.usage.decode.columns import Mask, lengths_of, octets_of, odd_rows, text_of
from trunkline.usage.decode.profile import NUMBER_LENGTH_MAX, NumberRule, Party

# E.164 allows 15; a technical prefix that identifies a customer may still stand before it.
NUMBER_DIGITS_MAX: Final = 32

_PERCENT: Final = (("%2[Bb]", "+"), ("%23", "#"), ("%2[Aa]", "*"), ("%20", ""))
_URI: Final = r"^(?i:sips?:([^@;?]*)@.*|tel:([^;?]*).*)$"


def rules_for(rules: Iterable[NumberRule], party: Party) -> tuple[NumberRule, ...]:
    """The rules that look at the calling, or at the called number."""
    return tuple(rule for rule in rules if rule.on in {Party.BOTH, party})


def normalise(column: pa.Array, rules: Iterable[NumberRule]) -> pa.Array:
    """What the rules make of each number: a string column without nulls, not yet checked by `is_number`."""
    text = _clean(text_of(column))
    done: Mask | None = None
    for rule in rules:
        fits = _fits(text, rule)
        if done is not None:
            fits &= ~done
        if fits.any():
            text = _apply(text, rule, fits)
        if rule.is_last:
            done = fits if done is None else done | fits
    if (octets_of(text) == ord("+")).any():
        text = pc.if_else(pc.starts_with(text, "+"), _replace_start(text, 1, ""), text)
    return text


def is_number(text: pa.Array) -> Mask:
    """Where the text is 1 to `NUMBER_DIGITS_MAX` digits."""
    lengths = lengths_of(text)
    good: Mask = (lengths > 0) & (lengths <= NUMBER_DIGITS_MAX)
    good[odd_rows(text)] = False
    return good


def _mask(column: pa.Array) -> Mask:
    return column.to_numpy(zero_copy_only=False).astype(np.bool_)


def _clean(text: pa.Array) -> pa.Array:
    rows = odd_rows(text, b"+")
    if not rows.size:
        return text
    odd = text.take(pa.array(rows))
    odd = pc.if_else(pc.greater(pc.binary_length(odd), NUMBER_LENGTH_MAX), "?", odd)  # no number is that long
    for pattern, sign in _PERCENT:
        odd = pc.replace_substring_regex(odd, pattern=pattern, replacement=sign)
    odd = pc.replace_substring_regex(odd, pattern=_URI, replacement=r"\1\2")
    odd = pc.replace_substring_regex(odd, pattern=r"[ ()-]", replacement="")
    is_odd = np.zeros(len(text), dtype=np.bool_)
    is_odd[rows] = True
    return pc.replace_with_mask(text, pa.array(is_odd), odd)


def _fits(text: pa.Array, rule: NumberRule) -> Mask:
    lengths = lengths_of(text)
    fits: Mask = (lengths >= max(rule.length_min, 1)) & (lengths <= rule.length_max)
    if rule.begins:
        fits &= _mask(pc.starts_with(text, rule.begins))
    elif rule.pattern:
        fits &= _mask(pc.match_substring_regex(text, pattern=rule.whole_pattern))
    return fits


def _apply(text: pa.Array, rule: NumberRule, fits: Mask) -> pa.Array:
    if rule.pattern:
        changed = pc.replace_substring_regex(text, pattern=rule.whole_pattern, replacement=rule.put, max_replacements=1)
    else:
        changed = _replace_start(text, len(rule.begins.encode()), rule.put)
    return changed if fits.all() else pc.if_else(pa.array(fits), changed, text)


def _replace_start(text: pa.Array, octets: int, put: str) -> pa.Array:
    # In binary: a text that does not begin as the rule wants may be cut inside a character, and is not kept.
    replaced = pc.binary_replace_slice(text.cast(pa.binary()), start=0, stop=octets, replacement=put.encode())
    return pa.StringArray.from_buffers(len(replaced), *replaced.buffers()[1:3], replaced.buffers()[0])
