"""The printed document: what stands on it, whatever stands in the data."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest
import typst

from trunkline.core.currency import get_currency
from trunkline.core.money import Amount
from trunkline.core.period import DatePeriod
from trunkline.invoicing.choices import InvoiceKind, LineKind, Unit
from trunkline.invoicing.document.catalogue import get_language, languages
from trunkline.invoicing.document.layout import ANNEX_LINES, Issue, _extent, document_data
from trunkline.invoicing.document.press import set_pdf
from trunkline.invoicing.draft import Draft
from trunkline.invoicing.queries import OpenUsage
from trunkline.invoicing.rules import Bucket, Corrected, Key, Sums, TaxRate, Terms, Texts, build_lines, total_of

AT = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)
MARCH = DatePeriod(date(2026, 3, 1), date(2026, 4, 1))
VAT = TaxRate("VAT", Decimal(16))
ISSUE = Issue("INV-2026-000042", date(2026, 4, 2), date(2026, 5, 2))


def draft(
    count: int = 3, *, currency: str = "USD", amount: str = "12.345", name: str = "Destination", **given: Any
) -> Draft:
    """A draft of `count` destinations, each with 10 calls, 61 seconds charged and `amount`."""
    buckets = [Bucket(LineKind.USAGE, None, MARCH)]
    usage = {Key(0, "voice", n, n): Sums(12, 10, 60, 61, Amount.from_text(amount)) for n in range(1, count + 1)}
    texts = Texts(
        {n: f"{name} {n:04}" for n in range(1, count + 1)},
        {n: Terms("0.0125/min, 60/1", Unit.SECOND) for n in range(1, count + 1)},
        "Other destinations",
        "free of charge",
        "several prices",
    )
    lines, line_of = build_lines(usage, buckets, texts=texts, currency=get_currency(currency))
    made = Draft(
        account_id=1,
        account_code="acme",
        period=MARCH,
        timezone="Africa/Nairobi",
        currency=get_currency(currency),
        language="en",
        tax_name="VAT",
        tax_percent=Decimal("16.000000"),
        payment_terms_days=30,
        seller={
            "name": "Meridian Carrier",
            "lines": ["Harbour House", "Mombasa"],
            "tax_number": "P05",
            "contact": ["billing@meridian.example"],
            "payment_instructions": ["IBAN KE12 3456"],
            "note": "Disputes within 30 days.",
        },
        buyer={"name": "Acme Telecom", "lines": ["10115 Berlin"], "tax_number": "DE 1"},
        templates={InvoiceKind.INVOICE: "INV-{year}-{number:06}", InvoiceKind.CREDIT_NOTE: "CN-{year}-{number:06}"},
        buckets=buckets,
        corrected={},
        lines=lines,
        totals=total_of(lines, tax=VAT, currency=get_currency(currency)),
        texts=texts,
        usage=OpenUsage((), ()),
        sums=usage,
        bucket_of={},
        adjusted_bucket_of={},
        line_of=line_of,
        documents_seen=(0, 0),
    )
    return replace(made, **given)


def pages(made: Draft, issue: Issue | None = ISSUE) -> list[str]:
    pdf = set_pdf(document_data(made, issue), AT)
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def test_the_same_document_has_the_same_bytes() -> None:
    assert set_pdf(document_data(draft(), ISSUE), AT) == set_pdf(document_data(draft(), ISSUE), AT)


def test_it_is_an_archivable_a4_with_title_and_author() -> None:
    pdf = set_pdf(document_data(draft(), ISSUE), AT)
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    assert (round(reader.pages[0].mediabox.width), round(reader.pages[0].mediabox.height)) == (595, 842)
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.author) == ("Invoice INV-2026-000042", "Meridian Carrier")
    assert reader.metadata.creation_date == AT
    assert b"pdfaid:part>2<" in pdf


def test_markup_in_names_stays_text() -> None:
    evil = '#strong[Evil] *bold* _it_ $x^2$ @ref <label> \\ // "q" `raw` = head'
    made = draft(1, name=evil, buyer={"name": evil, "lines": [evil], "tax_number": ""})
    text = " ".join(" ".join(pages(made)).split())
    plain = evil.replace("fi", "ﬁ")
    assert text.count(evil) + (text.count(plain) if plain != evil else 0) >= 3


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [
        ("USD", "1234567.125", ["1,234,567.13", "3,703,701.39", "592,592.22", "4,296,293.61"]),
        ("JPY", "1234567.5", ["1,234,568", "3,703,704", "592,593", "4,296,297"]),
        ("KWD", "1234.5675", ["1,234.568", "3,703.704", "592.593", "4,296.297"]),
        ("USD", "-0.125", ["−0.13", "−0.39", "−0.06", "−0.45"]),
    ],
)
def test_amounts_have_the_digits_of_the_currency(currency: str, amount: str, shown: list[str]) -> None:
    text = "\n".join(pages(draft(currency=currency, amount=amount)))
    assert [figure for figure in shown if figure not in text] == []


def test_the_rounding_line_is_explicit_and_adds_up() -> None:
    (text,) = pages(draft(3, amount="1.004"))
    assert "Usage, exact 3.012" in text
    assert "Rounding of lines −0.012" in text
    assert "Net 3.00" in text


def test_few_lines_stand_on_the_first_page_and_many_in_an_annex_with_repeated_heads() -> None:
    few = pages(draft(ANNEX_LINES))
    assert "Destination 0001" in few[0]
    assert "Annex" not in "".join(few)
    many = pages(draft(300))
    assert "Destination 0001" not in many[0]
    assert "Total USD" in many[0]
    assert "Annex: lines by destination" in many[1]
    assert all("Amount USD" in page and "Destination" in page for page in many[1:])
    assert [f"Page {number} of {len(many)}" in page for number, page in enumerate(many, start=1)] == [True] * len(many)
    assert sum(page.count("0.0125/min") for page in many) == 300


def test_a_preview_says_so_and_has_no_number() -> None:
    (text,) = pages(draft(), issue=None)
    assert "This is a preview, not an invoice." in text
    assert "PREVIEW" in text
    assert "INV-" not in text
    assert "Due" not in text


def test_a_credit_note_asks_for_no_payment() -> None:
    (text,) = pages(draft(amount="-1"))
    assert "Credit note" in text
    assert "USD 3.48 is credited to your account." in text
    assert "IBAN" not in text


def test_without_tax_there_is_no_tax_line() -> None:
    made = draft(tax_name="", tax_percent=Decimal(0))
    (text,) = pages(replace(made, totals=total_of(made.lines, tax=TaxRate("", Decimal(0)), currency=made.currency)))
    assert "%" not in text


def test_a_language_that_is_not_there_is_english() -> None:
    assert "en" in languages()
    assert [get_language(wanted).code for wanted in ("sw-KE", "en-GB", "")] == ["en", "en", "en"]


def test_a_period_of_one_day_names_it_once() -> None:
    (text,) = pages(draft(period=DatePeriod(date(2026, 3, 14), date(2026, 3, 15))))
    assert "Period 14 March 2026\n" in text


@pytest.mark.parametrize("name", ["Ελλάδα", "Россия", "深圳电信", "😀", "a\x00b\x1bc", "\u202egnihsihp"])
def test_any_letter_in_a_name_makes_a_document(name: str) -> None:
    (text,) = pages(draft(1, name=name))
    assert "Total USD 14.33" in text
    assert not set(text) & set("\x1b\u202e")


def test_a_text_is_never_wider_than_its_row_height_was_reckoned_with(tmp_path: Path) -> None:
    letters = [chr(code) for code in range(32, 127)]
    page = '#set text(font: "Libertinus Serif", size: 9.5pt)\n#context [#metadata(json(bytes(sys.inputs.d)).map(t => measure(text(t)).width / 1pt))<w>]'
    (tmp_path / "page.typ").write_text(page)
    texts = [f"x{letter}x" for letter in letters]
    compiler = typst.Compiler(str(tmp_path / "page.typ"), ignore_system_fonts=True, sys_inputs={"d": json.dumps(texts)})
    measured = json.loads(compiler.query("<w>", field="value", one=True))
    assert [text for text, width in zip(texts, measured, strict=True) if width > _extent(text)] == []


def test_a_long_name_takes_two_lines_and_pushes_the_next_row_down() -> None:
    data = document_data(draft(2, name="A destination with a name that needs two lines of its column"), ISSUE)
    assert data["sections"][0]["heights"] == [0, 0]
    assert document_data(draft(2), ISSUE)["sections"][0]["heights"] == [13.4, 13.4]


FEBRUARY = DatePeriod(date(2026, 2, 1), date(2026, 3, 1))


def adjustment(
    *, language: str = "en", count: int = 1, credit: str = "-1240.5075", tax: str = "16", calls: int = 40
) -> Draft:
    """A document that corrects the calls to `count` destinations on an invoice of February with that tax; today's is 16 %."""
    words = get_language(language)
    buckets = [Bucket(LineKind.ADJUSTMENT, 7, FEBRUARY)]
    usage = {Key(0, "voice", n, 1): Sums(-40, -40, -2400, -2400, Amount.from_text(credit)) for n in range(1, count + 1)}
    usage |= {
        Key(0, "voice", n, 2): Sums(40, calls, 2400, 2400, Amount.from_text("0.3333")) for n in range(1, count + 1)
    }
    texts = Texts(
        {n: f"Destination {n:04}" for n in range(1, count + 1)},
        {n: Terms(f"0.0{n}/min, 1/1", Unit.SECOND) for n in (1, 2)},
        words.gettext("Other destinations"),
        words.gettext("free of charge"),
        words.gettext("several prices"),
    )
    rate = TaxRate("VAT", Decimal(tax))
    lines, line_of = build_lines(
        usage,
        buckets,
        texts=texts,
        currency=get_currency("USD"),
        before={
            Key(0, "voice", n, 1): Sums(90, 90, 5400, 5400, Amount.from_text("3000.123")) for n in range(1, count + 1)
        },
        taxes={} if rate == VAT else {7: rate},
    )
    return draft(
        language=language,
        buckets=buckets,
        corrected={7: Corrected("INV-2026-000007", date(2026, 3, 2), rate)},
        lines=lines,
        line_of=line_of,
        totals=total_of(lines, tax=VAT, currency=get_currency("USD")),
        texts=texts,
    )


def test_a_credit_note_names_what_it_corrects_and_says_billed_corrected_and_difference() -> None:
    (text,) = pages(adjustment(), Issue("CN-2026-000003", date(2026, 4, 2), date(2026, 5, 2)))
    lines = text.splitlines()
    for line in (
        "Credit note",
        "CN-2026-000003",
        "Corrects INV-2026-000007 of 2 March 2026",
        "Adjustment of INV-2026-000007: Calls of 1 February 2026 to 28 February 2026",
        "Billed: 0.01/min, 1/1 90 90.00 3,000.123",
        "Difference 0 0.00 −1,240.17",
        "Subtotal 0 0.00 −1,240.17",
        "USD 1,438.60 is credited to your account.",
        "Usage, exact −1,240.1742",
        "Net −1,240.17",
        "VAT 16 % −198.43",
        "Total USD −1,438.60",
    ):
        assert line in lines
    assert "Corrected: 0.01/min, 1/1; 0.02/min, 1/1 90 90.00 1,759.9488" in " ".join(lines)
    assert not any(line.startswith("Due") for line in lines)


def test_an_adjustment_is_taxed_as_the_document_that_it_corrects() -> None:
    (text,) = pages(adjustment(tax="18"))
    assert "VAT 18 % −223.23" in text
    assert "VAT 16 %" not in text


def test_an_adjustment_that_is_owed_asks_for_payment_and_one_of_nothing_says_so() -> None:
    (text,) = pages(adjustment(credit="10"))
    assert "Invoice" in text
    assert "Corrects INV-2026-000007 of 2 March 2026" in text
    assert "Please pay USD 11.98 by 2 May 2026 and quote INV-2026-000042." in text
    (text,) = pages(adjustment(credit="-0.3333", calls=39))
    assert "Nothing is to be paid." in text


def test_the_three_rows_of_an_adjustment_stay_on_one_page() -> None:
    first, *others = pages(adjustment(count=30))
    assert others
    for page in (first, *others):
        assert page.count("Billed: ") == page.count("Corrected: ") == page.count("Difference")
