"""Samples: usage files that somebody only tries. They are kept for a day, so that one can try again with another mapping; nothing else is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from trunkline.core.errors import Invalid
from trunkline.kit.drafts import Drafts
from trunkline.tenancy.storage import require_room
from trunkline.usage.actions import profile_of
from trunkline.usage.decode import Format, SwitchProfile
from trunkline.usage.intake import Incoming, require_usage
from trunkline.usage.models import Switch
from trunkline.usage.pin import rules_to_try
from trunkline.usage.trial import Trial, head_of_file, try_file

if TYPE_CHECKING:
    pass

SAMPLES: Final = Drafts(
    "samples",
    timedelta(days=1),
    "sample_not_found",
    "There is no such file to try.",
    "It is kept for a day: upload it once more.",
)
# A page is answered while one waits, inside one transaction.
OCTETS_MAX: Final = 16 << 20
NAME_MAX: Final = 120
HEAD_OCTETS: Final = 256 << 10
_PIECE: Final = 1 << 20
_PACKED: Final = (b"\x1f\x8b", b"PK\x03\x04")


def keep_sample(tenant_id: int, name: str, content: Incoming, *, at: datetime) -> UUID:
    """Keep a file that is tried, or its beginning: a plain one is cut behind its last whole line within `OCTETS_MAX`.

    Raises Denied `quota_reached`; Invalid `unsupported_media_type`, `empty_file`, `sample_too_large` for a packed one that is larger.
    """
    beginning = content.read(_PIECE)
    if not beginning:
        raise Invalid("empty_file", "The file is empty.", hint="Choose one with some records.")
    require_usage(beginning)
    require_room(tenant_id, len(beginning), now=lambda: at)
    shown = "".join(sign if sign.isprintable() else "_" for sign in Path(name).name)[-NAME_MAX:] or "file"
    said: dict[str, Any] = {"name": shown, "is_cut": False}
    return SAMPLES.begin(tenant_id, said, at=at, data=_bounded(beginning, content, said))


def _bounded(beginning: bytes, content: Incoming, said: dict[str, Any]) -> Iterator[bytes]:
    octets, piece = 0, beginning
    while piece:
        following = content.read(_PIECE)
        if octets + len(piece) > OCTETS_MAX or (following and octets + len(piece) + len(following) > OCTETS_MAX):
            if beginning.startswith(_PACKED):
                raise Invalid(
                    "sample_too_large",
                    f"The packed file has more than {OCTETS_MAX >> 20} MiB.",
                    hint="Try a smaller one, or its first lines unpacked.",
                )
            said["is_cut"] = True  # before it is written
            yield piece[: piece.rfind(b"\n") + 1]
            return
        yield piece
        octets += len(piece)
        piece = following


def head_of(tenant_id: int, sample_id: UUID) -> bytes:
    """The first octets of what a sample holds, unpacked. Raises NotFound `sample_not_found`."""
    SAMPLES.read(tenant_id, sample_id)
    return head_of_file(SAMPLES.data_path(tenant_id, sample_id), HEAD_OCTETS)


def say_of(tenant_id: int, sample_id: UUID, **said: Any) -> None:
    """Keep something beside a sample, such as the mapping that is being written for it."""
    SAMPLES.write(tenant_id, sample_id, SAMPLES.read(tenant_id, sample_id) | said)


def said_of(tenant_id: int, sample_id: UUID) -> dict[str, Any]:
    """What is kept beside a sample, its `name` among it. Raises NotFound `sample_not_found`."""
    return SAMPLES.read(tenant_id, sample_id)


def try_sample(
    tenant_id: int,
    sample_id: UUID,
    *,
    form: Format | None,
    switch: Switch | None = None,
    profile: SwitchProfile | None = None,
    at: datetime,
) -> Trial:
    """What a sample would become, at most `OCTETS_MAX` of it: with a switch by its clock, number rules, limits and traffic rules. Needs an open scope.

    Raises NotFound `sample_not_found`; what is wrong with the file is the trial's `failure`.
    """
    if switch is not None:
        profile = profile_of(switch, at) if profile is None else profile
    rules = None if switch is None or profile is None else rules_to_try(switch, profile)
    said = SAMPLES.read(tenant_id, sample_id)
    trial = try_file(
        SAMPLES.data_path(tenant_id, sample_id),
        form=form,
        profile=profile,
        received_at=at,
        rules=rules,
        name=said["name"],
        octets_max=OCTETS_MAX,
    )
    trial.is_cut = trial.is_cut or said["is_cut"]
    return trial
