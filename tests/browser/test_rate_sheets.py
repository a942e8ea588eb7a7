"""A vendor's sheet from the mail to the price: four steps in the browser, as somebody of the pricing team does them."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.ground import Ground
from tests.browser.pages import field, press
from tests.browser.visitor import DESKTOP, PHONE, Visitor
from tests.conftest import shared_folder
from tests.db.usage.carrier import EVER, line
from trunkline.pricing.actions import Asked, apply_import, import_sheet
from trunkline.pricing.intake import reader_of
from trunkline.pricing.models import SheetImport
from trunkline.tariffs.actions import assign_tariff, create_tariff, create_time_profile, end_assignment
from trunkline.tariffs.models import AccountTariff, Rate, Tariff, TimeProfile

# A folder for pictures of every step, for whoever wants to look at them.
PICTURES = os.environ.get("TRUNKLINE_TEST_PICTURES", "")
HEAD = "Destination,Code,Rate,Effective Date,Billing Increment\n"
CODES = [f"25{n:03}" for n in range(200)]


def picture(visitor: Visitor, name: str) -> None:
    """What the page looks like at a desk and on a phone: nothing stands out to the right."""
    for size, what in ((PHONE, "phone"), (DESKTOP, "desk")):
        assert visitor.too_wide(size) == []
        if PICTURES:
            visitor.page.screenshot(path=f"{PICTURES}/{name}-{what}.png", full_page=True)


def sheet_file(ground: Ground, name: str, *lines: str, head: str = HEAD) -> Path:
    """A sheet as a vendor would send it."""
    path = ground.carrier.folder / name
    path.write_text(head + "".join(f"{each}\n" for each in lines))
    return path


def filled(ground: Ground, name: str) -> Tariff:
    """A tariff in dollars that has had a full sheet of 200 codes."""
    data = (HEAD + "".join(f"Place {code},{code},0.05,,60/60\n" for code in CODES)).encode()
    at = ground.carrier.now - timedelta(days=2)
    with ground.carrier.scope():
        tariff = create_tariff(name=name, currency="USD", timezone="UTC", at=at)
    sheet = import_sheet(
        ground.carrier.tenant_id,
        data=data,
        file_name="first.csv",
        read=reader_of(data, "first.csv", received_at=at),
        asked=Asked(tariff_id=tariff.pk),
        notified_at=at,
        actor="test",
        now=lambda: at,
    )
    apply_import(ground.carrier.tenant_id, sheet.pk, actor="test", now=lambda: at)
    return tariff


def send(visitor: Visitor, tariff: int, path: Path, *, scope: str = "") -> Page:
    """The first step: choose the tariff and the file."""
    page = visitor.go(f"/office/prices/sheets/new/?tariff={tariff}")
    if scope:
        page.get_by_text("What it says, and when it begins").click()
        field(page, "scope").select_option(scope)
    field(page, "file").set_input_files(path)
    press(page, "Read it")
    return page


def test_a_vendor_new_to_us_in_four_steps(owner: Visitor, ground: Ground) -> None:
    rows = [f"Kenya Mobile {n},2547{n},0.0{n + 1}50,,60/60" for n in range(8)]
    path = sheet_file(ground, "alpine.csv", "Kenya,254,0.0500,,60/1", *rows, "Uganda,256,oops,,60/1")
    page = owner.go("/office/pricing/sheetimport/")
    picture(owner, "list-empty")
    press(page, "Load a rate sheet")
    picture(owner, "1-file")
    page.get_by_text("A vendor new to us").click()
    field(page, "new_name").fill("Alpine buy")
    field(page, "file").set_input_files(path)
    press(page, "Read it")

    main = page.locator("#main")
    expect(main).to_contain_text("Recognised")
    expect(page.locator(".office-sheet select").nth(2)).to_have_value("price")
    expect(main).to_contain_text("oops")
    picture(owner, "2-layout")
    field(page, "keep_as").fill("Alpine")
    press(page, "Keep as template")
    expect(main).to_contain_text("The template Alpine is kept.")
    press(page, "Compare with the tariff")

    expect(page.locator(".office-chips")).to_contain_text("9 new")
    expect(main).to_contain_text("Rows that cannot be read")
    picture(owner, "3-compare")
    page.locator(".office-chips a", has_text="new").first.click()
    expect(page.locator(".office-table tbody tr")).to_have_count(9)
    field(page, "code").fill("25473")
    page.keyboard.press("Enter")
    expect(page.locator(".office-table tbody tr")).to_have_count(1)
    press(page, "Go on all the same")

    picture(owner, "4-apply")
    owner.forgiven = {422}
    press(page, "Apply the sheet")
    expect(main).to_contain_text("This stops the sheet.")
    field(page, "over_errors").check()
    field(page, "note").fill("Uganda is not used")
    press(page, "Apply the sheet")
    expect(main).to_contain_text("The sheet is applied.")
    picture(owner, "4-applied")

    press(page, "Rates of the tariff")
    expect(page.locator(".office-table tbody tr")).to_have_count(9)
    picture(owner, "grid")
    page = owner.go("/office/pricing/sheetimport/")
    expect(page.locator("#result_list")).to_contain_text("alpine.csv")
    picture(owner, "list")
    page.get_by_role("link", name="alpine.csv").click()
    press(page, "Undo")
    field(page, "note").fill("wrong vendor")
    press(page, "Undo")
    expect(page.locator("#main")).to_contain_text("The sheet is undone")


@dataclass(frozen=True)
class Real:
    """A real sheet, and a number with the code and the price that it gives."""

    file: str
    called: str
    code: str
    price: str


REAL = (
    Real("01_flowroute_style_2010.csv.gz", "937512345678", "9375", "0.2875"),
    Real("02_astpp_outbound_routes_termination.csv.gz", "571931234567", "5719312", "0.0338"),
    Real("05_country_code_peak_offpeak.csv", "235312345678", "2353", "0.28"),
)


@pytest.mark.parametrize("real", REAL, ids=lambda real: real.file[:2])
def test_a_real_sheet_prices_the_next_file(owner: Visitor, ground: Ground, real: Real) -> None:
    path = shared_folder("data", "ratesheets", real.file)
    since = f"{ground.yesterday - timedelta(days=1):%Y-%m-%dT%H:%M:%S}"
    with ground.carrier.scope():
        if not TimeProfile.objects.filter(name="peak").exists():
            create_time_profile(name="peak", windows=[{"from": "00:00", "to": "24:00"}], at=ground.carrier.now)
    page = owner.go("/office/prices/sheets/new/")
    page.get_by_text("A vendor new to us").click()
    field(page, "new_name").fill(f"Real {real.file[:2]}")
    page.get_by_text("What it says, and when it begins").click()
    field(page, "effective_at").fill(since)
    field(page, "reaches_back").check()
    field(page, "file").set_input_files(path)
    press(page, "Read it")
    main = page.locator("#main")
    expect(main).to_contain_text("Recognised")
    picture(owner, f"real-{real.file[:2]}-layout")
    press(page, "Compare with the tariff")
    expect(page.locator(".office-chips")).to_contain_text("new")
    picture(owner, f"real-{real.file[:2]}-compare")
    page.get_by_role("link", name=re.compile("^Go on")).click()
    expect(page.get_by_role("button", name="Apply the sheet")).to_be_visible()
    for box in page.locator("#main input[type=checkbox]").all():
        box.check()
    field(page, "note").fill("looked at")
    press(page, "Apply the sheet")
    expect(main).to_contain_text("The sheet is applied.")
    press(page, "Rates of the tariff")
    expect(page.locator(".office-table tbody tr")).to_have_count(50)
    picture(owner, f"real-{real.file[:2]}-grid")

    with ground.carrier.scope():
        tariff, at = Tariff.objects.get(name=f"Real {real.file[:2]}"), ground.carrier.now
        given = [
            assign_tariff(
                account=ground.carrier.accounts[code], tariff=tariff, side=side, position=REAL.index(real) + 5, at=at
            )
            for code, side in (("cust", "sell"), ("vend", "buy"))
        ]
    call = line(f"real-{real.file[:2]}", 60, called=real.called, start=ground.yesterday)
    batch = ground.carrier.load(ground.written(f"real-{real.file[:2]}.csv", call))
    assert (batch.rated, batch.rejected) == (1, 0)
    page = owner.go(f"/office/traffic/records/?number={real.called}")
    page.locator(".office-table tbody a").first.click()
    expect(main).to_contain_text(real.code)
    expect(main).to_contain_text(real.price)
    with ground.carrier.scope():
        for each in given:
            end_assignment(assignment_id=each.pk, valid_to=EVER, at=at)
        assert AccountTariff.objects.filter(tariff=tariff, valid_to=EVER).count() == 2


LATER = "2027-01-10"
HALF = [f"Place {code},{code},0.05,{LATER},60/60" for code in CODES[:90]]
PAST = [f"Place {code},{code},0.06,2026-01-02,60/60" for code in CODES]
EURO = [f"Place {code},{code},0.06,{LATER},60/60,EUR" for code in CODES]
OTHERS = [f"Elsewhere,7{n:04},0.06,{LATER},60/60" for n in range(150)] + HALF[:40]


@pytest.mark.parametrize(
    ("name", "lines", "head", "scope", "said", "what_to_do"),
    [
        ("half", HALF, HEAD, "full", "Many codes close", "Load it as partial then."),
        ("past", PAST, HEAD, "", "All dates in the past", "Is it last month's sheet?"),
        ("euro", EURO, HEAD.strip() + ",Currency\n", "", "Another currency", "Choose the tariff of that currency"),
        ("vendor", OTHERS, HEAD, "full", "Few known codes", "Is it another vendor's sheet?"),
    ],
    ids=lambda each: each if isinstance(each, str) and each.isalpha() and each.islower() else "",
)
def test_a_wrong_sheet_is_caught_before_anything_is_written(
    owner: Visitor, ground: Ground, name: str, lines: list[str], head: str, scope: str, said: str, what_to_do: str
) -> None:
    tariff = filled(ground, f"Wrong {name}")
    page = send(owner, tariff.pk, sheet_file(ground, f"{name}.csv", *lines, head=head), scope=scope)
    press(page, "Compare with the tariff")
    row = page.locator(".office-table tbody tr", has_text=said)
    expect(row).to_contain_text("STOP", ignore_case=True)
    expect(row).to_contain_text(what_to_do)
    picture(owner, f"wrong-{name}")
    press(page, "Go on all the same")
    owner.forgiven = {422}
    press(page, "Apply the sheet")
    expect(page.locator("#main")).to_contain_text("This stops the sheet. Look at it, or discard the sheet.")
    with ground.carrier.scope():
        assert Rate.objects.filter(tariff=tariff).count() == len(CODES)
    press(page, "Discard")
    field(page, "note").fill("not what we asked for")
    press(page, "Discard")
    expect(page.locator("#main")).to_contain_text("The sheet is discarded.")


def test_an_archive_that_grows_without_end_is_refused(owner: Visitor, ground: Ground) -> None:
    tariff = filled(ground, "Bombed")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rates.csv", b"0" * (80 << 20))
    path = ground.carrier.folder / "rates.zip"
    path.write_bytes(bomb.getvalue())
    with ground.carrier.scope():
        before = SheetImport.objects.count()
    owner.forgiven = {422}
    page = send(owner, tariff.pk, path)
    expect(page.locator("#main")).to_contain_text("an archive that grows so much is refused unread")
    picture(owner, "wrong-bomb")
    with ground.carrier.scope():
        assert SheetImport.objects.count() == before


def test_two_people_at_one_tariff_the_second_is_told(owner: Visitor, ground: Ground) -> None:
    tariff = filled(ground, "Shared")
    places = []
    for name, price in (("mine.csv", "0.06"), ("yours.csv", "0.07")):
        lines = [f"Place {code},{code},{price},{LATER},60/60" for code in CODES[:50]]
        page = send(owner, tariff.pk, sheet_file(ground, name, *lines))
        press(page, "Compare with the tariff")
        expect(page.locator(".office-chips")).to_contain_text("50 increase")
        places.append(page.url)
    expect(page.locator("#main")).to_contain_text("has another sheet for this tariff open")
    picture(owner, "two-people")
    page = owner.go(places[0].replace("/compare/", "/apply/"))
    press(page, "Apply the sheet")
    expect(page.locator("#main")).to_contain_text("The sheet is applied.")

    page = owner.go(places[1].replace("/compare/", "/apply/"))
    main = page.locator("#main")
    expect(main).to_contain_text("Somebody else has changed the tariff since this sheet was compared.")
    picture(owner, "overtaken")
    press(page, "Compare again")
    expect(page.locator(".office-chips")).to_contain_text("50 increase")
    press(page, "Go on")
    press(page, "Apply the sheet")
    expect(main).to_contain_text("The sheet is applied.")
    with ground.carrier.scope():
        standing = Rate.objects.filter(tariff=tariff, code=CODES[0], voided_at=None).order_by("id")
        assert [each.steps for each in standing] == ["0:0.05/60/60", "0:0.07/60/60"]


def test_a_large_sheet_is_watched_until_it_is_compared(
    owner: Visitor, ground: Ground, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from trunkline.pricing.actions import work as large

    monkeypatch.setattr(large, "READ_AT_ONCE_OCTETS", 1000)
    with ground.carrier.scope():
        tariff = create_tariff(name="Large", currency="USD", timezone="UTC", at=ground.carrier.now)
    lines = [f"Place {code},{code},0.05,,60/60" for code in CODES]
    page = send(owner, tariff.pk, sheet_file(ground, "large.csv", *lines))
    expect(page.locator("#sheet-progress")).to_contain_text("being read")
    picture(owner, "progress")
    work()
    main = page.locator("#main")
    expect(main).to_contain_text("Recognised")  # the page has asked by itself
    press(page, "Compare with the tariff")
    expect(page.locator("#sheet-progress")).to_contain_text("being compared")
    work()
    expect(page.locator(".office-chips")).to_contain_text("200 new")
    press(page, "Go on")
    press(page, "Apply the sheet")
    expect(page.locator("#sheet-progress")).to_contain_text("being applied")
    work()
    expect(main).to_contain_text("What became of it")
    expect(main).to_contain_text("200 rates")


def test_a_column_is_corrected_by_hand(owner: Visitor, ground: Ground) -> None:
    with ground.carrier.scope():
        tariff = create_tariff(name="Unclear", currency="USD", timezone="UTC", at=ground.carrier.now)
    path = sheet_file(
        ground, "unclear.csv", "Kenya,254,0.05,0.06", "Uganda,256,0.08,0.09", head="Destination,Code,Tier A,Tier B\n"
    )
    page = send(owner, tariff.pk, path)
    main = page.locator("#main")
    expect(main).to_contain_text("Not sure")
    picture(owner, "unsure")
    page.get_by_label("Column C").select_option("price")
    field(page, "scope").select_option("full")
    field(page, "keep_as").fill("Unclear")
    press(page, "Keep as template")
    expect(main).to_contain_text("The template Unclear is kept.")
    expect(main).to_contain_text("full: codes that are not named are closed")
    expect(page.locator(".office-panel", has_text="Read like this")).to_contain_text("0.08")
    press(page, "Compare with the tariff")
    expect(page.locator(".office-chips")).to_contain_text("2 new")


def test_rates_are_changed_in_their_row_and_many_at_once(owner: Visitor, ground: Ground) -> None:
    tariff = filled(ground, "Grid")
    address = f"/office/prices/tariffs/{tariff.pk}/rates/"
    page = owner.go(address)
    row = page.locator("tr", has_text="Place 25003")
    row.get_by_role("link", name="Change").click()
    expect(page.locator("tr.is-edited [name=price]")).to_be_focused()
    picture(owner, "grid-row")
    page.keyboard.press("Escape")
    expect(page.locator("tr.is-edited")).to_have_count(0)
    row.get_by_role("link", name="Change").click()
    page.locator("tr.is-edited [name=price]").fill("0.0625")
    page.locator("tr.is-edited [name=increments]").fill("60/1")
    page.keyboard.press("Enter")
    main = page.locator("#main")
    expect(main).to_contain_text("The rate is changed: a new one holds from then on.")
    expect(row).to_contain_text("0.0625 / 60")
    with ground.carrier.scope():
        rates = Rate.objects.filter(tariff=tariff, code="25003").order_by("id")
        assert [(each.steps, each.valid_to is None) for each in rates] == [
            ("0:0.05/60/60", False),
            ("0:0.0625/60/60;60:0.0625/60/1", True),
        ]

    page = owner.go(f"{address}?code=2501")
    expect(page.locator(".office-table tbody tr")).to_have_count(10)
    page.get_by_text("Change many at once").click()
    picture(owner, "grid-many")
    page.get_by_label("all that are filtered, on every page").check()
    field(page, "how").select_option("percent")
    field(page, "amount").fill("10")
    field(page, "decimals").fill("3")
    press(page, "See what it does")
    expect(main).to_contain_text("Nothing has been written yet.")
    expect(main).to_contain_text("0.055 per 60")
    picture(owner, "grid-preview")
    press(page, "Change these rates")
    expect(main).to_contain_text("The rates are changed: the new ones hold from then on.")
    picture(owner, "grid-changed")
    page.get_by_role("link", name="Rates of the tariff").click()
    expect(page.locator(".office-table tbody tr", has_text="0.055 / 60")).to_have_count(10)
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    text = Path(saved.value.path()).read_text()
    assert text.splitlines()[1].startswith("25010,Place 25010,0.055,60,60/60")
    assert len(text.splitlines()) == 11
    picture(owner, "grid-latest")
