"""Files from outside: unfolding, exchange rates, and what codes and names say of destinations."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import shared_folder
from trunkline.core.errors import Invalid
from trunkline.tariffs.countries import country_of, kind_of
from trunkline.tariffs.deck_file import read_deck_file
from trunkline.tariffs.exchange_file import read_exchange_file
from trunkline.tariffs.source import read_source, unfold


def zipped(**members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        unfold(data, octets_max=1000)
    return caught.value.code


def test_plain_gzip_and_zip_are_unfolded() -> None:
    for data in (b"abc", gzip.compress(b"abc"), zipped(a=b"abc")):
        assert unfold(data) == b"abc"


def test_damaged_and_swelling_files_are_refused() -> None:
    assert refusal(gzip.compress(b"abc" * 100)[:-9]) == "file_truncated"
    assert refusal(gzip.compress(b"abc")[:-4] + b"0000") == "file_truncated"
    assert refusal(zipped(a=b"abc")[:40]) == "file_truncated"
    assert refusal(gzip.compress(b"a" * 1001)) == "file_too_large"
    assert refusal(zipped(a=b"a" * 1001)) == "file_too_large"
    assert refusal(zipped(a=b"a", b=b"b")) == "zip_content"


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_bytes(b"abc")
    (tmp_path / "link").symlink_to(file)
    os.mkfifo(tmp_path / "fifo")
    assert read_source(file) == b"abc"
    for name in ("link", "fifo", "absent", "."):
        with pytest.raises(Invalid) as caught:
            read_source(tmp_path / name)
        assert caught.value.code == "not_a_file"
    with pytest.raises(Invalid) as caught:
        read_source(file, octets_max=2)
    assert caught.value.code == "file_too_large"


def test_the_history_of_the_central_bank_is_read() -> None:
    path = shared_folder("data", "currency", "eurofxref-hist.csv.gz")
    found = read_exchange_file(read_source(path))
    assert ("EUR", "USD", date(2026, 10, 30), Decimal("1.1172")) in found.rates
    assert ("EUR", "JPY", date(2026, 10, 30), Decimal("175.68")) in found.rates
    assert {on for _, _, on, _ in found.rates} >= {date(1999, 1, 4), date(2026, 10, 30)}
    assert len({on for _, _, on, _ in found.rates}) == 7126
    assert {"CYP", "ROL", "TRL"} <= set(found.skipped)
    assert not {rate[1] for rate in found.rates} & set(found.skipped)


def test_the_daily_file_of_the_central_bank_is_read() -> None:
    found = read_exchange_file(b"Date, USD, JPY, XXZ, \n30 October 2026, 1.1172, N/A, 3, \n")
    assert found.rates == [("EUR", "USD", date(2026, 10, 30), Decimal("1.1172"))]
    assert found.skipped == ("XXZ",)


def test_a_list_of_pairs_is_read() -> None:
    found = read_exchange_file(
        b"\xef\xbb\xbfdate,base,quote,rate\r\n2026-03-01,USD,KES,129.25\r\n\r\n2026-03-02,KWD,JPY,488\r\n"
    )
    assert found.rates == [
        ("USD", "KES", date(2026, 3, 1), Decimal("129.25")),
        ("KWD", "JPY", date(2026, 3, 2), Decimal(488)),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bad_header"),
        (b"Day,USD\n2026-03-02,1\n", "bad_header"),
        (b"Date,dollar\n2026-03-02,1\n", "bad_header"),
        (b"Date,USD\n", "no_exchange_rates"),
        (b"Date,USD\n2026-03-02,N/A\n", "no_exchange_rates"),
        (b"Date,USD\n2026-03-02\n", "bad_exchange_rate"),
        (b"Date,USD\n2026-03-02,1,2\n", "bad_exchange_rate"),
        (b"Date,USD\n2026-02-30,1\n", "bad_exchange_rate"),
        (b"Date,USD\n2026-03-02,0\n", "bad_exchange_rate"),
        (b"Date,USD\n2026-03-02,-1\n", "bad_exchange_rate"),
        (b"Date,USD\n2026-03-02,1e3\n", "bad_exchange_rate"),
        (b"Date,USD\n2026-03-02,1.1234567890123\n", "bad_exchange_rate"),
        (b"date,base,quote,rate\n2026-03-02,USD,XYZ,1\n", "unknown_currency"),
        (b"date,base,quote,rate\n2026-03-02,USD,USD,1\n", "bad_exchange_rate"),
        (b"date,base,quote,rate\n2026-03-02,USD,KES\n", "bad_exchange_rate"),
        ("Date,USD\n2026-03-02,1\n".encode("utf-16"), "bad_encoding"),
    ],
)
def test_what_is_no_file_of_exchange_rates_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_exchange_file(data)
    assert caught.value.code == code


def test_a_code_deck_is_read() -> None:
    found = read_deck_file(b'Code, Destination\n"2547,2541",Kenya Mobile\n\n25400-25401,Kenya\n')
    assert found == {"2547": "Kenya Mobile", "2541": "Kenya Mobile", "25400": "Kenya", "25401": "Kenya"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bad_header"),
        (b"code,name\n1,x\n", "bad_header"),
        (b"code,destination\n", "empty_deck"),
        (b"code,destination\n1\n", "bad_deck_line"),
        (b"code,destination\n1,\n", "bad_deck_line"),
        (b"code,destination\n1a,x\n", "bad_deck_line"),
        (b"code,destination\n1,x\n1,y\n", "bad_deck_line"),
    ],
)
def test_what_is_no_code_deck_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_deck_file(data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("code", "country"),
    [
        ("254", "KE"),
        ("25472", "KE"),
        ("1", "US"),
        ("1212", "US"),
        ("1416", "CA"),
        ("1242", "BS"),
        ("12423", "BS"),
        ("441481", "GG"),
        ("4420", "GB"),
        ("7", "RU"),
        ("7701", "KZ"),
        ("3906698", "VA"),
        ("3906", "IT"),
        ("88213", ""),
        ("25", ""),
        ("999", ""),
        ("0", ""),
        ("", ""),
    ],
)
def test_a_code_tells_its_country(code: str, country: str) -> None:
    assert country_of(code) == country


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Kenya Mobile Safaricom", "mobile"),
        ("UK Toll-Free", "toll_free"),
        ("France Proper", "fixed"),
        ("Germany Premium Mobile", "special"),
        ("Automobile Club", "other"),
        ("Kenya", "other"),
    ],
)
def test_a_name_tells_the_kind(name: str, kind: str) -> None:
    assert kind_of(name) == kind
