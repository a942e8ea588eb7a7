"""`bin/trunkline simulate usage`: a usage file of any size that the demo's tenants can take."""

from __future__ import annotations

from pathlib import Path

from trunkline.core.errors import Invalid
from trunkline.simulate.demo_meridian import MERIDIAN_DIRT, meridian_decks, meridian_traffic
from trunkline.simulate.demo_savanna import PBX, SAVANNA_DIRT, SIP, ZONE, savanna_traffic
from trunkline.simulate.draws import stream_seed
from trunkline.simulate.files import FileSpec, Progress, Written, write_files
from trunkline.simulate.formats import FORMATS


def write_usage(
    records: int, format_name: str, seed: int, out: Path, *, on_progress: Progress | None = None
) -> Written:
    """Writes one file of `records` lines and says what it holds; the same arguments write the same bytes.

    `freeswitch_trunks` is a day of Meridian Carrier's, `freeswitch` and `common` are a month of Savanna Net's, each with
    the flaws of the demo and other calls than the demo's. A name that ends in `.gz` is packed. Raises Invalid
    `unknown_format` and `record_count`.
    """
    if format_name not in FORMATS:
        names = ", ".join(FORMATS)
        raise Invalid("unknown_format", f"{format_name!r} cannot be simulated.", hint=f"Use one of {names}.")
    if records < 1:
        raise Invalid("record_count", f"A file of {records} records cannot be written.", hint="Ask for one or more.")
    own_seed = stream_seed(seed, "usage", format_name)
    if format_name == "freeswitch_trunks":
        plan, dirt, zone = meridian_traffic(own_seed, meridian_decks()), MERIDIAN_DIRT, "UTC"
    elif format_name == "freeswitch":
        plan, dirt, zone = savanna_traffic(own_seed, PBX), SAVANNA_DIRT, ZONE
    else:
        plan, dirt, zone = savanna_traffic(own_seed, SIP), SAVANNA_DIRT, "UTC"
    minutes = len(plan.minutes)
    written = write_files(
        plan,
        [FileSpec(out.name, 0, minutes)],
        out.parent,
        records=records,
        format_name=format_name,
        zone=zone,
        dirt=dirt,
        on_progress=on_progress,
    )
    return written[0]
