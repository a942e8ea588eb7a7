"""The walk through documents by skeletons known (`skeletons`), compiled: of each octet is asked once what eight at a time can be asked.

numpy would look at a text once for each question; here a document is compared, its texts are found and copied while they are near.
docs/adr/011-compiled-walk.md says why this one loop is compiled. Every index is checked, so a mistake is an exception.
"""

from __future__ import annotations

import os
from typing import Any, Final

from trunkline.kit.home import home

# Where the machine code is kept from one process to the next; numba reads this when it is loaded.
os.environ.setdefault("NUMBA_CACHE_DIR", str(home() / "cache" / "numba"))

import numba
import numpy as np

# What follows a piece of a skeleton: the kinds of holes.
END: Final = 0
TEXT: Final = 1  # of an element, up to a tag
VALUE: Final = 2  # of an attribute, up to its quote
STRING: Final = 3  # of JSON, up to its quote
NUMBER: Final = 4  # of JSON

# What a document has that is to be looked at again.
HAS_ENTITY: Final = 1  # one of the five named entities of XML in a text that is kept, or elsewhere
IS_WIDE: Final = 2  # octets beyond ASCII, which may be no UTF-8

# Where the walk is: what `walk` goes on from and leaves behind.
AT, LINE, ROW, ELEMENT, COPIED = range(5)
STATE: Final = 5

WORD: Final = 8  # octets
BLOCK: Final = 8  # words of a piece that are compared at once
BLOCK_OCTETS: Final = BLOCK * WORD
LEAST_COPIED: Final = 24  # that a text is mostly shorter than; so many are copied at least
_ONES: Final = np.uint64(0x0101010101010101)
_HIGHS: Final = np.uint64(0x8080808080808080)
_SPACES: Final = np.uint64(0x2020202020202020)
_ZERO, _ONE, _EIGHT, _SEVEN, _TOP = (np.uint64(each) for each in (0, 1, 8, 7, 56))

_TAB, _LF, _CR, _SPACE = 0x09, 0x0A, 0x0D, 0x20
_QUOTE, _AMPERSAND, _LESS, _CLOSING, _BACKSLASH = 0x22, 0x26, 0x3C, 0x5D, 0x5C
_OPENING: Final = 0x7B
_FIRST_BEYOND_ASCII: Final = 0x80


def _compiled(function: Any) -> Any:
    """Has a function compiled when it is called first; where no folder can be written, in each process anew."""
    try:
        return numba.njit(cache=True, boundscheck=True)(function)
    except RuntimeError:
        return numba.njit(boundscheck=True)(function)


@_compiled
def _last_word(octets, at):  # type: ignore[no-untyped-def]
    """Eight octets from a place on, the first the lowest, of which the text may end before; there they are 0."""
    found = _ZERO
    for place in range(at, min(at + WORD, octets.size)):
        found |= np.uint64(octets[place]) << (_EIGHT * np.uint64(place - at))
    return found


@_compiled
def _is(octets, at, text):  # type: ignore[no-untyped-def]
    """Whether these octets stand at a place."""
    if at + len(text) > octets.size:
        return False
    for place in range(len(text)):  # noqa: SIM110  there is no `all` here
        if octets[at + place] != text[place]:
            return False
    return True


_SECTION_END: Final = tuple(b"]]>")
_AMP, _LT, _GT, _QUOT, _APOS = (tuple(each) for each in (b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;"))


@_compiled
def _entity(octets, at):  # type: ignore[no-untyped-def]
    """The octets of the named entity at a place, 0 where there is none."""
    if _is(octets, at, _AMP):
        return 5
    if _is(octets, at, _LT) or _is(octets, at, _GT):
        return 4
    if _is(octets, at, _QUOT) or _is(octets, at, _APOS):
        return 6
    return 0


@_compiled
def _escape(octets, at):  # type: ignore[no-untyped-def]
    """The octets of a plain escape of JSON at a place, 0 where there is none. Those by number are left to a parser."""
    if at + 1 >= octets.size:
        return 0
    sign = octets[at + 1]
    for plain in b'"\\/bfnrt':
        if sign == plain:
            return 2
    return 0


@_compiled
def _after_digits(octets, at):  # type: ignore[no-untyped-def]
    """Where digits end; -1 where there is none."""
    start = at
    while at < octets.size and 0x30 <= octets[at] <= 0x39:
        at += 1
    return at if at > start else -1


@_compiled
def _after_number(octets, at):  # type: ignore[no-untyped-def]
    """Where the number of JSON ends that begins at a place; -1 where it is none (RFC 8259, section 6)."""
    if at < octets.size and octets[at] == 0x2D:
        at += 1
    start = at
    at = _after_digits(octets, at)
    if at < 0 or (octets[start] == 0x30 and at - start > 1):
        return -1
    if at < octets.size and octets[at] == 0x2E:
        at = _after_digits(octets, at + 1)
        if at < 0:
            return -1
    if at < octets.size and (octets[at] == 0x65 or octets[at] == 0x45):
        at += 1
        if at < octets.size and (octets[at] == 0x2B or octets[at] == 0x2D):
            at += 1
        at = _after_digits(octets, at)
    return at


@_compiled
def _step(octets, at, kind, is_kept):  # type: ignore[no-untyped-def]
    """How many octets what stands at a place in a text takes, 0 where it is not plain or ends the text; and what it has."""
    sign = octets[at]
    if sign >= _FIRST_BEYOND_ASCII:
        return 1, IS_WIDE
    if sign < _SPACE:
        return np.int64(kind != STRING and sign in (_TAB, _LF)), 0
    if kind == STRING:
        if sign == _BACKSLASH:
            return (0 if is_kept else _escape(octets, at)), 0
        return np.int64(sign != _QUOTE), 0
    if sign == _AMPERSAND:
        return _entity(octets, at), HAS_ENTITY
    if kind == TEXT:
        return np.int64(sign != _LESS and not _is(octets, at, _SECTION_END)), 0
    return np.int64(sign not in (_QUOTE, _LESS)), 0


@_compiled
def _octet_by_octet(octets, at, stop, kind, is_kept):  # type: ignore[no-untyped-def]
    """Goes on in a text, over about a word: where it ends or goes on, -1 where it holds what is not plain; its line ends; and what it has."""
    lines = has = 0
    last = at + WORD
    while at < last:
        if at >= octets.size:
            return -1, lines, has
        if octets[at] == stop:
            break
        lines += octets[at] == _LF
        step, flag = _step(octets, at, kind, is_kept)
        if step == 0:
            return -1, lines, has
        has |= flag
        at += step
    return at, lines, has


@_compiled
def _next_document(octets, end, is_json):  # type: ignore[no-untyped-def]
    """Where the next document begins after one, or the text ends; -1 where what follows belongs to it; and the line ends between."""
    at, lines, is_near = end, 0, True
    while at < octets.size:
        sign = octets[at]
        if sign == _LF:
            lines += 1
        elif sign == _CR:
            is_near = False
        elif sign not in (_SPACE, _TAB):
            break
        at += 1
    if is_json and at < octets.size:
        begins_line = lines > 0 and octets[at - 1] == _LF
        if octets[at] != _OPENING or not (begins_line or (is_near and lines == 0)):
            return -1, lines
    return at, lines


@_compiled
def walk(every, octets, is_json, longest, tables, order, counts, state, found, ends, copied):  # type: ignore[no-untyped-def]
    """Goes on from document to document as long as they have one of the skeletons, those tried first that were met last.

    `every`: the overlapping words of the text. `found`: a row for each document of where it begins, the lines before it, its skeleton, its
    first kept text and what it has. `ends`: where the kept texts end in `copied`. `order`: of the skeletons. `counts`: of their documents.
    One function, for each that is called with arrays counts who holds them.
    """
    words, masks, first_blocks, sizes, kinds, kept, first_pieces, literal_lines = tables
    starts, line_numbers, skeletons, firsts, flags = found
    begin, line, row, element, octet = state[AT], state[LINE], state[ROW], state[ELEMENT], state[COPIED]
    is_known = True
    while is_known and begin < octets.size:
        is_known = False
        for turn in range(order.size):
            skeleton = order[turn]
            at, next_element, next_octet, lines, has = begin, element, octet, literal_lines[skeleton], 0
            for piece in range(first_pieces[skeleton], first_pieces[skeleton + 1]):
                differ = _ZERO
                first, last = first_blocks[piece], first_blocks[piece + 1]
                if at + (last - first) * BLOCK_OCTETS <= octets.size:
                    place = at
                    for block in range(first, last):
                        # Without a branch: one that is not foreseen costs as much as all of it.
                        for number in range(BLOCK):
                            known = block * BLOCK + number
                            differ |= (every[place + number * WORD] ^ words[known]) & masks[known]
                        place += BLOCK_OCTETS
                else:
                    for number in range((last - first) * BLOCK):
                        known = first * BLOCK + number
                        differ |= (_last_word(octets, at + number * WORD) ^ words[known]) & masks[known]
                if differ != _ZERO:
                    at = -1
                    break
                at += sizes[piece]
                kind = kinds[piece]
                if kind == END:
                    break
                start = at
                if kind == NUMBER:
                    at = _after_number(octets, at)
                else:
                    stop = _LESS if kind == TEXT else _QUOTE
                    stops = np.uint64(stop) * _ONES
                    others = np.uint64(_BACKSLASH if kind == STRING else _AMPERSAND) * _ONES
                    thirds = np.uint64(_CLOSING if kind == TEXT else _LESS) * _ONES
                    while at >= 0:
                        word = every[at] if at < every.size else _ZERO  # what is not plain: octet by octet
                        # The highest bit of each octet that is the one looked for; above the lowest of them there may be more.
                        ending = word ^ stops
                        ending = (ending - _ONES) & ~ending & _HIGHS
                        one, two = word ^ others, word ^ thirds
                        odd = ((word - _SPACES) | word | ((one - _ONES) & ~one) | ((two - _ONES) & ~two)) & _HIGHS
                        before = (
                            ending & (~ending + _ONE)
                        ) - _ONE  # all bits below the lowest; all where there is none
                        if odd & before != _ZERO:
                            at, more, flag = _octet_by_octet(octets, at, stop, kind, kept[piece])
                            lines += more
                            has |= flag
                            if 0 <= at < octets.size and octets[at] == stop:
                                break
                        elif ending != _ZERO:
                            at += np.int64((((before >> _SEVEN) & _ONES) * _ONES) >> _TOP)
                            break
                        else:
                            at += WORD
                if at < 0:
                    break
                if kept[piece]:
                    if at + LEAST_COPIED <= octets.size:
                        for number in range(LEAST_COPIED // WORD):
                            copied[next_octet + number * WORD] = every[start + number * WORD]
                        for step in range(LEAST_COPIED, at - start, WORD):
                            copied[next_octet + step] = every[start + step]
                    else:
                        for step in range(0, at - start, WORD):
                            copied[next_octet + step] = _last_word(octets, start + step)
                    next_octet += at - start
                    next_element += 1
                    ends[next_element] = next_octet
            if at < 0 or at - begin > longest:
                continue
            following, more = _next_document(octets, at, is_json)
            if following < 0:
                continue
            starts[row], line_numbers[row], skeletons[row], firsts[row], flags[row] = (
                begin,
                line,
                skeleton,
                element,
                has,
            )
            begin, line, row, element, octet = following, line + lines + more, row + 1, next_element, next_octet
            counts[skeleton] += 1
            for place in range(turn, 0, -1):
                order[place] = order[place - 1]
            order[0] = skeleton
            is_known = True
            break
    state[AT], state[LINE], state[ROW], state[ELEMENT], state[COPIED] = begin, line, row, element, octet


@_compiled
def lay_out(ends, firsts, skeletons, ranks, offsets, empty):  # type: ignore[no-untyped-def]
    """Where the texts of all columns will lie in one text, column behind column; how many octets that takes.

    A column has the texts of number `ranks[column, skeleton]` of each document. `empty`: how many of them are.
    """
    for row in range(firsts.size):
        for column in range(len(ranks)):
            rank = ranks[column, skeletons[row]]
            size = 0
            if rank >= 0:
                text = firsts[row] + rank
                size = ends[text + 1] - ends[text]
            offsets[column, row + 1] = size
            empty[column] += size == 0
    total = 0
    for column in range(len(ranks)):
        offsets[column, 0] = total
        for row in range(firsts.size):
            total += offsets[column, row + 1]
            offsets[column, row + 1] = total
        total += WORD  # what is copied with the last text
    return total


@_compiled
def gather(ends, firsts, skeletons, ranks, copied, offsets, columns):  # type: ignore[no-untyped-def]
    """Copies the texts to where they have been laid out, each with up to seven octets behind it, which the next one overwrites."""
    for row in range(firsts.size):
        for column in range(len(ranks)):
            to = offsets[column, row]
            size = offsets[column, row + 1] - to
            if size > 0:
                start = ends[firsts[row] + ranks[column, skeletons[row]]]
                for step in range(0, size, WORD):
                    columns[to + step] = copied[start + step]
