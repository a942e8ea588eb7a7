"""The formats that are mappings: one file each, named for the format. docs/formats/NAME.md says what it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final

from trunkline.usage.decode.formats import Format
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.decode.mapping import parse_mapping

_SUFFIX: Final = ".toml"
# The order in which formats are listed.
NAMES: Final = (
    "freeswitch_templates", "asterisk", "asterisk_export", "asterisk_table", "cisco_cucm", "cisco_cube", "mera", "vos", "vos_text", "kamailio_cdrs",
    "kamailio_acc",
    "opensips_acc", "acme_sbc", "ribbon_act", "genband", "mobile_msc",
)  # fmt: skip


@lru_cache(maxsize=128)
def template(name: str) -> Format:
    """The format of the template with that name."""
    source = files(__package__).joinpath(f"{name}{_SUFFIX}")
    return Mapped(parse_mapping(source.read_text(encoding="utf-8"), source.name))


class Formats(Mapping[str, Format]):
    """Formats by name: those that are code, then the templates, which are read when they are asked for."""

    def __init__(self, coded: Mapping[str, Format]) -> None:
        self._coded = coded

    def __getitem__(self, name: str) -> Format:
        if name in self._coded:
            return self._coded[name]
        if name not in NAMES:
            raise KeyError(name)
        return template(name)

    def __iter__(self) -> Iterator[str]:
        yield from self._coded
        yield from NAMES

    def __len__(self) -> int:
        return len(self._coded) + len(NAMES)

    def __contains__(self, name: object) -> bool:
        return name in self._coded or name in NAMES
