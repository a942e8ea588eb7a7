"""How large a worksheet would be once it is laid out: told from its XML, before anything lays it out.

A few hundred octets can name a cell in the first row and one in the last row and column. What reads workbooks allots all cells between, and
where memory does not suffice the process ends; nothing can be caught then. So every address is looked at first.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

_OVERLAP: Final = 64
_ADDRESS: Final = re.compile(rb"\br\s*=\s*[\"']([^\"']{0,40})[\"']")
_USUAL: Final = re.compile(rb"([A-Za-z]{0,3})([0-9]{1,7})")
_FAR: Final = 10**12  # cells, where an address is none that a spreadsheet has
_LETTERS: Final = 3
_DIGITS: Final = 7

Octets = npt.NDArray[np.uint8]


class XlsxSize:
    """Feed it the octets of a worksheet; `cells` is then at least what the sheet would be laid out as."""

    def __init__(self) -> None:
        self._tail = b""
        self._width = self._height = 1
        self._is_far = False

    def feed(self, block: bytes) -> None:
        """The next octets."""
        text = self._tail + block
        octets = np.frombuffer(text, np.uint8)
        equals = (
            np.flatnonzero(octets[: -_OVERLAP // 2] == ord("=")) if len(octets) > _OVERLAP else np.zeros(0, np.int64)
        )
        before, after = (
            octets[equals - 1],
            octets[np.minimum(equals + 1, len(octets) - 1)] if len(equals) else octets[:0],
        )
        named = before == ord("r")
        if len(octets) <= _OVERLAP or ((before <= ord(" ")) | (named & (after != ord('"')))).any():
            self._slowly(text)
        else:
            self._addresses(octets, equals[named] + 2)
        self._tail = text[-_OVERLAP:]

    def end(self) -> None:
        """There are no more octets."""
        self._slowly(self._tail)

    @property
    def cells(self) -> int:
        return _FAR if self._is_far else self._width * self._height

    def _addresses(self, octets: Octets, at: npt.NDArray[np.int64]) -> None:
        """The addresses that begin at these places and end with a quote: letters, then digits."""
        if not len(at):
            return
        window = octets[np.minimum(at[:, None] + np.arange(_LETTERS + _DIGITS + 1), len(octets) - 1)]
        is_letter = (window | 0x20) >= ord("a")
        is_letter &= (window | 0x20) <= ord("z")
        letters = np.logical_and.accumulate(is_letter[:, : _LETTERS + 1], axis=1).sum(axis=1)
        is_digit = (window >= ord("0")) & (window <= ord("9"))
        places = np.arange(window.shape[1])
        is_digit &= places >= letters[:, None]
        closes = (window == ord('"')).argmax(axis=1)
        digits = is_digit.sum(axis=1)
        good = (window == ord('"')).any(axis=1) & (letters <= _LETTERS) & (digits > 0) & (letters + digits == closes)
        if not good.all():
            # Something else is called r, or an address is none: look at each.
            for place in at[~good].tolist():
                self._one(bytes(octets[place : place + 42]).split(b'"')[0])
            window, letters, digits = window[good], letters[good], digits[good]
            if not len(window):
                return
        width = np.zeros(len(window), np.int64)
        for place in range(_LETTERS):
            has = letters > place
            width = np.where(has, width * 26 + (window[:, place] | 0x20) - (ord("a") - 1), width)
        self._width = max(self._width, int(width.max()))
        far = window[digits == digits.max()]
        start = letters[digits == digits.max()]
        numbers = np.zeros(len(far), np.int64)
        for place in range(int(digits.max())):
            numbers = numbers * 10 + far[np.arange(len(far)), start + place] - ord("0")
        self._height = max(self._height, int(numbers.max()))

    def _slowly(self, text: bytes) -> None:
        for match in _ADDRESS.finditer(text):
            self._one(match[1])

    def _one(self, address: bytes) -> None:
        match = _USUAL.fullmatch(address)
        if match is None:
            # Relations and other attributes of that name have other values; what looks like no number far away is none.
            self._is_far |= bool(re.search(rb"[0-9]{8}|[A-Za-z]{4,}[0-9]|[&;]", address))
            return
        number = 0
        for each in match[1].upper():
            number = number * 26 + each - 64
        self._width = max(self._width, number)
        self._height = max(self._height, int(match[2]))
