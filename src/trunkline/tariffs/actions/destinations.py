"""Destinations, made where a file or a deck names a new one."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.core.errors import Invalid
from trunkline.tariffs.countries import country_of, kind_of
from trunkline.tariffs.models import Destination

NAME_LENGTH_MAX = 200
_BATCH = 5000


def destination_ids(first_codes: Mapping[str, str]) -> dict[str, int]:
    """The ids of destinations by name; missing ones are made. `first_codes` gives each a code, which tells its country.

    Raises Invalid `bad_name`.
    """
    for name in first_codes:
        if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable():
            raise Invalid("bad_name", f"A destination has 1 to {NAME_LENGTH_MAX} printable characters.")
    found = _find(first_codes)
    missing = [
        Destination(name=name, country=country_of(code), kind=kind_of(name))
        for name, code in first_codes.items()
        if name not in found
    ]
    if missing:
        # Somebody else may be making the same ones.
        Destination.objects.bulk_create(missing, batch_size=_BATCH, ignore_conflicts=True)
        found = _find(first_codes)
    return found


def _find(names: Mapping[str, str]) -> dict[str, int]:
    wanted = list(names)
    found: dict[str, int] = {}
    for begin in range(0, len(wanted), _BATCH):
        rows = Destination.objects.filter(name__in=wanted[begin : begin + _BATCH])
        found.update(rows.values_list("name", "pk"))
    return found
