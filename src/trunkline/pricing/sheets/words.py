"""The words of rate sheets, in the languages in which they were seen. `plain` makes all spellings of one comparable."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from trunkline.core.currency import CURRENCIES

_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_NOT_WORDS: Final = re.compile(r"[\W_]+")


@lru_cache(maxsize=65_536)
def plain(text: str) -> str:
    """Lower case, without accents and punctuation, words parted by one blank: `Préfixe_(s)` is `prefixe s`."""
    text = _CAMEL.sub(" ", text)
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(each for each in text if not unicodedata.combining(each))
    text = text.replace("ı", "i").replace("ł", "l").replace("ø", "o").replace("đ", "d")
    text = re.sub(r"off[\s\-_]*peak", "offpeak", text)
    text = re.sub(r"\b(inter|intra)[\s\-_]*(state|lata)\b", r"\1\2", text)
    return _NOT_WORDS.sub(" ", text).strip()


def words_of(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(piece for word in text.split() for piece in plain(word).split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(map(plain, text.split("|"))) - {""}


def _table(text: str) -> Mapping[str, str]:
    """`meaning: phrase | phrase`, a line that begins deeper going on with the one above."""
    found: dict[str, str] = {}
    for line in re.sub(r"\n {8,}", " ", text).strip().split("\n"):
        meaning, _, phrases = line.partition(":")
        found |= dict.fromkeys(_phrases(phrases), meaning.strip())
    return found


# What a word of a header speaks of. A header is told by the set of these, so that any order and any filling is understood.
PRICE: Final = words_of(
    "rate rates price prices pricing cost costs charge charges tariff tariffs fee ppm cpm usdmin eurmin"
    " preis preise tarif tarife kosten entgelt prix cout tarifs precio precios tarifa tarifas coste costo importe"
    " prezzo prezzi tariffa tariffe preco precos valor taxa custo prijs prijzen kost kostprijs"
    " цена цены тариф тарифы стоимость ставка cena ceny stawka taryfa oplata fiyat ucret tarifesi tarief tarieven pris priser hinta"
    " 价格 费率 单价 资费 料金 単価 سعر السعر"
)
CODE: Final = words_of(
    "code codes dialstring dialstrings dialcode dialcodes dialprefix prefix prefixes prefixs digits breakout breakouts npanxx npanxxx"
    " npanxxy lrn pattern dialling dialing"
    " dialed dnis npa nxx vorwahl vorwahlen kennzahl kennzahlen rufnummernbereich praefix indicatif indicatifs prefixe"
    " codigo codigos prefijo prefijos codice codici prefisso prefissi prefixo prefixos indicativo indicativos netnummer kengetal"
    " код коды кода кодов префикс префиксы kod kody kodlar kodu prefiks prefiksy numer kierunkowy riktnummer suuntanumero"
    " 代码 区号 前缀 号段 コード 番号 رمز"
)
NAME: Final = words_of(
    "destination destinations dest dst destn zone zones area areas operator operators route routes description descriptions network networks"
    " carrier operador operatore operateur betreiber breakoutname location region name names"
    " ziel ziele bezeichnung zielgebiet zielland netz beschreibung destinations libelle reseau destino destinos descripcion"
    " destinazione destinazioni descrizione direttrice descricao bestemming omschrijving"
    " направление направления название наименование зона оператор описание kierunek kierunki nazwa opis hedef yon aciklama adi"
    " 目的地 国家 地区 名称 方向 行き先 対地 الوجهة"
)
COUNTRY: Final = words_of(
    "country countries land laender lander pays pais paises paese paesi страна страны kraj panstwo ulke ulkeler ul nation"
)
AREA: Final = words_of(
    "area city cities ort orts orte ville villes ciudad citta cidade город города miasto sehir local zonal region partial"
)
DATE: Final = words_of(
    "effective valid date start starts starting from eff efd since begin begins validity active activation dates validfrom"
    " gultig gultigkeit ab datum beginn wirksam inkrafttreten applicable effet vigueur debut depuis partir"
    " vigencia vigente fecha desde inicio entrada validez decorrenza valido validita inizio data dal vigore validade"
    " ingangsdatum geldig vanaf ingang дата действует начало действия вступления obowiazuje od tarih gecerlilik baslangic yururluk"
    " 生效日期 生效时间 日期 適用日 تاريخ"
)
END: Final = words_of(
    "end ends ending expiry expires expire expiration until till to through stop discontinue discontinued ende bis ablauf"
    " fin jusqu hasta vencimiento expiracion fine scadenza ate fim termino einddatum tot"
    " окончание окончания до koniec bitis 失效日期 termination"
)
DATE_ONLY: Final = words_of(
    "date dates datum fecha data дата tarih 日期 effective efd validity gultig gultigkeit vigencia"
)
INCREMENT: Final = words_of(
    "increment increments incremental step incr inc incs rounding round pulse pulses interval intervals bi blocking chargeperiod granularity"
    " takt taktung abrechnungstakt abrechnungsintervall taktierung cadence pas palier increments incremento incrementos"
    " facturacion intervalo intervalos pulso scatto scatti incremento tassazione fatturazione fracionamento cadencia"
    " тарификация тарификации округление шаг интервал taktowanie naliczanie okres faturalama periyot billing 计费单位 计费周期 課金単位"
)
FIRST: Final = words_of(
    "initial first 1 1st i one min minimum minimal minimo minima mindest start erste erster erstes premier premiere inicial primer primero primo iniziale"
    " первый первая минимум минимальная минимальный pierwszy ilk mintime"
)
NEXT: Final = words_of(
    "n next subsequent incremental step sub additional following further recurring sec second 2 2nd folge folgetakt weitere suivant suivante"
    " siguiente subsecuente siguientes"
    " successivo successivi adicional следующий последующий nastepny kolejny sonraki increment"
)
SETUP: Final = words_of(
    "setup conn connect connection connexion connectcost conexion connessione conexao establecimiento establishment flagfall attempt base callsetup"
    " verbindung verbindungsaufbau einrichtung mise соединение установка polaczenie baglanti surcharge connectfee fixed"
)
GRACE: Final = words_of("grace nocharge free kulanz gracia nocharged")
OLD: Final = words_of(
    "old previous prior current existing former last alt alte alter alten bisher bisherig bisheriger aktuell aktueller ancien ancienne precedent actuel"
    " anterior actual vigente precedente attuale atual старый старая текущая текущий прежняя stary stara obecna eski mevcut oude huidig huidige"
)
NEW: Final = words_of(
    "new neu neue neuer neues nouveau nouvelle nuevo nueva nuovo nuova novo nova nieuw nieuwe новый новая новое nowy nowa yeni proposed changed revised"
)
PEAK: Final = words_of("peak hauptzeit pleine punta picco pico пик пиковый szczyt day daytime tag jour dia")
OFFPEAK: Final = words_of("offpeak nebenzeit creuse valle nachttarif economy reduced fuori night nacht noche nuit")
WEEKEND: Final = words_of("weekend wochenende finde festivo")
INTER: Final = words_of("inter interstate interrate interlata")
INTRA: Final = words_of("intra intrastate intrarate intralata")
INDETERMINATE: Final = words_of("ij ijrate indeterminate indet indeterminant undetermined unknown")
LOCAL: Final = words_of("local localrate")
DEFAULT: Final = words_of("default")
CHANGE: Final = words_of(
    "change changes status comment comments trend remark remarks action movement type indicator anderung status aenderung modification changement statut etat"
    " cambio cambios estado variazione commentaire commentaires observaciones note bemerkungen stato alteracao wijziging изменение статус примечание"
    " комментарий zmiana degisim durum"
)
CURRENCY: Final = words_of(
    "currency curr ccy currencies wahrung waehrung devise monnaie moneda valuta moeda валюта waluta doviz 币种"
)
LEVEL: Final = words_of(
    "quality level service grade servicelevel class qos cli product qualitat qualite calidad qualita качество jakosc kalite"
)
ORIGIN: Final = words_of(
    "origin origins origination originating source src ani anumber ursprung herkunft origine origen"
)
SLOT: Final = words_of("slot timeslot daytype timeofday")
BLOCK: Final = words_of("forbidden blocked barred block")
DISCONTINUED: Final = words_of("discontinued deleted removed")
# Words that say that a column beside all this is something else.
OTHER: Final = words_of(
    "id asr acd pdd ner capacity channels cps ports notes note weight precedence priority strip prepend trunk reseller table profile"
    " iso mcc mnc ocn lata state tier length len digitsmin notice percent percentage diff difference variation margin discount vat tax rounded"
    " duration total account ratedeck deck direction continent deselect pvt"
)
FILLING: Final = words_of(
    "per in of the and a an for by your our us min minute minutes mins sec second seconds pro je par por al a de del des du la le les el di do da"
    " za w na minuta minuten minuto minut мин минуту минута в за руб m pm"
    " voice call calls wholesale termination outbound retail vat excl incl net netto usd eur gbp s e value amount"
    " and und et y"
)

# Headers that do not mean what their words say, or mean it only as a whole.
WHOLE: Final[Mapping[str, str]] = _table(
    """
    code: dial string | dial strings
    destination: 宛先 | 国名 | code name | codename | code names | prefix name | dial code name | area name | areaname | zone name | destination name | route name |
        destinationname | target pattern name | country network | destination code name | country destination | country operator | nom de la
        destination | area
    other: rate name | iso | iso code | iso country code | country iso | mcc | mnc | pvt rate cost | pvt rate surcharge | minimum charge | min charge
        | bi effective date | bi change | rate id | rate table id | time profile id | nr | no | # | line | row | tag | prefix id | issue date | date
        issued | last updated | updated | last change | last changed | created | created at | updated at | weight | account id | trunk number | trunk
        rating | trunk id
    country: country name
    network: operator name | network operator
    country_code: 国番号 | 国コード | 国家代码 | country code | countrycode | cc | country codes | country prefix | landesvorwahl | landervorwahl |
        landerkennzahl | landercode |
        landeskennzahl | indicatif pays | code pays | codigo pais | codigo de pais | codigo del pais | prefisso paese | prefisso internazionale |
        codigo do pais | ddi | код страны | kod kraju | ulke kodu
    area_code: area code | area codes | areacode | city code | city code s | city codes | ortsvorwahl | ortskennzahl | codigo de area | codigo area |
        indicatif regional | код города | код зоны | prefisso locale | national code | ndc
    npa: npa
    nxx: nxx
    interval: rate increment | rateincrement | subsequent | subsequent increment | subsequent period | recurring | next increment | next period | sub
    first: rate minimum | min | min volume | minimum volume | min vol | min dur | duration | initial billing time | initial billing | min time |
        mintime | minimum time | minimum duration | min duration |
        initial | minimum | initial increment | initial period | first period | first
    grace: rate nocharge time
    setup: rate surcharge | connectcost | base call cost p | base call cost | flagfall | surcharge | connect fee | setup | setup fee | connectfee |
        call attempt fee
    price: rate cost | rate per unit | netto | net | usd | eur | gbp | usd min | eur min | usd per minute | eur per minute | per minute | per min |
        ppm | cost ppm | call cost ppm | call cost
    price_next: increment rate | increment rate per minute
    price_first: initial rate | initial rate per minute
    increment: bi type | bi | charge period | pulse | min inc | minimum increment | min increment | billing increment | billing incr
    first_or_setup: connect
    included: included seconds | includedseconds
    slot: time of day | time slot | timeslot | time band | timeband | period | time period | day type | zeitzone | time class
    direction: traffic direction | direction
    change: change | changes | status | trend | rate change | rate status | price change | change type | action | rate trend | change status | code
        change
    comment: comment | comments | notes | remarks | remark | note | bemerkung | commentaire | комментарий | примечание | mobile fixed | type
    blocked: forbidden | blocked | barred | is blocked
    discontinued: discontinued | deleted
    level: quality | service level | servicelevel | service | product | route type | route quality | cli | quality level
    id: id | destination id
    inter: interstate | inter
    intra: intrastate | intra
    indeterminate: indeterminate | ij
    price_default: default
    local: local
    price_peak: peak
    price_offpeak: offpeak
    price_weekend: weekend
    origin: origin | origin group | origin name
    origin_code: a number | origin code | origin codes | origin dial codes | origination code | ani prefix | origin dial code | a number prefix
    effective: date | start | efd | effective | wef | w e f | from | с | ab | od
    expiry: end | expiry | until | to | expires | bis | по | do
    """
)

BLOCKED_WORDS: Final = _phrases(
    """
    barred | bloccato | block | blocked | bloque | bloqueado | bloquee | engelli | forbidden | geblokkeerd | gesperrt | indisponivel | kapali | n a | n d
    | na | nd | nicht verfugbar | niedostepny | no disponible | no offer | no route | no service | non disponible | not available | not offered | not
    provided | not supported | suspended | tbd | unavailable | zablokowane | zablokowany | заблокирован | заблокировано | недоступно | нет
    """
)
CLOSED_WORDS: Final = _phrases(
    """
    canceled | cancelled | cerrado | chiusa | chiuso | close | closed | closure | code deleted | code removed | delete | deleted | destination closed |
    discontinued | eliminado | eliminato | entfallt | expired | fechado | ferme | fermee | geloscht | geschlossen | gesloten | kapatildi | remove |
    removed | removido | silindi | supprime | supprimee | terminated | usuniety | withdrawn | zamkniety | закрыт | закрыто | удален | удалено
    """
)
CHANGE_WORDS: Final = _phrases(
    """
    0 | 1 | active | added | aumento | baisse | baja | c | changed | code change | current | d | decrease | decreased | diminuzione | down | erhohung |
    hausse | i | inchange | increase | increased | invariato | modified | n | neu | new | new code | new destination | no change | no changes | nochange |
    nouveau | nuevo | nuova | pending | price decrease | price increase | rate decrease | rate increase | same | senkung | sin cambio | sin cambios | u |
    unchanged | unverandert | up | x | без изменений | новый | повышение | понижение | увеличение | уменьшение
    """
)
YES: Final = frozenset(
    {
        "1",
        "yes",
        "y",
        "true",
        "x",
        "t",
        "ja",
        "oui",
        "si",
        "sim",
        "да",
        "tak",
        "evet",
        "blocked",
        "forbidden",
        "barred",
        "discontinued",
        "closed",
        "deleted",
    }
)
NO: Final = frozenset({"0", "no", "n", "false", "f", "nein", "non", "nao", "нет", "nie", "hayir", ""})
# What stands in a column of dates where a price goes on as it was.
UNDATED: Final = frozenset(
    {"", "n a", "na", "current", "unchanged", "no change", "existing", "in force", "active", "same", "tba", "none"}
)
AT_ONCE: Final = _phrases(
    """
    a s a p | ab sofort | asap | at once | da subito | de inmediato | des que possible | direct | effective immediately | hemen | imediatamente | imediato
    | immediat | immediatamente | immediate | immediate effect | immediately | immediatement | immediato | inmediata | inmediatamente | inmediato |
    natychmiast | now | onmiddellijk | per direct | sofort | today | upon receipt | with immediate effect | немедленно | сразу | 即时 | 立即
    """
)
SLOTS: Final[Mapping[str, str]] = _table(
    """
    peak: peak | p | pk | day | hauptzeit | heures pleines | punta | пик | weekday | weekdays
    off_peak: offpeak | off peak | op | night | economy | nebenzeit | heures creuses | valle
    any: standard | flat | all | all day | any | default | 24h | 24x7 | 24 7 | always
    weekend: weekend | we | wochenende | fin de semana
    evening: evening
    holiday: holiday
    """
)
OUTWARD: Final = frozenset(
    {"outbound", "out", "outgoing", "termination", "terminating", "mt", "outgoing calls", "o", "sell", "orig outbound"}
)
INWARD: Final = frozenset({"inbound", "in", "incoming", "origination", "originating", "mo", "received", "i"})

CURRENCY_SIGNS: Final[Mapping[str, str]] = {
    "$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₽": "RUB",
    "₹": "INR",
    "₺": "TRY",
    "₴": "UAH",
    "₦": "NGN",
    "₪": "ILS",
    "₩": "KRW",
    "₫": "VND",
    "฿": "THB",
}
_NAMES: Final[Mapping[str, str]] = {
    "dollar": "USD", "dollars": "USD", "euro": "EUR", "euros": "EUR", "sterling": "GBP", "pound": "GBP", "pounds": "GBP", "pence": "GBP", "us$": "USD",
    "рубль": "RUB", "руб": "RUB", "рублях": "RUB", "долл": "USD", "доллар": "USD", "евро": "EUR", "pln": "PLN", "zl": "PLN", "tl": "TRY", "rur": "RUB",
    "eurocent": "EUR", "eurocents": "EUR", "€ct": "EUR",
}  # fmt: skip
_CODE: Final = re.compile(r"(?<![A-Za-z])([A-Z]{3})(?![A-Za-z])")
_LOWER: Final = frozenset(
    {
        "usd",
        "eur",
        "gbp",
        "chf",
        "rub",
        "pln",
        "aed",
        "inr",
        "cad",
        "aud",
        "jpy",
        "cny",
        "zar",
        "sek",
        "nok",
        "dkk",
        "czk",
        "huf",
        "ron",
        "brl",
        "mxn",
        "hkd",
        "sgd",
    }
)
_WORD: Final = re.compile(r"[^\W\d_]+")


def currencies_in(text: str) -> list[str]:
    """The currencies that a text names, by code, sign or name, each once, those named by code first."""
    found: dict[str, None] = {
        code: None for code in _CODE.findall(text) if code in CURRENCIES and code not in _NOT_CURRENCIES
    }
    for word in _WORD.findall(text.lower()):
        if word in _LOWER:
            found[word.upper()] = None
        elif word in _NAMES:
            found.setdefault(_NAMES[word], None)
    if not found:
        found.update(dict.fromkeys(code for sign, code in CURRENCY_SIGNS.items() if sign in text))
    return list(found)


# ALL, TOP and others are words in capitals before they are money.
_NOT_CURRENCIES: Final = frozenset(
    {
        "ALL",
        "TOP",
        "MOP",
        "CUP",
        "SOS",
        "ANG",
        "GEL",
        "LAK",
        "PEN",
        "TRY",
        "BAM",
        "ERN",
        "GIP",
        "MAD",
        "NAD",
        "STD",
        "WST",
    }
)
