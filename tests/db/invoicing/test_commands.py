"""The commands of `trunkline invoice`, as one would type them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pypdf
import pytest
from typer import Typer
from typer.testing import CliRunner

from tests.databases import TestDatabase
from tests.db.in_the_way import book_is_locked
from tests.db.invoicing.books import AT, Books, Call
from tests.db.invoicing.test_issue import CALLS, stored
from trunkline.cli import account
from trunkline.cli.invoice import app
from trunkline.core.errors import TrunklineError
from trunkline.kit import clock


def run(books: Books, *words: str, status: int = 0, app: Typer = app) -> str:
    with clock.at(AT):
        result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [words[0], "--tenant", books.tenant.slug, *words[1:]])
    if isinstance(result.exception, TrunklineError):
        raise result.exception
    assert (result.exit_code, result.stderr if result.exit_code != status else "") == (status, "")
    return result.stdout


def run_json(books: Books, *words: str, status: int = 0) -> Any:
    return json.loads(run(books, *words, "--json", status=status))


def test_from_the_seller_to_the_exported_document(books: Books, tmp_path: Path) -> None:
    books.batch(*CALLS)
    run(
        books,
        "profile",
        "--name",
        "Meridian Carrier Ltd",
        "--address",
        "1 Quay Street|Mombasa",
        "--payment",
        "IBAN KE1",
    )
    assert run_json(books, "profile")["address"] == "1 Quay Street\nMombasa"
    assert run_json(books, "unbilled")["unbilled"] == [
        {
            "account": "acme",
            "first_day": "2026-03-10",
            "last_day": "2026-03-12",
            "calls": 4,
            "currency": "USD",
            "amount": "0.10020833",
        }
    ]
    preview = run_json(
        books, "preview", "--account", "acme", "--period", "2026-03", "--pdf", str(tmp_path / "preview.pdf")
    )
    assert (preview["total"], preview["rounding"], len(preview["lines"])) == ("0.13", "-0.00979167", 2)
    assert (tmp_path / "preview.pdf").read_bytes().startswith(b"%PDF")
    assert stored(books) == []
    (invoice,) = run_json(books, "issue", "--account", "acme", "--from", "2026-03-01", "--to", "2026-04-01")["invoices"]
    assert (invoice["number"], invoice["period_to"], invoice["total"], invoice["is_new"]) == (
        "INV-2026-000001",
        "2026-04-01",
        "0.13",
        True,
    )
    assert [row["number"] for row in run_json(books, "list")["invoices"]] == ["INV-2026-000001"]
    assert [line["destination"] for line in run_json(books, "show", "INV-2026-000001")["lines"]] == [
        "Kenya Fixed Nairobi",
        "Kenya Mobile Safaricom",
    ]
    run(books, "export", "INV-2026-000001", "--to", str(tmp_path / "out"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "INV-2026-000001.pdf",
        "INV-2026-000001.records.csv",
        "INV-2026-000001.records.parquet",
    ]
    assert all(finding["contradictions"] == [] for finding in run_json(books, "check")["findings"])
    run(books, "void", "INV-2026-000001", "--reason", "wrong price")
    shown = run_json(books, "show", "INV-2026-000001")
    assert (shown["state"], shown["void_reason"]) == ("void", "wrong price")


def test_all_accounts_with_one_refused_ends_with_status_1(books: Books) -> None:
    with_records = Call("2026-03-10 08:00:00", "Kenya Fixed Nairobi", "nairobi", 60, 60, "0.03")
    from trunkline.tenancy.scope import scope

    with scope(books.tenant, "test"):
        other = books.add_account("baobab")
    books.batch(with_records)
    books.batch(with_records, account=other, records=[])
    said = run_json(books, "issue", "--all", "--period", "2026-03", status=1)
    assert [invoice["account"] for invoice in said["invoices"]] == ["acme"]
    assert [(each["account"], each["code"]) for each in said["refused"]] == [("baobab", "sums_disagree")]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["issue", "--period", "2026-03"], "accounts"),
        (["issue", "--all", "--account", "acme", "--period", "2026-03"], "accounts"),
        (["issue", "--account", "acme"], "period"),
        (["issue", "--account", "acme", "--from", "2026-03-01"], "period"),
        (["issue", "--account", "acme", "--from", "2026-03", "--to", "2026-03-31"], "bad_period"),
        (["issue", "--account", "acme", "--from", "2026-03-31", "--to", "2026-03-01"], "period_order"),
        (["preview", "--account", "acme", "--from", "2026-03-31", "--to", "2026-03-31"], "period_order"),
        (["issue", "--account", "nobody", "--period", "2026-03"], "account_not_found"),
        (["issue", "--account", "acme", "--period", "2026-04"], "period_open"),
        (["preview", "--account", "acme", "--period", "2026-03"], "nothing_to_bill"),
        (["show", "INV-1"], "invoice_not_found"),
        (["profile", "--language", "xx"], "unknown_language"),
    ],
)
def test_what_cannot_be_done_is_said_by_its_code(books: Books, words: list[str], code: str) -> None:
    with pytest.raises(TrunklineError) as caught:
        run(books, *words)
    assert caught.value.code == code


def test_tables_are_printed_for_people(books: Books) -> None:
    books.batch(*CALLS)
    for words, expected in (
        (["preview", "--account", "acme", "--period", "2026-03"], "Kenya Fixed Nairobi"),
        (["preview", "--account", "acme", "--period", "2026-03"], "usage 0.10020833, rounding"),
        (["preview", "--account", "acme", "--period", "2026-03"], "VAT 16 % 0.02, total 0.13"),
        (["issue", "--all", "--period", "2026-03"], "INV-2026-000001"),
        (["list", "--account", "acme"], "INV-2026-000001"),
        (["show", "INV-2026-000001"], "Kenya Mobile"),
        (["show", "INV-2026-000001"], "VAT 16 % 0.02, total 0.13"),
        (["show", "INV-2026-000001"], ".records.parquet"),
        (["check"], "holds  numbers without gaps (1 series, 1 documents)"),
        (["unbilled"], "Unbilled usage"),
        (["profile"], "Meridian Carrier"),
    ):
        assert expected in run(books, *words)
    run(books, "sweep")
    run(books, "check")


def test_a_document_is_voided_by_the_second_try(books: Books, test_database: TestDatabase) -> None:
    books.batch(*CALLS)
    run(books, "issue", "--all", "--period", "2026-03")
    with book_is_locked(test_database, books.tenant.pk) as refusals:
        run(books, "void", "INV-2026-000001", "--reason", "wrong price")
    assert len(refusals) == 1
    assert run_json(books, "show", "INV-2026-000001")["state"] == "void"


def test_documents_are_in_the_language_of_the_account_else_of_the_seller(books: Books, tmp_path: Path) -> None:
    def heading() -> str:
        run(books, "preview", "--account", "acme", "--period", "2026-03", "--pdf", str(tmp_path / "preview.pdf"))
        facts = pypdf.PdfReader(tmp_path / "preview.pdf").metadata
        return str(facts.title if facts else "")

    books.batch(*CALLS)
    assert heading() == "Preview"
    run(books, "profile", "--language", "fr")
    assert heading() == "Aperçu"
    run(books, "set", "acme", "--language", "en", app=account.app)
    assert heading() == "Preview"
    run(books, "set", "acme", "--language", "", app=account.app)
    assert heading() == "Aperçu"
    with pytest.raises(TrunklineError) as caught:
        run(books, "set", "acme", "--language", "xx", app=account.app)
    assert caught.value.code == "unknown_language"


def test_a_french_document_is_kept_in_french_and_its_records_keep_their_columns(books: Books, tmp_path: Path) -> None:
    books.batch(*CALLS)
    run(books, "set", "acme", "--language", "fr-BE", app=account.app)
    run(books, "issue", "--account", "acme", "--period", "2026-03")
    shown = run_json(books, "show", "INV-2026-000001")
    assert shown["language"] == "fr"
    assert [line["terms"] for line in shown["lines"]] == ["0,03/min, 1/1", "0,0125/min, 60/1"]
    run(books, "export", "INV-2026-000001", "--to", str(tmp_path))
    text = pypdf.PdfReader(tmp_path / "INV-2026-000001.pdf").pages[0].extract_text()
    assert "Total USD 0,13" in text
    header, first, *_ = (tmp_path / "INV-2026-000001.records.csv").read_text(encoding="utf-8").splitlines()
    assert header.replace('"', "") == (
        "line,service,call_id,start_local,utc_offset,calling,called,destination,code,price,unit,used,billed,currency,amount,"
        "change,price_before,used_before,billed_before,amount_before"
    )
    assert '"Kenya Fixed Nairobi"' in first
    assert '"0,03/min, 1/1"' in first
    run(books, "check")
