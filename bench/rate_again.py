"""Run by `bench pipeline` on the bench's ground: rates a sample of the stored day again, one event at a time, on both sides."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")


def main(sample: int) -> None:
    """Print how many records were compared; end with an error at the first that differs."""
    import django

    django.setup()
    from bench.ground import TENANT
    from trunkline.engine.scalar import Event, ScalarTariff, charge
    from trunkline.engine.schema import Tariff
    from trunkline.engine.units import Unit
    from trunkline.tariffs import models
    from trunkline.tariffs.snapshot import load, read_rates
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.tenancy.scope import scope
    from trunkline.usage.models import Batch
    from trunkline.usage.segments import connect, live_segments

    tenant_id = get_tenant_id(TENANT)
    with scope(tenant_id, "bench"):
        newest = Batch.objects.order_by("-pk").first()
        segments = [s.path for s in live_segments()]
        prices = load(tenant_id)

        @cache
        def tariff(tariff_id: int) -> ScalarTariff:
            row = models.Tariff.objects.get(pk=tariff_id)
            return ScalarTariff(
                Tariff(row.pk, row.name, row.currency, row.timezone, Unit(row.unit), read_rates(row.pk))
            )

        def rate_again(record: dict[str, Any], side: str) -> tuple[Any, ...]:
            plan = prices.plans.plan(0, record[f"{side}_account_id"], side, record["service"])
            event = Event(record["called"], record["start"], record["quantity"], frozenset())
            charged = charge([tariff(each) for each in plan], event)
            amount = None if charged.amount is None else charged.amount.to_decimal()
            return charged.rate_id, charged.code, charged.billed, amount

        with connect(segments) as duck:
            mine = f"SELECT * FROM segments WHERE batch_id = {newest.pk}"
            wanted = f"SELECT * FROM ({mine}) USING SAMPLE reservoir({int(sample)} ROWS) REPEATABLE (1)"
            records = duck.sql(f"SELECT * FROM ({wanted})").to_arrow_table().to_pylist()
        for record in records:
            for side in ("sell", "buy"):
                if record[f"{side}_state"] != 1:
                    continue
                found = tuple(record[f"{side}_{name}"] for name in ("rate_id", "code", "billed", "tariff_amount"))
                if found != rate_again(record, side):
                    raise SystemExit(
                        f"{side}: {record['key']} was rated {found}, one by one {rate_again(record, side)}"
                    )
    sys.stdout.write(f"{len(records)}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
