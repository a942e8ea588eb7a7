"""Usage files, rejects and call records in the back office: sent in, taken, searched, explained, sent again."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.backoffice.office import Office
from tests.db.usage.carrier import COLUMNS, NOW, Carrier, line
from tests.db.usage.conftest import carrier  # noqa: F401  the fixture
from tests.waiting_jobs import work_off
from trunkline.backoffice import uploads
from trunkline.identity.permissions import BuiltInRole
from trunkline.tariffs.actions import load_rates
from trunkline.tariffs.models import Tariff
from trunkline.tenancy.models import Tenant
from trunkline.usage.choices import ACCEPT, RESEND, RESEND_ONE, BatchState, Intake
from trunkline.usage.looks import make_look
from trunkline.usage.models import Batch, Proposal
from trunkline.usage.process import process
from trunkline.usage.tasks import accept_corrections, apply_rerating


@pytest.fixture
def owner(carrier: Carrier) -> Client:  # noqa: F811
    with carrier.scope():
        tenant = Tenant.objects.get(pk=carrier.tenant_id)
    return Office(tenant, tenant).client(BuiltInRole.OWNER)


def page(client: Client, name: str, *args: Any, **query: str) -> str:
    response = client.get(reverse(f"admin:{name}", args=args), query)
    assert response.status_code == 200, response.content
    return response.content.decode()


def test_an_uploaded_file_is_a_batch_of_its_own(carrier: Carrier, owner: Client) -> None:  # noqa: F811
    data = carrier.write("a.csv", line("one")).read_bytes()
    address = reverse("admin:usage_batch_upload")
    response = owner.post(address, {"switch": "common", "file": SimpleUploadedFile("a.csv", data)})

    with carrier.scope():
        batch = Batch.objects.get()
    assert (batch.name, batch.intake, batch.state) == ("a.csv", Intake.UPLOAD, BatchState.REGISTERED)
    assert response["Location"] == reverse("admin:usage_batch_change", args=(batch.pk,))
    assert "data-follow=" in page(owner, "usage_batch_change", batch.pk)


def test_a_file_past_the_limit_is_refused(carrier: Carrier, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(uploads, "UPLOAD_OCTETS_MAX", 10)
    file = SimpleUploadedFile("a.csv", b"x" * 11)
    response = owner.post(reverse("admin:usage_batch_upload"), {"switch": "common", "file": file})

    assert (response.status_code, "larger than" in response.content.decode()) == (422, True)
    with carrier.scope():
        assert not Batch.objects.exists()


def test_records_are_found_and_explained(carrier: Carrier, owner: Client) -> None:  # noqa: F811
    carrier.load(carrier.write("a.csv", line("other"), line("one", 61)))

    response = owner.get(reverse("admin:records"), {"number": "2547*", "account": "cust"})
    rows = response.context_data["panel"].rows
    assert len(rows) == 2
    assert {row[2] for row in rows} == {"254700000001"}
    shown = page(owner, "record_why", key="one")
    assert "254700000001" in shown
    assert "0.10166667" in shown
    assert "everything is as it is stored" in shown
    assert {owner.get(row[0].url).status_code for row in rows} == {200}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"number": "abc"}, "not a number"),
        ({"account": "nobody"}, "no account"),
        ({"switch": "common"}, "Say which number"),
    ],
)
def test_what_cannot_be_searched_is_said_on_the_form(
    carrier: Carrier,  # noqa: F811
    owner: Client,
    asked: dict[str, str],
    words: str,
) -> None:
    response = owner.get(reverse("admin:records"), asked)
    assert (response.status_code, words in response.content.decode()) == (422, True)


def test_records_are_narrowed_by_cause_and_switch(carrier: Carrier, owner: Client) -> None:  # noqa: F811
    carrier.load(carrier.write("a.csv", f"{line('one')},16", header=f"{COLUMNS},cause"))
    address = reverse("admin:records")
    counts = [
        len(owner.get(address, {"account": "cust", **more}).context_data["panel"].rows)
        for more in ({"switch": "common"}, {"cause": "16"}, {"cause": "99"})
    ]
    assert counts == [1, 1, 0]


def test_a_record_that_is_not_there_is_a_404(carrier: Carrier, owner: Client) -> None:  # noqa: F811
    address = reverse("admin:record_why")
    assert owner.get(address, {"key": "none"}).status_code == 404
    assert owner.get(address, {"key": "none", "at": "noon"}).status_code == 400


def test_rejects_stand_in_groups_and_lines_and_are_sent_again(carrier: Carrier, owner: Client) -> None:  # noqa: F811
    batch = carrier.load(carrier.write("a.csv", line("one"), line("two", -1)))
    assert batch.rejected == 1

    (group,) = owner.get(reverse("admin:rejects")).context_data["panel"].rows
    (row,) = owner.get(reverse("admin:rejects") + group[0].url).context_data["panel"].rows
    assert (row[2], row[4]) == (group[0].text, "a.csv:3")
    assert group[0].text in page(owner, "usage_batch_change", batch.pk)

    address = reverse("admin:usage_batch_send_again", args=(batch.pk,))
    assert owner.post(address)["Location"] == reverse("admin:usage_batch_change", args=(batch.pk,))
    assert "data-follow=" in page(owner, "usage_batch_change", batch.pk)  # until the batch that they become is there
    with carrier.scope():
        assert not Batch.objects.filter(resends=batch).exists()
    assert work_off(RESEND_ONE) == 1
    with carrier.scope():
        again = Batch.objects.get(resends=batch)
    assert (again.intake, again.state) == (Intake.RESEND, BatchState.REGISTERED)
    shown = page(owner, "usage_batch_change", batch.pk)
    assert ("data-follow=" in shown, reverse("admin:usage_batch_change", args=(again.pk,)) in shown) == (False, True)


def test_rejects_of_many_files_are_sent_again_by_their_reason(carrier: Carrier, owner: Client) -> None:  # noqa: F811
    first = carrier.load(carrier.write("a.csv", line("one", trunk_in="who")))
    second = carrier.load(carrier.write("b.csv", line("two", trunk_in="who")))
    third = carrier.load(carrier.write("c.csv", line("three", -1)))
    reason = next(iter(first.reject_reasons))
    address = f"{reverse('admin:rejects_send_again')}?reason={reason}"
    assert owner.get(address).context_data["files"] == 2
    for _ in range(2):  # asked twice, done once
        assert owner.post(address)["Location"] == reverse("admin:usage_batch_changelist")
    assert work_off(RESEND) == 1
    with carrier.scope():
        again = list(Batch.objects.exclude(resends=None).order_by("pk"))
    assert [each.resends_id for each in again] == [first.pk, second.pk]
    assert owner.post(reverse("admin:rejects_send_again")).status_code == 302
    work_off(RESEND)
    with carrier.scope():
        assert Batch.objects.exclude(resends=None).latest("pk").resends_id == third.pk
    assert owner.post(f"{reverse('admin:rejects_send_again')}?reason=none").status_code == 400


def test_corrections_are_accepted_by_a_worker(carrier: Carrier, owner: Client) -> None:  # noqa: F811
    carrier.load(carrier.write("a.csv", line("k1", 60)))
    batch = carrier.load(carrier.write("b.csv", line("k1", 90)))
    address = reverse("admin:usage_batch_accept_corrections", args=(batch.pk,))
    assert owner.get(address).status_code == 200
    assert owner.post(address).status_code == 302
    assert "data-follow=" in page(owner, "usage_batch_change", batch.pk)
    assert work_off(ACCEPT) == 1
    with carrier.scope():
        again = Batch.objects.get(resends=batch)
    process(tenant_id=carrier.tenant_id, batch_id=again.pk, now=carrier.clock)
    with carrier.scope():
        again.refresh_from_db()
    assert (again.asked, again.state, again.changed) == ({"accept": "all"}, BatchState.POSTED, 1)
    assert owner.get(address).status_code == 404
    refused = owner.post(address)
    assert (refused.status_code, "No conflicting duplicates" in refused.content.decode()) == (422, True)
    accept_corrections(tenant_id=carrier.tenant_id, batch_public_id=str(batch.public_id), actor="test")  # does nothing
    with carrier.scope():
        assert Batch.objects.filter(resends=batch).count() == 1


def test_a_re_rating_is_looked_at_and_applied(carrier: Carrier, owner: Client) -> None:  # noqa: F811
    carrier.load(carrier.write("a.csv", line("one")))
    response = owner.post(reverse("admin:rerating"), {"code": "254"})
    address = response["Location"]
    assert "data-follow=" in owner.get(address).content.decode()
    look_id = owner.get(address).resolver_match.kwargs["look_id"]

    assert owner.post(address).status_code == 409
    make_look(carrier.tenant_id, look_id, actor="test")
    shown = owner.get(address)
    assert not shown.context_data["may_apply"]  # no price has changed
    assert "data-follow=" not in shown.content.decode()
    assert "Nothing was written" in shown.content.decode()


def test_a_changed_price_is_shown_by_account_and_can_be_applied(carrier: Carrier, owner: Client) -> None:  # noqa: F811
    carrier.load(carrier.write("a.csv", line("one")))
    with carrier.scope():
        data = b"code,destination,price,increments,valid_from\n254,Kenya,0.20,1/1,2026-03-01\n"
        load_rates(tariff_id=Tariff.objects.get(name="sell").pk, data=data, supersede_earlier=True, at=NOW)
    address = owner.post(reverse("admin:rerating"), {})["Location"]
    look_id = owner.get(address).resolver_match.kwargs["look_id"]
    make_look(carrier.tenant_id, look_id, actor="test")

    shown = owner.get(address)
    (row,) = next(each for each in shown.context_data["panels"] if each.title == "By account").rows
    assert row[1:] == ("cust", "1", "0.08 EUR", "0.16 EUR", "0.08 EUR")
    assert owner.post(address).status_code == 302
    apply_rerating(tenant_id=carrier.tenant_id, asked={}, name="re-rating: everything", actor="test")
    with carrier.scope():
        batch = Batch.objects.get(intake=Intake.RERATE)
    assert (batch.state, batch.changed) == (BatchState.POSTED, 1)


def test_a_proposal_is_listed_and_dismissed(carrier: Carrier, owner: Client) -> None:  # noqa: F811
    with carrier.scope():
        found = Proposal.objects.create(tariff=Tariff.objects.first(), cause="rates of March", made_at=NOW)
    assert "rates of March" in page(owner, "rerating")
    owner.post(reverse("admin:rerating_dismiss", args=(found.pk,)))
    with carrier.scope():
        found.refresh_from_db()
    assert found.closed_at is not None
    assert owner.get(reverse("admin:rerating_dismiss", args=(found.pk,))).status_code == 404
