"""Documents in other languages: catalogues are complete, and French is as the French write it."""

from __future__ import annotations

import gettext
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.invoicing.source_messages import faults, source_messages
from tests.unit.invoicing.test_document import ISSUE, MARCH, adjustment, draft, pages
from trunkline.core.currency import get_currency
from trunkline.core.errors import Invalid
from trunkline.core.money import Amount, Price
from trunkline.core.period import ONE_DAY, DatePeriod
from trunkline.core.po import Entry, compile_mo, read_po
from trunkline.invoicing.choices import LineKind, Unit
from trunkline.invoicing.document import catalogue
from trunkline.invoicing.document.catalogue import FOLDER, get_language, languages, require_language
from trunkline.invoicing.document.layout import Issue
from trunkline.invoicing.draft import Draft
from trunkline.invoicing.rules import Bucket, Corrected, Key, Sums, TaxRate, Terms, Texts, build_lines, total_of
from trunkline.invoicing.terms import RateFacts, price_terms
from trunkline.tariffs.rules import parse_steps

FRENCH = (FOLDER / "fr.po").read_text(encoding="utf-8")
NARROW, FIXED = "\u202f", "\u00a0"  # no-break spaces
USD = get_currency("USD")
HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'


def french_terms(unit: Unit, steps: str, **further: object) -> str:
    rate = RateFacts(parse_steps(steps), unit, **({"currency": "USD"} | further))  # type: ignore[arg-type]
    return price_terms(rate, account_currency="USD", language=get_language("fr"))


def french() -> Draft:
    """Calls to two destinations of March, and messages that an earlier invoice left out."""
    february = DatePeriod(date(2026, 2, 1), date(2026, 2, 2))
    buckets = [Bucket(LineKind.USAGE, None, MARCH), Bucket(LineKind.LATE, 7, february)]
    usage = {
        Key(0, "voice", 1, 1): Sums(12, 1_000, 60, 6_000_061, Amount.from_text("1234.565")),
        Key(0, "voice", 2, 0): Sums(3, 1, 60, 60, Amount.zero()),
        Key(1, "sms", 1, 2): Sums(2, 2, 2, 2, Amount.from_text("0.01")),
    }
    texts = Texts(
        destinations={1: "Kenya *Mobile*"},
        terms={
            1: Terms(french_terms(Unit.SECOND, "0:0.0125/60/60;60:0.0125/60/1"), Unit.SECOND),
            2: Terms(french_terms(Unit.MESSAGE, "0:0.005/1/1"), Unit.MESSAGE),
        },
        no_destination=get_language("fr").gettext("Other destinations"),
        no_price=get_language("fr").gettext("free of charge"),
    )
    lines, line_of = build_lines(usage, buckets, texts=texts, currency=USD)
    return draft(
        language="fr",
        buckets=buckets,
        corrected={7: Corrected("INV-2026-000007", date(2026, 3, 2), TaxRate("TVA", Decimal("7.7")))},
        lines=lines,
        line_of=line_of,
        totals=total_of(lines, tax=TaxRate("TVA", Decimal("7.7")), currency=USD),
        tax_name="TVA",
        tax_percent=Decimal("7.700000"),
    )


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_every_catalogue_is_complete_and_compiles(code: str) -> None:
    assert faults((FOLDER / f"{code}.po").read_text(encoding="utf-8"), code) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('msgid "Due"\nmsgstr "Échéance"\n', "", "message='Due', plural='') is missing"),
        ('msgstr "Échéance"', 'msgstr ""', "message='Due', plural='') is not translated"),
        ('msgid "Due"', '#, fuzzy\nmsgid "Due"', "message='Due', plural='') is not translated"),
        ('msgid "Due"', 'msgid "Dew"', "message='Dew', plural='') is no text of a document"),
        ('msgstr "Page {page} sur {pages}"', 'msgstr "Page {page}"', "has other fields in its translation"),
        ('msgstr[1] "{price} les {count}"\n', "", "message='{price} each', plural='{price} per {count}') is not"),
        ("Language: fr", "Language: de", "the header names the language de"),
        ("nplurals=2", "nplurals=3", "the plural forms are not used"),
    ],
)
def test_what_is_missing_in_a_catalogue_is_found(old: str, new: str, fault: str) -> None:
    assert FRENCH.count(old) == 1
    assert any(fault in found for found in faults(FRENCH.replace(old, new), "fr"))


def test_no_text_of_the_page_is_overlooked() -> None:
    found = {message.message for message in source_messages()}
    assert {"Invoice", "Due", "free of charge", "{price}/min", "{quantity} minutes", "US dollar", "MB"} <= found


def test_a_french_invoice_reads_as_the_french_write() -> None:
    (text,) = pages(french())
    assert text.splitlines() == [
        "Meridian Carrier",
        "Harbour House",
        "Mombasa",
        "N° fiscal P05",
        "billing@meridian.example",
        "Facture",
        "INV-2026-000042",
        "FACTURÉ À",
        "Acme Telecom",
        "10115 Berlin",
        "N° fiscal DE 1",
        "Numéro INV-2026-000042",
        "Date 2 avril 2026",
        "Échéance 2 mai 2026",
        "Période du 1er mars 2026 au 31 mars 2026",
        "Fuseau horaire Africa/Nairobi",
        "Compte acme",
        "Devise USD (dollar américain)",
        "Appels",
        "N° Destination Tarif Appels Minutes Montant USD",
        "1 Autres destinations gratuit 1 1,00 0,00",
        f"2 Kenya *Mobile* 0,0125/min, 60/1 1{NARROW}000 100{NARROW}001,02 1{NARROW}234,57",
        f"Sous-total 1{NARROW}001 100{NARROW}002,02 1{NARROW}234,57",
        f"Usage tardif{FIXED}: Messages, 1er février 2026, période de INV-2026-000007",
        "N° Destination Tarif Messages Unités Montant USD",
        "3 Kenya *Mobile* 0,005 l’unité 2 2 0,01",
        "Sous-total 2 2 0,01",
        "PAIEMENT",
        f"Merci de régler 1{NARROW}329,64{FIXED}USD au plus tard le 2 mai 2026 en rappelant le ",
        "numéro INV-2026-000042.",
        "IBAN KE12 3456",
        f"Consommation, montant exact 1{NARROW}234,575",
        "Arrondi des lignes 0,005",
        f"Montant net 1{NARROW}234,58",
        f"TVA 7,7{NARROW}% 95,06",
        f"Total USD 1{NARROW}329,64",
        "Disputes within 30 days.",
        "Chaque ligne est la somme de ses enregistrements. Ceux-ci sont joints à ce document en fichiers CSV et Parquet"
        f"{NARROW}; leur colonne «{FIXED}line{FIXED}» ",
        "porte le numéro de la ligne.",
        "Meridian Carrier · N° fiscal P05 · billing@meridian.example Page 1 sur 1",
    ]


def test_a_french_credit_note_preview_and_annex_have_no_english_word() -> None:
    note = "\n".join(pages(draft(amount="-1234.5", language="fr", tax_name="TVA")))
    assert "Avoir" in note
    assert f"Votre compte est crédité de 4{NARROW}296,06{FIXED}USD." in note
    (preview,) = pages(draft(language="fr"), issue=None)
    assert "APERÇU" in preview
    assert "Numéro aucun (aperçu)" in preview
    assert "Ceci est un aperçu et non une facture. Rien n’a été facturé." in preview
    first, second, *_ = pages(draft(50, language="fr"))
    assert "Récapitulatif" in first
    assert "Poste Lignes Appels Quantité Montant USD" in first
    assert "50,83 minutes" in first
    assert f"Annexe{FIXED}: lignes par destination" in second


def test_a_french_adjustment_reads_as_the_french_write() -> None:
    (text,) = pages(adjustment(language="fr"), Issue("CN-2026-000003", date(2026, 4, 2), date(2026, 5, 2)))
    lines = text.splitlines()
    for line in (
        "Avoir",
        "Rectifie INV-2026-000007 du 2 mars 2026",
        f"Régularisation de INV-2026-000007{FIXED}: Appels, du 1er février 2026 au 28 février 2026",
        f"Facturé{FIXED}: 0.01/min, 1/1 90 90,00 3{NARROW}000,123",
        f"Différence 0 0,00 −1{NARROW}240,17",
        f"Votre compte est crédité de 1{NARROW}438,60{FIXED}USD.",
        f"VAT 16{NARROW}% −198,43",
    ):
        assert line in lines
    assert f"Rectifié{FIXED}: 0.01/min, 1/1; 0.02/min, 1/1" in " ".join(lines)
    assert "Dans une régularisation, les fichiers donnent chaque enregistrement tel qu’il est" in text
    two = adjustment(language="fr", credit="10", tax="18")
    mixed = replace(two, totals=replace(two.totals, taxes=(*two.totals.taxes, *adjustment().totals.taxes)))
    assert f"VAT 16{NARROW}% sur −1{NARROW}240,17" in "\n".join(pages(mixed))
    assert "Aucun montant n’est à régler." in "\n".join(pages(adjustment(language="fr", credit="-0.3333", calls=39)))


def test_markup_and_braces_in_names_stay_text_in_french() -> None:
    evil = "#strong[x] *b* _i_ $x$ {amount} {0} {{page}}"
    made = draft(1, language="fr", name=evil, buyer={"name": evil, "lines": [evil], "tax_number": evil})
    made = replace(made, totals=total_of(made.lines, tax=TaxRate(evil, Decimal(16)), currency=USD))
    text = " ".join(" ".join(pages(made)).split())
    assert text.count(evil) == 5


def test_numbers_and_dates_in_the_manner_of_the_language() -> None:
    english, fr = get_language("en"), get_language("fr")
    amount, percent = Amount.from_text("-1234567.5"), Decimal("7.700000")
    yen = get_currency("JPY")
    assert (english.money(amount, USD), fr.money(amount, USD)) == (
        "USD −1,234,567.50",
        f"−1{NARROW}234{NARROW}567,50{FIXED}USD",
    )
    assert (english.amount(amount, yen), fr.amount(amount, yen)) == ("−1,234,568", f"−1{NARROW}234{NARROW}568")
    assert (english.percent(percent), fr.percent(percent)) == ("7.7 %", f"7,7{NARROW}%")
    assert (english.octets(1_500_000), fr.octets(1_500_000), fr.octets(999)) == ("1.50 MB", "1,50 Mo", "999 o")
    assert [fr.date(date(2026, month, 22)) for month in (2, 8, 11, 12)] == [
        "22 février 2026",
        "22 août 2026",
        "22 novembre 2026",
        "22 décembre 2026",
    ]
    first = date(2026, 11, 1)
    assert (english.date(first), fr.date(first)) == ("1 November 2026", "1er novembre 2026")
    assert fr.period(DatePeriod(first, first + ONE_DAY)) == "1er novembre 2026"


@pytest.mark.parametrize(
    ("billed", "shown"),
    [(0, "0,00 minute"), (60, "1,00 minute"), (119, "1,98 minute"), (120, "2,00 minutes"), (-90, "−1,50 minute")],
)
def test_what_french_counts_as_one_is_singular(billed: int, shown: str) -> None:
    minutes = get_language("fr").ngettext("{quantity} minutes", "{quantity} minutes", abs(billed) // 60)
    assert minutes.format(quantity=get_language("fr").minutes(billed)) == shown


@pytest.mark.parametrize(
    ("unit", "steps", "further", "text"),
    [
        (Unit.SECOND, "0:0.2/60/60", {"currency": "EUR"}, "0,20/min, 60/60, en EUR"),
        (
            Unit.SECOND,
            "0:0.20/60/60;60:0.10/60/1",
            {},
            f"0,20/min par tranche de 60{FIXED}s jusqu’à 60{FIXED}s, puis 0,10/min par tranche de 1{FIXED}s",
        ),
        (
            Unit.SECOND,
            "0:0.10/30/30",
            {"grace": 3, "max_cost": Amount.from_text("5"), "setup_fee": Price.from_text("0.05")},
            f"0,10 les 30{FIXED}s, 30/30, plus 0,05 une fois, gratuit en dessous de 3{FIXED}s, plafonné à 5,00",
        ),
        (Unit.MESSAGE, "0:0.5/100/1", {}, "0,50 les 100"),
        (Unit.OCTET, "0:0.10/1000000/1000", {}, "0,10/Mo, 1000/1000"),
    ],
)
def test_prices_in_french(unit: Unit, steps: str, further: dict[str, object], text: str) -> None:
    assert french_terms(unit, steps, **further) == text


def test_a_language_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    (tmp_path / "eo.po").write_text(HEADER + 'msgid "Invoice"\nmsgstr "Fakturo"\n', encoding="utf-8")
    assert languages() == ["en", "eo"]
    assert get_language("eo-XX").gettext("Invoice") == "Fakturo"
    assert get_language("eo").gettext("Due") == "Due"
    assert require_language("eo") == "eo"
    with pytest.raises(Invalid) as caught:
        require_language("sw")
    assert (caught.value.code, caught.value.hint) == ("unknown_language", "Use one of en, eo.")


def test_a_region_without_a_catalogue_has_that_of_its_language() -> None:
    assert (get_language("fr-CA").code, get_language("fr-CA").tag) == ("fr", "fr")
    assert pages(draft(language="fr"), ISSUE) == pages(draft(language="fr-CA"), ISSUE)


messages = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n\t"\\'), min_size=1)


@given(st.dictionaries(st.tuples(st.sampled_from(["", "column"]), messages), messages, max_size=5))
def test_whatever_is_written_into_a_catalogue_comes_out_again(texts: dict[tuple[str, str], str]) -> None:
    def quoted(text: str) -> str:
        return "".join({"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}.get(letter, letter) for letter in text)

    text = HEADER + "".join(
        (f'msgctxt "{context}"\n' if context else "") + f'msgid ""\n"{quoted(name)}"\nmsgstr "{quoted(said)}"\n\n'
        for (context, name), said in texts.items()
    )
    read = gettext.GNUTranslations(io.BytesIO(compile_mo(read_po(text))))
    for (context, name), said in texts.items():
        assert (read.pgettext(context, name) if context else read.gettext(name)) == said


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("msgid Due", "line 1 is neither"),
        ('msgid "Due', "line 1 is neither"),
        ('"Due"', "line 1 belongs to no message"),
        ('msgid "a\\qb"', "line 1 has the unknown escape"),
    ],
)
def test_a_line_that_is_no_catalogue_is_named(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_po(text)


def test_a_message_stands_once_in_a_catalogue() -> None:
    entry = Entry(message="Due", translations={0: "Échéance"})
    with pytest.raises(ValueError, match="'Due' is translated twice"):
        compile_mo([entry, entry])
