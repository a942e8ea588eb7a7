"""The page about staff says what the program does."""

from __future__ import annotations

import re

from tests.places import ROOT
from trunkline.identity.permissions import ROLE_NAMES, ROLES, SENTENCES, BuiltInRole, Permission

PAGE = (ROOT / "docs/guide/staff.md").read_text()


def test_every_permission_stands_on_the_page_with_who_has_it() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| (.*?) \| (.*) \|$", PAGE, re.MULTILINE)
    told = {name: (sentence, [cell.strip() == "yes" for cell in cells.split("|")]) for name, sentence, cells in rows}
    expected = {
        permission.value: (SENTENCES[permission], [permission in ROLES[role] for role in BuiltInRole])
        for permission in Permission
    }
    assert told == expected


def test_every_role_stands_on_the_page() -> None:
    (header,) = re.findall(r"^\| permission \| lets one \| (.*) \|$", PAGE, re.MULTILINE)
    assert header.split(" | ") == list(ROLE_NAMES.values())
    assert [name for name in ROLE_NAMES.values() if f"\n| {name} | " not in PAGE] == []
