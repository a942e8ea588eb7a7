"""What a country's traffic looks like: its name, what a minute to it costs, and how much of it there is.

Made for simulations: plausible figures, nobody's price list. The keys are the region codes of `phonenumbers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from trunkline.core.money import Price


@dataclass(frozen=True, slots=True)
class Market:
    """One region: wholesale cost of a minute to fixed and mobile numbers in USD, and its weight in world traffic."""

    iso2: str
    name: str
    fixed: Price
    mobile: Price
    traffic: int


@cache
def markets() -> Mapping[str, Market]:
    """All regions by ISO 3166 code (with AC, TA and XK, as `phonenumbers` has them), in alphabetical order."""
    rows = (line.split("|") for line in _ROWS.split("\n") if line)
    return {
        iso2: Market(iso2, name, Price.from_text(fixed), Price.from_text(mobile), int(traffic))
        for iso2, name, fixed, mobile, traffic in rows
    }


# iso2 | name | cost to fixed | cost to mobile | weight of its traffic
_ROWS = """
AC|Ascension Island|0.2440|0.2260|21
AD|Andorra|0.0280|0.0900|17
AE|United Arab Emirates|0.1250|0.1350|190
AF|Afghanistan|0.1750|0.1850|130
AG|Antigua and Barbuda|0.0490|0.0880|18
AI|Anguilla|0.0460|0.0960|9
AL|Albania|0.1300|0.2900|40
AM|Armenia|0.0850|0.1250|40
AO|Angola|0.0450|0.1250|60
AR|Argentina|0.0065|0.0150|150
AS|American Samoa|0.0440|0.0720|15
AT|Austria|0.0075|0.0160|80
AU|Australia|0.0070|0.0140|140
AW|Aruba|0.2700|0.2130|15
AX|Aland Islands|0.0300|0.1260|14
AZ|Azerbaijan|0.1750|0.2500|30
BA|Bosnia and Herzegovina|0.1150|0.2500|35
BB|Barbados|0.0460|0.1140|18
BD|Bangladesh|0.0130|0.0135|520
BE|Belgium|0.0070|0.0170|110
BF|Burkina Faso|0.1870|0.2400|30
BG|Bulgaria|0.0150|0.0240|60
BH|Bahrain|0.0840|0.1660|18
BI|Burundi|0.3400|0.3700|30
BJ|Benin|0.2640|0.2100|14
BL|Saint Barthelemy|0.0670|0.1540|5
BM|Bermuda|0.0640|0.0900|7
BN|Brunei|0.3230|0.4770|3
BO|Bolivia|0.0750|0.1050|60
BQ|Caribbean Netherlands|0.0830|0.1130|15
BR|Brazil|0.0060|0.0110|380
BS|Bahamas|0.0560|0.0880|6
BT|Bhutan|0.0850|0.1660|5
BW|Botswana|0.2110|0.2860|26
BY|Belarus|0.0470|0.1420|12
BZ|Belize|0.1160|0.1560|12
CA|Canada|0.0045|0.0045|260
CC|Cocos Islands|0.4400|0.4040|3
CD|Congo DR|0.2300|0.2900|90
CF|Central African Republic|0.2040|0.3210|15
CG|Congo|0.1760|0.2990|17
CH|Switzerland|0.0130|0.0260|90
CI|Ivory Coast|0.2300|0.2900|140
CK|Cook Islands|0.5050|0.4120|4
CL|Chile|0.0070|0.0090|110
CM|Cameroon|0.1900|0.2300|130
CN|China|0.0090|0.0095|330
CO|Colombia|0.0055|0.0080|330
CR|Costa Rica|0.0160|0.0320|50
CU|Cuba|0.6900|0.7200|120
CV|Cape Verde|0.2330|0.3050|8
CW|Curacao|0.0760|0.1490|11
CX|Christmas Island|0.3450|0.5280|3
CY|Cyprus|0.0330|0.1210|14
CZ|Czechia|0.0070|0.0140|70
DE|Germany|0.0055|0.0160|380
DJ|Djibouti|0.1650|0.3150|8
DK|Denmark|0.0050|0.0110|60
DM|Dominica|0.0660|0.0860|12
DO|Dominican Republic|0.0150|0.0420|240
DZ|Algeria|0.0700|0.2100|130
EC|Ecuador|0.0850|0.1300|140
EE|Estonia|0.0500|0.1280|15
EG|Egypt|0.0950|0.1050|210
EH|Western Sahara|0.1710|0.3450|9
ER|Eritrea|0.2280|0.2830|8
ES|Spain|0.0045|0.0130|260
ET|Ethiopia|0.1500|0.1600|190
FI|Finland|0.0280|0.0310|45
FJ|Fiji|0.1500|0.1700|25
FK|Falkland Islands|0.0690|0.1690|9
FM|Micronesia|0.4820|0.3990|4
FO|Faroe Islands|0.2500|0.2050|23
FR|France|0.0048|0.0140|330
GA|Gabon|0.2530|0.2290|29
GB|United Kingdom|0.0045|0.0095|620
GD|Grenada|0.0500|0.0950|5
GE|Georgia|0.0520|0.1150|40
GF|French Guiana|0.0870|0.1730|9
GG|Guernsey|0.0250|0.1090|10
GH|Ghana|0.1500|0.1650|230
GI|Gibraltar|0.0450|0.1150|16
GL|Greenland|0.1760|0.2290|23
GM|Gambia|0.2660|0.2970|16
GN|Guinea|0.3200|0.3600|70
GP|Guadeloupe|0.0780|0.1770|12
GQ|Equatorial Guinea|0.2310|0.3240|21
GR|Greece|0.0070|0.0130|80
GT|Guatemala|0.0950|0.1100|220
GU|Guam|0.0690|0.1060|13
GW|Guinea-Bissau|0.2170|0.2260|9
GY|Guyana|0.0820|0.1170|7
HK|Hong Kong|0.0090|0.0095|100
HN|Honduras|0.1150|0.1350|170
HR|Croatia|0.0110|0.0180|40
HT|Haiti|0.2100|0.2600|190
HU|Hungary|0.0065|0.0150|60
ID|Indonesia|0.0130|0.0260|190
IE|Ireland|0.0060|0.0150|80
IL|Israel|0.0055|0.0110|90
IM|Isle of Man|0.0290|0.0670|16
IN|India|0.0085|0.0088|1400
IO|Diego Garcia|0.2040|0.2450|16
IQ|Iraq|0.1100|0.1450|110
IR|Iran|0.0700|0.0850|90
IS|Iceland|0.0260|0.0960|14
IT|Italy|0.0052|0.0150|260
JE|Jersey|0.0350|0.1020|18
JM|Jamaica|0.0420|0.1150|180
JO|Jordan|0.0900|0.1100|90
JP|Japan|0.0140|0.0420|110
KE|Kenya|0.0850|0.1150|220
KG|Kyrgyzstan|0.1210|0.1240|17
KH|Cambodia|0.0480|0.0560|45
KI|Kiribati|0.2880|0.4470|5
KM|Comoros|0.2640|0.2700|21
KN|Saint Kitts and Nevis|0.0720|0.0720|16
KP|North Korea|0.1080|0.0850|7
KR|South Korea|0.0095|0.0130|110
KW|Kuwait|0.0480|0.0620|70
KY|Cayman Islands|0.0460|0.0790|15
KZ|Kazakhstan|0.0180|0.0650|60
LA|Laos|0.0480|0.0650|25
LB|Lebanon|0.0700|0.1450|80
LC|Saint Lucia|0.0540|0.0730|12
LI|Liechtenstein|0.0220|0.0720|4
LK|Sri Lanka|0.0950|0.1050|160
LR|Liberia|0.1950|0.2940|9
LS|Lesotho|0.2550|0.3070|6
LT|Lithuania|0.0300|0.1490|9
LU|Luxembourg|0.0440|0.0960|10
LV|Latvia|0.0430|0.1290|13
LY|Libya|0.2860|0.2210|10
MA|Morocco|0.0250|0.1750|180
MC|Monaco|0.0500|0.1190|16
MD|Moldova|0.0490|0.1080|6
ME|Montenegro|0.0330|0.0930|12
MF|Saint Martin|0.0920|0.1470|6
MG|Madagascar|0.1580|0.2370|26
MH|Marshall Islands|0.4400|0.3610|5
MK|North Macedonia|0.0270|0.1410|17
ML|Mali|0.2200|0.2600|90
MM|Myanmar|0.1100|0.1350|70
MN|Mongolia|0.1180|0.1740|6
MO|Macao|0.0920|0.1180|10
MP|Northern Mariana Islands|0.0540|0.0870|9
MQ|Martinique|0.1200|0.1340|7
MR|Mauritania|0.2060|0.3400|15
MS|Montserrat|0.0720|0.1090|9
MT|Malta|0.0360|0.1240|16
MU|Mauritius|0.2530|0.3260|7
MV|Maldives|0.0800|0.1870|11
MW|Malawi|0.2860|0.2450|13
MX|Mexico|0.0055|0.0070|900
MY|Malaysia|0.0055|0.0110|150
MZ|Mozambique|0.0900|0.1900|45
NA|Namibia|0.2500|0.2780|19
NC|New Caledonia|0.4400|0.3440|2
NE|Niger|0.1820|0.2400|24
NF|Norfolk Island|0.3610|0.4120|2
NG|Nigeria|0.0480|0.0560|520
NI|Nicaragua|0.1100|0.1500|90
NL|Netherlands|0.0050|0.0140|160
NO|Norway|0.0060|0.0130|60
NP|Nepal|0.0900|0.1000|210
NR|Nauru|0.4970|0.4900|5
NU|Niue|0.2660|0.4510|3
NZ|New Zealand|0.0075|0.0190|50
OM|Oman|0.0880|0.1920|7
PA|Panama|0.0220|0.0650|50
PE|Peru|0.0060|0.0090|160
PF|French Polynesia|0.4520|0.5370|2
PG|Papua New Guinea|0.4970|0.3690|4
PH|Philippines|0.0700|0.0950|480
PK|Pakistan|0.0350|0.0360|420
PL|Poland|0.0085|0.0120|170
PM|Saint Pierre and Miquelon|0.1000|0.1120|11
PR|Puerto Rico|0.0060|0.0060|60
PS|Palestine|0.1410|0.1500|6
PT|Portugal|0.0055|0.0130|90
PW|Palau|0.3420|0.3650|2
PY|Paraguay|0.0420|0.0560|30
QA|Qatar|0.1100|0.1350|60
RE|Reunion|0.1600|0.2260|28
RO|Romania|0.0070|0.0110|150
RS|Serbia|0.0950|0.2700|45
RU|Russia|0.0320|0.0900|170
RW|Rwanda|0.1800|0.2000|60
SA|Saudi Arabia|0.0700|0.1300|160
SB|Solomon Islands|0.4900|0.5410|2
SC|Seychelles|0.2860|0.3150|19
SD|Sudan|0.1300|0.1450|80
SE|Sweden|0.0045|0.0120|90
SG|Singapore|0.0065|0.0070|90
SH|Saint Helena|0.1950|0.2970|27
SI|Slovenia|0.0320|0.0870|4
SJ|Svalbard and Jan Mayen|0.0240|0.0970|7
SK|Slovakia|0.0085|0.0160|40
SL|Sierra Leone|0.2750|0.3510|13
SM|San Marino|0.0360|0.0870|10
SN|Senegal|0.2400|0.2700|150
SO|Somalia|0.3800|0.4200|120
SR|Suriname|0.0870|0.1300|13
SS|South Sudan|0.3300|0.3600|40
ST|Sao Tome and Principe|0.2200|0.3320|28
SV|El Salvador|0.1050|0.1250|180
SX|Sint Maarten|0.0660|0.0810|17
SY|Syria|0.1150|0.1700|50
SZ|Eswatini|0.2700|0.3450|10
TA|Tristan da Cunha|0.1690|0.3290|19
TC|Turks and Caicos Islands|0.0760|0.1050|18
TD|Chad|0.2700|0.3420|25
TG|Togo|0.1890|0.2940|11
TH|Thailand|0.0070|0.0095|140
TJ|Tajikistan|0.1480|0.1140|15
TK|Tokelau|0.3530|0.4850|1
TL|Timor-Leste|0.3380|0.3690|2
TM|Turkmenistan|0.1430|0.1710|7
TN|Tunisia|0.3900|0.4300|60
TO|Tonga|0.2920|0.4080|5
TR|Turkey|0.0230|0.0420|210
TT|Trinidad and Tobago|0.0280|0.0900|45
TV|Tuvalu|0.4970|0.5370|2
TW|Taiwan|0.0110|0.0420|80
TZ|Tanzania|0.1600|0.1900|130
UA|Ukraine|0.0900|0.1400|120
UG|Uganda|0.1300|0.1500|150
US|United States|0.0040|0.0040|1500
UY|Uruguay|0.0480|0.1250|25
UZ|Uzbekistan|0.0650|0.0750|60
VA|Vatican City|0.0290|0.1030|8
VC|Saint Vincent and the Grenadines|0.0630|0.0690|6
VE|Venezuela|0.0090|0.0150|120
VG|British Virgin Islands|0.0800|0.0920|18
VI|US Virgin Islands|0.0430|0.1100|5
VN|Vietnam|0.0480|0.0420|260
VU|Vanuatu|0.4780|0.4080|5
WF|Wallis and Futuna|0.5090|0.4850|5
WS|Samoa|0.3610|0.5110|3
XK|Kosovo|0.0480|0.1230|17
YE|Yemen|0.0950|0.1050|60
YT|Mayotte|0.2880|0.2880|15
ZA|South Africa|0.0120|0.0310|150
ZM|Zambia|0.1900|0.2300|60
ZW|Zimbabwe|0.0700|0.2900|80
"""
