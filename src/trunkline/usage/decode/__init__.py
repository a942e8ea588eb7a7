"""From files of switches to canonical records, without Django and without state.

    with open_source(path) as source:
        digest, octets = content_hash(source)
        for chunk in chunks(source, has_header=format.has_header, framing=format.framing):
            decoded = format.decode(chunk, profile)      # pure: any thread, any order

What a whole file can fail with is raised as `FileFailed`; single lines come back as rejects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.core.errors import NotFound
from trunkline.usage.decode.chunking import CHUNK_OCTETS, Chunk, chunks
from trunkline.usage.decode.common import Common
from trunkline.usage.decode.formats import Format
from trunkline.usage.decode.freeswitch import FreeSwitch, FreeSwitchTrunks
from trunkline.usage.decode.freeswitch_documents import FreeSwitchXml
from trunkline.usage.decode.freeswitch_json import FreeSwitchJson
from trunkline.usage.decode.lines import Lines
from trunkline.usage.decode.own import OwnMapping, OwnMappingWithHeader, check_own
from trunkline.usage.decode.profile import MsRounding, NumberRule, Party, SwitchProfile
from trunkline.usage.decode.radius import RadiusDetail
from trunkline.usage.decode.raw import line_octets, raw_text
from trunkline.usage.decode.records import Decoded
from trunkline.usage.decode.templates import Formats
from trunkline.usage.failure import FileFailed
from trunkline.usage.opening import Limits, Source, content_blocks, content_hash, open_source

FORMATS: Final[Mapping[str, Format]] = Formats(
    {
        form.name: form
        for form in (
            Common(),
            FreeSwitch(),
            FreeSwitchTrunks(),
            FreeSwitchJson(),
            FreeSwitchXml(),
            RadiusDetail(),
            OwnMapping(),
            OwnMappingWithHeader(),
        )
    }
)

__all__ = [
    "CHUNK_OCTETS", "FORMATS", "Chunk", "Decoded", "FileFailed", "Format", "Limits", "Lines", "MsRounding", "NumberRule",
    "Party", "Source", "SwitchProfile", "check_own", "chunks", "content_blocks", "content_hash", "get_format", "line_octets",
    "open_source", "raw_text",
]  # fmt: skip


def get_format(name: str) -> Format:
    """The format of that name. Raises NotFound `format`."""
    if name not in FORMATS:
        raise NotFound("format", f"There is no format {name!r}.", hint=f"Known are {', '.join(FORMATS)}.")
    return FORMATS[name]
