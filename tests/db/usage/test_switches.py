"""What a switch must say when it is made, and whose the calls are that end at the operator's own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.db.usage.carrier import COLUMNS, Carrier, line
from trunkline.core.errors import Invalid
from trunkline.usage.actions import change_switch, create_switch
from trunkline.usage.models import Batch

MAPPING: dict[str, Any] = {
    "name": "mine",
    "file": {"kind": "delimited", "columns": ["id", "to", "at", "secs"]},
    "record": {"key": "id", "called": "`to`", "start": "at", "duration": "secs"},
}


def test_a_switch_of_the_format_mapping_needs_one_that_is_for_it(carrier: Carrier) -> None:
    with carrier.scope():
        for name, options, said in (
            ("mapping", {}, "needs a mapping"),
            ("mapping_with_header", {"mapping": MAPPING}, "is not for the format"),
            ("asterisk", {"mapping": MAPPING}, "has no use for a mapping"),
        ):
            with pytest.raises(Invalid, match=said) as refused:
                create_switch(name="pbx", format=name, at=carrier.now, options=options)
            assert refused.value.code == "switch_option"
        switch = create_switch(name="pbx", format="mapping", at=carrier.now, options={"mapping": MAPPING})
        with pytest.raises(Invalid, match="needs a mapping"):
            change_switch(switch_id=switch.id, at=carrier.now, options={})


def test_a_call_that_ends_at_an_extension_has_no_vendor_and_needs_none(carrier: Carrier) -> None:
    path = carrier.write("a.csv", line("k1", trunk_out="(internal)"), line("k2", trunk_out="nobody"), header=COLUMNS)
    batch = carrier.load(path)
    with carrier.scope():
        counts = Batch.objects.get(id=batch.id)
        assert (counts.rated, counts.reject_reasons) == (1, {"unknown_buy": 1})
