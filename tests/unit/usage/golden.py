"""Golden files: what each format makes of a small file, as one readable line per record and reject."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from trunkline.usage.decode import FORMATS, Decoded, SwitchProfile, chunks, get_format, open_source
from trunkline.usage.decode.assembly import decoded_chunks
from trunkline.usage.decode.chunking import CHUNK_OCTETS

FOLDER = Path(__file__).parents[2] / "golden" / "decode"
# Of lines, and complete without a mapping. Formats whose records span lines have tests of their own.
NAMES = tuple(name for name, form in FORMATS.items() if form.framing is None and not name.startswith("mapping"))

# Nairobi is UTC+3 all year; a national 0 becomes 254.
PROFILE = SwitchProfile.of(
    received_at=datetime(2026, 1, 2, 18, 0, tzinfo=UTC),
    timezone="Africa/Nairobi",
    number_rules=[{"begins": "00", "is_last": True}, {"begins": "0", "put": "254", "length_min": 10, "length_max": 10}],
    options={"final_causes": ["USER_BUSY"]},
)


def golden_file(name: str) -> Path:
    """The file of a format that was written for these tests."""
    (path,) = (path for path in FOLDER.glob(f"{name}.*") if path.suffix != ".expected")
    return path


def decode_file(name: str, path: Path, profile: SwitchProfile = PROFILE, size: int = CHUNK_OCTETS) -> Decoded:
    """The whole file as one result."""
    form = get_format(name)
    with open_source(path) as source:
        cut = chunks(source, size, has_header=form.has_header)
        parts = [decoded for _, decoded in decoded_chunks(cut, form, profile)]
    return Decoded(
        pa.concat_tables(part.events for part in parts),
        pa.concat_tables(part.rejects for part in parts),
        sum(part.skipped for part in parts),
        parts[-1].lines,
        sum((Counter(part.skip_reasons) for part in parts), Counter()),
    )


def as_text(decoded: Decoded) -> str:
    """One line a row, in the order of the file; what is null or empty is left out."""
    rows = [(row["line"], _line("event ", row)) for row in decoded.events.to_pylist()]
    rows += [(row["line"], _line("reject", row)) for row in decoded.rejects.to_pylist()]
    reasons = "".join(f", {count} {reason}" for reason, count in sorted(decoded.skip_reasons.items()))
    return "".join(text for _, text in sorted(rows)) + f"skipped {decoded.skipped}{reasons}\n"


def _line(kind: str, row: dict[str, object]) -> str:
    shown = (f"{name}={_value(value)}" for name, value in row.items() if value not in {None, ""} and name != "line")
    return f"{row['line']:>3} {kind} {' | '.join(shown)}\n"


def _value(value: object) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if isinstance(value, datetime) else str(value)


def write_expected() -> None:
    """Writes the expected texts anew: `python -m tests.unit.usage.golden`. Read the difference before committing it."""
    for name in NAMES:
        (FOLDER / f"{name}.expected").write_text(as_text(decode_file(name, golden_file(name))))


if __name__ == "__main__":
    write_expected()
