"""Currencies in use (ISO 4217): code, number, digits of the minor unit, English name.

Funds, metals and test codes are left out: nobody is invoiced in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from trunkline.core.errors import Invalid
from trunkline.core.money import AMOUNT_DECIMALS, Amount, RoundingMode, scaled_text


@dataclass(frozen=True, slots=True)
class Currency:
    """One currency. `minor_units` is the number of decimals that documents show: 2 for USD, 0 for JPY, 3 for KWD."""

    code: str
    number: int
    minor_units: int
    name: str

    def __str__(self) -> str:
        return self.code


_TABLE = """
AED 784 2 UAE dirham
AFN 971 2 Afghani
ALL 008 2 Lek
AMD 051 2 Armenian dram
AOA 973 2 Kwanza
ARS 032 2 Argentine peso
AUD 036 2 Australian dollar
AWG 533 2 Aruban florin
AZN 944 2 Azerbaijan manat
BAM 977 2 Convertible mark
BBD 052 2 Barbados dollar
BDT 050 2 Taka
BGN 975 2 Bulgarian lev
BHD 048 3 Bahraini dinar
BIF 108 0 Burundi franc
BMD 060 2 Bermudian dollar
BND 096 2 Brunei dollar
BOB 068 2 Boliviano
BRL 986 2 Brazilian real
BSD 044 2 Bahamian dollar
BTN 064 2 Ngultrum
BWP 072 2 Pula
BYN 933 2 Belarusian ruble
BZD 084 2 Belize dollar
CAD 124 2 Canadian dollar
CDF 976 2 Congolese franc
CHF 756 2 Swiss franc
CLP 152 0 Chilean peso
CNY 156 2 Yuan renminbi
COP 170 2 Colombian peso
CRC 188 2 Costa Rican colon
CUP 192 2 Cuban peso
CVE 132 2 Cabo Verde escudo
CZK 203 2 Czech koruna
DJF 262 0 Djibouti franc
DKK 208 2 Danish krone
DOP 214 2 Dominican peso
DZD 012 2 Algerian dinar
EGP 818 2 Egyptian pound
ERN 232 2 Nakfa
ETB 230 2 Ethiopian birr
EUR 978 2 Euro
FJD 242 2 Fiji dollar
FKP 238 2 Falkland Islands pound
GBP 826 2 Pound sterling
GEL 981 2 Lari
GHS 936 2 Ghana cedi
GIP 292 2 Gibraltar pound
GMD 270 2 Dalasi
GNF 324 0 Guinean franc
GTQ 320 2 Quetzal
GYD 328 2 Guyana dollar
HKD 344 2 Hong Kong dollar
HNL 340 2 Lempira
HTG 332 2 Gourde
HUF 348 2 Forint
IDR 360 2 Rupiah
ILS 376 2 New Israeli sheqel
INR 356 2 Indian rupee
IQD 368 3 Iraqi dinar
IRR 364 2 Iranian rial
ISK 352 0 Iceland krona
JMD 388 2 Jamaican dollar
JOD 400 3 Jordanian dinar
JPY 392 0 Yen
KES 404 2 Kenyan shilling
KGS 417 2 Som
KHR 116 2 Riel
KMF 174 0 Comorian franc
KPW 408 2 North Korean won
KRW 410 0 Won
KWD 414 3 Kuwaiti dinar
KYD 136 2 Cayman Islands dollar
KZT 398 2 Tenge
LAK 418 2 Lao kip
LBP 422 2 Lebanese pound
LKR 144 2 Sri Lanka rupee
LRD 430 2 Liberian dollar
LSL 426 2 Loti
LYD 434 3 Libyan dinar
MAD 504 2 Moroccan dirham
MDL 498 2 Moldovan leu
MGA 969 2 Malagasy ariary
MKD 807 2 Denar
MMK 104 2 Kyat
MNT 496 2 Tugrik
MOP 446 2 Pataca
MRU 929 2 Ouguiya
MUR 480 2 Mauritius rupee
MVR 462 2 Rufiyaa
MWK 454 2 Malawi kwacha
MXN 484 2 Mexican peso
MYR 458 2 Malaysian ringgit
MZN 943 2 Mozambique metical
NAD 516 2 Namibia dollar
NGN 566 2 Naira
NIO 558 2 Cordoba oro
NOK 578 2 Norwegian krone
NPR 524 2 Nepalese rupee
NZD 554 2 New Zealand dollar
OMR 512 3 Rial Omani
PAB 590 2 Balboa
PEN 604 2 Sol
PGK 598 2 Kina
PHP 608 2 Philippine peso
PKR 586 2 Pakistan rupee
PLN 985 2 Zloty
PYG 600 0 Guarani
QAR 634 2 Qatari rial
RON 946 2 Romanian leu
RSD 941 2 Serbian dinar
RUB 643 2 Russian ruble
RWF 646 0 Rwanda franc
SAR 682 2 Saudi riyal
SBD 090 2 Solomon Islands dollar
SCR 690 2 Seychelles rupee
SDG 938 2 Sudanese pound
SEK 752 2 Swedish krona
SGD 702 2 Singapore dollar
SHP 654 2 Saint Helena pound
SLE 925 2 Leone
SOS 706 2 Somali shilling
SRD 968 2 Surinam dollar
SSP 728 2 South Sudanese pound
STN 930 2 Dobra
SVC 222 2 El Salvador colon
SYP 760 2 Syrian pound
SZL 748 2 Lilangeni
THB 764 2 Baht
TJS 972 2 Somoni
TMT 934 2 Turkmenistan new manat
TND 788 3 Tunisian dinar
TOP 776 2 Pa'anga
TRY 949 2 Turkish lira
TTD 780 2 Trinidad and Tobago dollar
TWD 901 2 New Taiwan dollar
TZS 834 2 Tanzanian shilling
UAH 980 2 Hryvnia
UGX 800 0 Uganda shilling
USD 840 2 US dollar
UYU 858 2 Peso uruguayo
UZS 860 2 Uzbekistan sum
VES 928 2 Bolivar soberano
VND 704 0 Dong
VUV 548 0 Vatu
WST 882 2 Tala
XAF 950 0 CFA franc BEAC
XCD 951 2 East Caribbean dollar
XCG 532 2 Caribbean guilder
XOF 952 0 CFA franc BCEAO
XPF 953 0 CFP franc
YER 886 2 Yemeni rial
ZAR 710 2 Rand
ZMW 967 2 Zambian kwacha
ZWG 924 2 Zimbabwe gold
"""


def _read(line: str) -> Currency:
    code, number, minor_units, name = line.split(" ", 3)
    return Currency(code, int(number), int(minor_units), name)


CURRENCIES: Final[Mapping[str, Currency]] = MappingProxyType(
    {currency.code: currency for currency in map(_read, _TABLE.strip().splitlines())}
)


def get_currency(code: str) -> Currency:
    """The currency of that three-letter code, in capitals. Raises Invalid `unknown_currency`."""
    currency = CURRENCIES.get(code)
    if currency is None:
        raise Invalid(
            "unknown_currency",
            f"{code!r} is no currency in use.",
            hint="Use an ISO 4217 code such as EUR.",
            currency=code,
        )
    return currency


def round_to_minor(amount: Amount, currency: Currency) -> Amount:
    """`amount` half up at the minor unit, as every line and total of a document is."""
    return amount.round_to(currency.minor_units, RoundingMode.HALF_UP)


def format_amount(amount: Amount, currency: Currency, *, is_grouped: bool = False) -> str:
    """`amount` at the minor unit, half up, always with its digits: `1234.50` in USD, `1235` in JPY.

    `is_grouped` puts a comma between thousands, for documents only: such text is never read back.
    """
    units = round_to_minor(amount, currency).units
    text = scaled_text(units, AMOUNT_DECIMALS, least=currency.minor_units)
    if not is_grouped:
        return text
    whole, point, part = text.removeprefix("-").partition(".")
    return f"{'-' if units < 0 else ''}{int(whole):,}{point}{part}"
