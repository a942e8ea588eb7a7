"""The formats `mapping` and `mapping_with_header`: files as the switch's own mapping describes them.

They are two because a file is cut into chunks before any mapping is looked at, and where its header ends must be known
by then.
"""

from __future__ import annotations

from functools import lru_cache

from trunkline.core.errors import Invalid
from trunkline.usage.decode.chunking import Chunk
from trunkline.usage.decode.formats import Format
from trunkline.usage.decode.legs import DecodedLegs
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.decode.mapping import parse_mapping
from trunkline.usage.decode.profile import SwitchProfile
from trunkline.usage.decode.records import Decoded
from trunkline.usage.failure import FileFailed
from trunkline.usage.reasons import FileFailure


@lru_cache(maxsize=64)
def format_of(mapping: str) -> Mapped:
    """The format that a switch's mapping (JSON) describes. Raises Invalid `mapping_*`."""
    return Mapped(parse_mapping(mapping, "mapping.json"))


def check_own(form: Format, mapping: str) -> None:
    """Whether a switch of the format has the mapping that it needs, and needs the one that it has.

    Raises Invalid `switch_option`.
    """
    if not isinstance(form, OwnMapping):
        if mapping:
            hint = "Its format is `mapping`, or `mapping_with_header`."
            raise Invalid("switch_option", f"A switch of the format {form.name} has no use for a mapping.", hint=hint)
        return
    if not mapping:
        hint = "Give it one: --options '{\"mapping\": {…}}' (docs/formats/mapping.md)."
        raise Invalid("switch_option", f"A switch of the format {form.name} needs a mapping.", hint=hint)
    described = format_of(mapping)
    if described.has_header != form.has_header:
        other = OwnMapping.name if form.has_header else OwnMappingWithHeader.name
        raise Invalid(
            "switch_option",
            f"The mapping {described.name} is not for the format {form.name}.",
            hint=f"Its format is {other}.",
        )


class OwnMapping(Format):
    """The format that the switch's option `mapping` describes."""

    name = "mapping"
    title = "The switch's own mapping"

    def decode(self, chunk: Chunk, profile: SwitchProfile) -> Decoded:
        return self._form(profile).decode(chunk, profile)

    def has_legs(self, profile: SwitchProfile) -> bool:
        return bool(profile.mapping) and format_of(profile.mapping).has_legs(profile)

    def legs(self, chunk: Chunk, profile: SwitchProfile) -> DecodedLegs:
        return self._form(profile).legs(chunk, profile)

    def _form(self, profile: SwitchProfile) -> Mapped:
        if not profile.mapping:
            raise self._failed("The switch has no mapping.", "Give it the option `mapping`.")
        form = format_of(profile.mapping)
        if form.has_header != self.has_header:
            other = OwnMapping.name if self.has_header else OwnMappingWithHeader.name
            raise self._failed(f"The mapping {form.name} is not for the format {self.name}.", f"Its format is {other}.")
        return form

    @staticmethod
    def _failed(what: str, hint: str) -> FileFailed:
        return FileFailed(FileFailure.HEADER_CHANGED, what, hint=hint)


class OwnMappingWithHeader(OwnMapping):
    """The same for files whose first line names the columns."""

    name = "mapping_with_header"
    title = "The switch's own mapping, files with a header line"
    has_header = True
