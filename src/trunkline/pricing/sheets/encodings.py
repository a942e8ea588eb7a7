"""The text of a file whose encoding nobody names."""

from __future__ import annotations

import codecs
import re
from typing import Final

from trunkline.core.errors import Invalid

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS: Final = re.compile(rb"[\x01-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")
_SAMPLE: Final = 1 << 20
_SINGLE: Final = ("cp1251", "koi8-r", "cp866")
_CYRILLIC_WORD: Final = re.compile("[А-ЯЁ]?[а-яё]{2,}|[А-ЯЁ]{2,}")
_CJK: Final = re.compile("[\u4e00-\u9fff\u3040-\u30ff\uac00-\ud7af]")


def decode(data: bytes) -> tuple[str, str]:
    """The text and the name of its encoding. Raises Invalid `sheet_kind` for what is no text in any of them."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace").removeprefix("\ufeff"), name
    sample = data[:_SAMPLE]
    if b"\0" in sample:
        return _wide(data, sample)
    if len(_CONTROLS.findall(sample)) > 0.02 * len(sample):
        raise _no_text()
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        name = _guess(data)
        return data.decode(name, "replace"), name


def _wide(data: bytes, sample: bytes) -> tuple[str, str]:
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    name = "utf-16-le" if odd > 0.4 * half and even < 0.05 * half else ""
    name = "utf-16-be" if even > 0.4 * half and odd < 0.05 * half else name
    if not name:
        raise _no_text()
    text = data.decode(name, "replace")
    if sum(each.isascii() and (each.isprintable() or each in "\t\r\n") for each in text[:4_096]) < 0.3 * len(
        text[:4_096]
    ):
        raise _no_text()
    return text, name


def _no_text() -> Invalid:
    return Invalid("sheet_kind", "The file is no text and no workbook.", hint="Ask for CSV, XLSX, XLS or ODS.")


def _guess(data: bytes) -> str:
    """By the words that a piece with letters beyond ASCII makes: Cyrillic ones, Chinese ones, else Latin letters."""
    places = [match.start() for match, _ in zip(re.finditer(rb"[\x80-\xff]+", data), range(4_000), strict=False)]
    parts = [data[max(place - 12, 0) : place + 24] for place in places]
    sample = b"\n".join(parts)
    high = len(re.findall(rb"[\x80-\xff]", sample))
    best, most = "", 0.0
    for name in _SINGLE:
        text = sample.decode(name, "replace")
        score = sum(map(len, _CYRILLIC_WORD.findall(text))) / max(high, 1)
        if score > most:
            best, most = name, score
    if most > 0.85 and len(re.findall(rb"[\x80-\xff]{3,}", sample)) > 0:
        return best
    pairs = re.findall(rb"[\x81-\xfe][\x40-\xfe]", sample)
    chinese = sum(pair[1] >= 0xA1 and pair[0] >= 0xA1 for pair in pairs) > 0.9 * len(pairs)
    for name in ("gb18030", "shift_jis") if chinese else ("shift_jis", "gb18030", "big5"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if (
            len(_CJK.findall(text[:_SAMPLE])) * 2 >= 0.5 * len(re.findall(rb"[\x80-\xff]", data[:_SAMPLE]))
            and len(re.findall(rb"[\x80-\xff]{4,}", sample)) > 0
        ):
            return name
    # Octets that are letters of Central Europe there and signs in cp1252, next to letters.
    return (
        "cp1250"
        if re.search(rb"(?i)[a-z][\xa3\xa5\xb3\xb9\xbc\xbf]|[\xa3\xa5\xb3\xb9\xbc\xbf][a-z]", sample)
        else "cp1252"
    )
