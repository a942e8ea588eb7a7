r"""Raw lines as text: exact, printable and short.

Bytes that are not UTF-8, control characters and the backslash itself are written `\xNN`; of a long line the first
`RAW_OCTETS` bytes are kept, followed by `\+` and the number of bytes left out. `line_octets` turns the text back into
the very bytes, so that a reject can be sent again.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa

from trunkline.core.errors import Invalid

RAW_OCTETS: Final = 4096
_MANY_OCTETS: Final = 64 << 10

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f\\]")  # the tab stays
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_CUT = re.compile(r"\\\+([0-9]+)\Z")


def is_utf8(octets: bytes) -> bool:
    """Whether they are UTF-8 throughout."""
    try:
        if len(octets) < _MANY_OCTETS:
            octets.decode()
        else:  # Arrow only looks at them, in a tenth of the time
            ends = np.array([0, len(octets)], np.int32)
            pa.StringArray.from_buffers(1, pa.py_buffer(ends), pa.py_buffer(octets)).validate(full=True)
    except (UnicodeDecodeError, pa.ArrowInvalid):
        return False
    return True


def raw_text(line: bytes, octets: int | None = None) -> str:
    """The line, without its line end, as text. `octets` is its full length if `line` is only its beginning."""
    kept = line[:RAW_OCTETS]
    left_out = (len(line) if octets is None else octets) - len(kept)
    text = _CONTROL.sub(lambda found: b"\\x%02x" % found[0][0], kept).decode("utf-8", "backslashreplace")
    return f"{text}\\+{left_out}" if left_out else text


def line_octets(text: str) -> bytes:
    """The bytes of a line from its raw text. Raises Invalid `raw_cut` if the text holds only the beginning."""
    if cut := _CUT.search(text):
        raise Invalid(
            "raw_cut",
            f"Only the first {RAW_OCTETS} bytes of this line were kept, {cut[1]} were not.",
            hint="Take it from the original file.",
        )
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text.encode())
