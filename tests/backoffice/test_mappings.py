"""A file is tried, described on a screen, its mapping mended and kept; nothing of it is taken."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.backoffice.office import Office
from tests.databases import AT
from tests.db.usage.carrier import COLUMNS, line
from trunkline.tenancy.scope import scope
from trunkline.usage import samples
from trunkline.usage.actions import create_switch
from trunkline.usage.models import Batch, Switch

OLD = b"""id;caller;callee;begun;ended;seconds;gateway
7001;254711000111;sip:442079460123@192.0.2.9;02.01.2026 17:00:00;02.01.2026 17:01:06;61;alpha
7002;TEST;sip:442079460123@192.0.2.9;02.01.2026 17:00:00;02.01.2026 17:01:06;61;alpha
7003;254711000111;sip:442079460123@192.0.2.9;nonsense;02.01.2026 17:02:20;0;beta
"""


@pytest.fixture
def owner(office: Office) -> Client:
    with scope(office.ours, "test"):
        create_switch(name="common", format="common", at=AT)
    return office.client()


def try_it(client: Client, data: bytes, name: str = "old.csv", **more: str) -> Any:
    return client.post(reverse("admin:try"), {"file": SimpleUploadedFile(name, data), **more})


def tried(client: Client, data: bytes, name: str = "old.csv", **more: str) -> str:
    response = try_it(client, data, name, **more)
    assert response.status_code == 302, response.content
    address: str = response["Location"]
    return address


def panel(response: Any, title: str) -> list[Any]:
    panels = [each for section in response.context_data["sections"] for each in section.panels]
    return [list(row) for each in panels if str(each.title) == title for row in each.rows]


def nothing_was_taken(office: Office) -> bool:
    with scope(office.ours, "test"):
        return not Batch.objects.exists()


def test_a_file_is_recognised_and_each_line_has_its_fate(office: Office, owner: Client) -> None:
    data = "\n".join([COLUMNS, line("one"), line("two", -1)]).encode()
    shown = owner.get(tried(owner, data, "today.csv"))
    assert [str(each) for each in panel(shown, "Lines")[0]] == ["taken", "", "1", ""]
    assert [row[1] for row in panel(shown, "Lines")[1:2]] == ["time_order"]
    first = panel(shown, "As they would be stored")[0]
    assert (str(first[1]), first[6]) == ("taken", 60)
    assert "common, version 1" in shown.content.decode()
    assert nothing_was_taken(office)


def test_a_packed_file_is_read_by_its_switch(owner: Client) -> None:
    data = gzip.compress("\n".join([COLUMNS, line("one")]).encode())
    shown = owner.get(tried(owner, data, "today.csv.gz", switch="common"))
    assert [row[2] for row in panel(shown, "Lines")] == ["1", "1"]


def test_a_file_that_no_format_fits_leads_to_a_description(owner: Client) -> None:
    shown = owner.get(tried(owner, OLD)).content.decode()
    assert "No format fits" in shown
    assert "Describe it in a mapping" in shown


@pytest.mark.parametrize(
    ("data", "words"), [(b"%PDF-1.7 x", "a PDF document"), (b"", "empty")], ids=["document", "nothing"]
)
def test_what_is_no_usage_file_is_refused_at_its_field(owner: Client, data: bytes, words: str) -> None:
    response = try_it(owner, data)
    assert response.status_code == 422
    assert words in " ".join(response.context_data["form"].errors["file"])


def test_of_a_large_file_the_beginning_is_looked_at(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "OCTETS_MAX", 400)
    data = "\n".join([COLUMNS, *(line(str(n)) for n in range(20))]).encode()
    shown = owner.get(tried(owner, data))
    (row,) = [row for row in panel(shown, "Lines") if str(row[0]) == "taken"]
    assert 0 < int(row[2]) < 20
    assert "only its first" in shown.content.decode()


def test_a_packed_file_that_is_too_large_is_refused(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "OCTETS_MAX", 10)
    assert "Try a smaller one" in str(try_it(owner, gzip.compress(OLD)).context_data["form"].errors["file"])


def test_a_sample_is_its_operators_alone(office: Office, owner: Client) -> None:
    address = tried(owner, OLD)
    foreign = office.client("owner", office.theirs).get(address)
    absent = owner.get(reverse("admin:try_sample", args=("01a227fa-18f1-7e2a-b9d4-70951eb94d25",)))
    assert (foreign.status_code, absent.status_code) == (404, 404)


def described(client: Client, address: str, **more: str) -> str:
    """The address of the mapping that the screen makes of its guesses."""
    page = client.get(address + "describe/")
    form = page.context_data["form"]
    given = {name: value for name, value in form.initial.items() if value} | {"name": "mine", "title": "Old", **more}
    response = client.post(address + "describe/", given)
    assert response.status_code == 302, response.context_data["form"].errors
    made: str = response["Location"]
    return made


def test_a_mapping_made_on_the_screen_reads_the_file(office: Office, owner: Client) -> None:
    address = described(owner, tried(owner, OLD), skip1_column="caller", skip1_value="TEST")
    shown = owner.get(address)
    fates = [(str(row[0]), row[1], row[2]) for row in panel(shown, "Lines")]
    assert fates == [
        ("taken", "", "1"), ("rejected", "bad_time", "1"), ("passed over", "passed_over_1", "1"), ("in all", "", "3"),
    ]  # fmt: skip
    first = panel(shown, "As they would be stored")[0]
    assert [first[n] for n in (2, 3, 5, 6, 7)] == [
        "2026-01-02 17:00:00", "2026-01-02 17:00:05", "254711000111", "442079460123", 61,
    ]  # fmt: skip
    assert nothing_was_taken(office)


def test_a_column_that_must_be_there_is_asked_for(owner: Client) -> None:
    address = tried(owner, OLD) + "describe/"
    response = owner.post(address, {"name": "Mine!", "title": "x", "pattern": "iso"})
    assert response.status_code == 422
    assert {"name", "key", "called", "start"} <= set(response.context_data["form"].errors)


def test_what_a_mapping_does_not_say_enough_of_is_said(owner: Client) -> None:
    address = tried(owner, OLD) + "describe/"
    given = {"name": "mine", "title": "x", "pattern": "iso", "key": "id", "called": "callee", "start": "begun"}
    assert "how much was used" in " ".join(owner.post(address, given).context_data["form"].non_field_errors())


def test_fields_at_fixed_places_are_described_too(owner: Client) -> None:
    address = tried(owner, b"00125471100011161\n00225471100011100\n") + "describe/"
    asked = {"kind": "fixed", "fixed": "id 1-3\ncallee 4-15\nused 16-17"}
    assert owner.get(address, asked).context_data["panel"].rows[0] == ["001", "254711000111", "61"]
    wrong = owner.get(address, {"kind": "fixed", "fixed": "id"})
    assert (wrong.status_code, "says no column" in wrong.content.decode()) == (422, True)


def keep(client: Client, text: str, **more: str) -> Any:
    return client.post(reverse("admin:mapping"), {"text": text, "save": "1", **more})


def test_a_mapping_is_kept_with_a_new_switch_as_it_was_written(office: Office, owner: Client) -> None:
    text = owner.get(described(owner, tried(owner, OLD))).context_data["form"].initial["text"]
    written = f"# by hand\n{text}"
    response = keep(owner, written, name="old", timezone="Africa/Nairobi", why_it_is_done="new switch")
    with scope(office.ours, "test"):
        switch = Switch.objects.get(name="old")
    assert response["Location"] == reverse("admin:usage_switch_change", args=(switch.pk,))
    assert (switch.format, switch.timezone, switch.options) == (
        "mapping_with_header",
        "Africa/Nairobi",
        {"mapping": written},
    )
    assert owner.get(reverse("admin:mapping"), {"switch": switch.pk}).context_data["form"].initial["text"] == written
    (change,) = owner.get(reverse("admin:usage_switch_history", args=(switch.pk,))).context_data["changes"]
    assert (change.why, change.who) == ("new switch", office.person("owner").email)

    shown = owner.get(tried(owner, OLD, switch="old"))
    assert [row[2] for row in panel(shown, "Lines")] == ["2", "1", "3"]


def test_a_mapping_is_changed_and_other_options_stay(office: Office, owner: Client) -> None:
    text = owner.get(described(owner, tried(owner, OLD))).context_data["form"].initial["text"]
    keep(owner, text, name="old", timezone="UTC")
    with scope(office.ours, "test"):
        switch = Switch.objects.get(name="old")
    page = reverse("admin:usage_switch_change", args=(switch.pk,))
    given = owner.get(page).context_data["adminform"].form.initial
    assert given["options"] == {}  # the mapping has a page of its own
    fields = {n: given[n] for n in ("timezone", "max_duration_s", "future_limit_s", "duplicate_window_days")}
    assert owner.post(page, {**fields, "number_rules": "[]", "options": '{"ms_rounding": "down"}'}).status_code == 302
    assert keep(owner, text.replace("Old", "New"), switch=str(switch.pk)).status_code == 302
    with scope(office.ours, "test"):
        switch.refresh_from_db()
    assert switch.options == {"ms_rounding": "down", "mapping": text.replace("Old", "New")}


def test_an_error_is_said_with_its_line_and_nothing_is_kept(office: Office, owner: Client) -> None:
    text = owner.get(described(owner, tried(owner, OLD))).context_data["form"].initial["text"]
    response = keep(owner, text.replace('called = "', 'caled = "'), name="old", timezone="UTC")
    number = next(n for n, row in enumerate(text.splitlines(), 1) if row.startswith("called"))
    assert response.status_code == 422
    assert (
        response.context_data["form"].errors["text"][0].startswith(f"Line {number}: record has the unknown key 'caled'")
    )
    assert [each.number for each in response.context_data["wrong"] if each.is_wrong] == [number]
    with scope(office.ours, "test"):
        assert not Switch.objects.filter(name="old").exists()


def test_a_text_is_tried_on_a_file_and_then_on_the_same_again(owner: Client) -> None:
    text = owner.get(described(owner, tried(owner, OLD))).context_data["form"].initial["text"]
    address = reverse("admin:mapping")
    first = owner.post(address, {"text": text, "try": "1", "file": SimpleUploadedFile("a.csv", OLD), "timezone": "UTC"})
    sample = first.context_data["form"]["sample"].value()
    again = owner.post(address, {"text": text, "try": "1", "sample": sample, "timezone": "UTC"})
    assert panel(first, "Lines") == panel(again, "Lines") != []
    assert "It is tried on a.csv" in again.content.decode()


def test_a_new_switch_needs_a_name_and_a_taken_one_is_refused(owner: Client) -> None:
    text = owner.get(described(owner, tried(owner, OLD))).context_data["form"].initial["text"]
    assert "name" in keep(owner, text, timezone="UTC").context_data["form"].errors
    taken = keep(owner, text, name="common", timezone="UTC").context_data["form"].errors
    assert "already" in " ".join(taken["name"])


def test_a_mapping_given_as_an_object_is_shown_as_text(office: Office, owner: Client) -> None:
    record = {"key": "id", "called": "`to`", "start": "at", "duration": "s"}
    said = {"name": "mine", "file": {"kind": "pairs", "columns": ["id", "to", "at", "s"]}, "record": record}
    with scope(office.ours, "test"):
        switch = create_switch(name="pairs", format="mapping", options={"mapping": said}, at=AT)
    page = owner.get(reverse("admin:mapping"), {"switch": switch.pk})
    text = page.context_data["form"].initial["text"]
    assert "called: '`to`'" in text
    assert keep(owner, text, switch=str(switch.pk)).status_code == 302


def test_a_foreign_switch_is_as_absent_as_none(office: Office, owner: Client) -> None:
    with scope(office.theirs, "test"):
        theirs = create_switch(name="theirs", format="common", at=AT)
    for pk in (theirs.pk, 999_999_999):
        assert owner.get(reverse("admin:mapping"), {"switch": pk}).status_code == 404
