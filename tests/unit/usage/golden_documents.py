"""Golden files of the formats whose records span lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from tests.unit.usage.golden import FOLDER, PROFILE, as_text
from trunkline.usage.decode import Decoded, SwitchProfile, chunks, get_format, open_source
from trunkline.usage.decode.assembly import decoded_chunks
from trunkline.usage.decode.chunking import CHUNK_OCTETS
from trunkline.usage.decode.profile import Legs

# The expected text's name, the format, the file and the switch.
OUTGOING = replace(PROFILE, legs=Legs.OUTGOING)
CASES = (
    ("freeswitch_json", "freeswitch_json", "freeswitch_json.json", PROFILE),
    ("freeswitch_json_outgoing", "freeswitch_json", "freeswitch_json.json", OUTGOING),
    ("freeswitch_xml", "freeswitch_xml", "freeswitch_xml.xml", PROFILE),
    ("freeswitch_xml_outgoing", "freeswitch_xml", "freeswitch_xml.xml", OUTGOING),
    ("radius_detail", "radius_detail", "radius_detail.txt", PROFILE),
)
LIST = ("freeswitch_json_list", "freeswitch_json", "freeswitch_json_list.json", PROFILE)


def decode_documents(name: str, path: Path, profile: SwitchProfile = PROFILE, size: int = CHUNK_OCTETS) -> Decoded:
    """The whole file as one result."""
    form = get_format(name)
    with open_source(path) as source:
        parts = [decoded for _, decoded in decoded_chunks(chunks(source, size, framing=form.framing), form, profile)]
    reasons: Counter[str] = Counter()
    for part in parts:
        reasons.update(part.skip_reasons)
    return Decoded(
        pa.concat_tables(part.events for part in parts),
        pa.concat_tables(part.rejects for part in parts),
        sum(part.skipped for part in parts),
        parts[-1].lines,
        reasons,
    )


def write_expected() -> None:
    """Writes the expected texts anew: `python -m tests.unit.usage.golden_documents`. Read the difference."""
    for expected, name, file, profile in (*CASES, LIST):
        (FOLDER / f"{expected}.expected").write_text(as_text(decode_documents(name, FOLDER / file, profile)))


if __name__ == "__main__":
    write_expected()
