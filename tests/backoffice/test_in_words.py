"""French pages say in French what is wrong and what to do; codes, and the API, stay as they are."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.api.conftest import Asking, new_key
from tests.db.usage.carrier import NOW, Carrier, line
from tests.db.usage.conftest import carrier  # noqa: F401  the fixture
from tests.staff import make_member, sign_in
from trunkline.kit import clock
from trunkline.tenancy.actions import set_quota
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.intake import register_upload
from trunkline.usage.models import Batch
from trunkline.usage.process import process


@pytest.fixture
def reader(carrier: Carrier) -> Client:  # noqa: F811
    """Somebody whose pages are French."""
    with carrier.scope():
        tenant = current_tenant()
    client = sign_in(Client(), make_member(tenant).user, tenant)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "fr"
    return client


def page(client: Client, name: str, *args: Any, **query: str) -> str:
    response = client.get(reverse(f"admin:{name}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_reasons_of_rejects_are_french(carrier: Carrier, reader: Client) -> None:  # noqa: F811
    batch = carrier.load(carrier.write("a.csv", line("one", trunk_in="nobody"), line("two", called="999")))
    assert batch.reject_reasons == {"no_rate_sell": 1, "unknown_sell": 1}
    meaning, what_to_do = "Aucune identité ne dit à qui est cet appel.", "Ajoutez le faisceau, l’adresse"
    for text in (
        page(reader, "usage_batch_change", batch.pk),
        page(reader, "rejects_send_again", reason="unknown_sell"),
    ):
        assert all(said in text for said in ("unknown_sell", meaning, what_to_do))
    assert what_to_do in page(reader, "rejects")
    assert meaning in page(reader, "index")
    reader.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    assert "No identity says whose call this is." in page(reader, "index")


def test_why_a_file_failed_is_french(carrier: Carrier, reader: Client) -> None:  # noqa: F811
    given = io.BytesIO(b"no,such,header\n1,2,3\n")
    pk, _ = register_upload(carrier.tenant_id, "common", "a.csv", given, actor="test", now=carrier.clock)
    process(tenant_id=carrier.tenant_id, batch_id=pk, now=carrier.clock)
    with carrier.scope():
        assert Batch.objects.get().failure == "header_changed"
    text = page(reader, "usage_batch_change", pk)
    assert all(
        said in text for said in ("header_changed", "Les colonnes ne sont pas celles du format", "L’en-tête n’est pas")
    )


def test_refusals_of_forms_are_french_and_the_api_speaks_english(carrier: Carrier, reader: Client) -> None:  # noqa: F811
    with carrier.scope():
        tenant = current_tenant()
        set_quota(octets=5)
    file = SimpleUploadedFile("a.csv", b"x" * 10)
    refused = reader.post(reverse("admin:usage_batch_upload"), {"switch": "common", "file": file})
    assert refused.status_code == 422
    assert (
        "0 B utilisés sur 5 B que cet opérateur peut stocker ; 10 B de plus ne tiennent pas."
        in refused.content.decode()
    )
    with clock.at(NOW):
        ask = Asking(Client(headers={"Accept-Language": "fr"}), new_key(tenant))
        answer = ask("POST", "/batches?switch=common&name=a.csv", b"x" * 10).json()
    assert answer["code"] == "quota_reached"
    assert answer["detail"].startswith("0 B of 5 B that this operator may store are used")
