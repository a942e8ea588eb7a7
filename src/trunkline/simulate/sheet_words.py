"""Headers, titles and notes that vendors write, for made-up rate sheets: those of published sheets, and their like in other languages.

Written apart from what reads sheets, and never taken from there: a list that both share would prove nothing.
"""

from __future__ import annotations

from typing import Final

# For each thing a column can hold the headers seen for it, English first; the others by language.
HEADERS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "name": {
        "en": ("Country / Destination", "Location", "Network", "Terminating Destination", "Country Name", "Destination Country", "Zone Name", "Operator", 
            "Destination", "Destination Name", "Zone", "Area Name", "Code Name", "Country/Network", "Route", "Description", "DESTINATION", "Destinations"),
        "de": ("Ziel", "Zielland", "Bezeichnung"), "fr": ("Destination", "Libellé"), "es": ("Destino",), "it": ("Destinazione",), "pt": ("Destino",),
        "ru": ("Направление", "Назначение направления"), "pl": ("Kierunek",),
    },
    "code": {
        "en": ("Country Codes", "Dialing Code", "Prefixes", "Destination Code", "Dial Prefix", "Dial String", "Number Prefix", "E.164 Code", "Area Codes", 
            "Code", "Dial Code", "Dialcode", "Prefix", "Area Code", "Digits", "Breakout", "Dialed Digits", "Country Code + Area Code",
        "Dial Codes", "CODE", "Code(s)"),
        "de": ("Vorwahl", "Kennzahl"), "fr": ("Indicatif", "Préfixe"), "es": ("Código", "Prefijo"), "it": ("Prefisso", "Codice"), "pt": ("Código", "Prefixo"),
        "ru": ("Код", "Префикс", "Коды"), "pl": ("Prefiks", "Kod"),
    },
    "price": {
        "en": ("Cost", "Rate Per Min", "Price/Min (USD)", "Rate in USD", "Tariff", "New Price", "USD per minute", "Rate $/min", "Call Rate", "Buy Rate", "Proposed Rate", 
            "Rate", "Price", "Price($)", "Rate/min", "USD/min", "Per minute charge", "Rate (USD)", "Price per minute", "RATE", "Rate USD/Min", "Rate per Minute"),
        "de": ("Preis", "Preis pro Minute", "Minutenpreis", "Tarif"), "fr": ("Prix", "Tarif", "Prix/min", "Prix par minute"), "es": ("Tarifa",
        "Precio", "Precio por minuto"),
        "it": ("Tariffa", "Prezzo"), "pt": ("Tarifa", "Preço"), "ru": ("Цена", "Тариф", "Стоимость минуты"), "pl": ("Cena", "Stawka"),
    },
    "effective": {
        "en": ("Eff. Date", "Start", "Date", "Valid from", "Activation Date", "Effective date (GMT)", "From Date", "Date of Effect", "Validity", 
            "Effective Date", "Effective From", "Effective from", "Valid From", "Start Date", "EFD", "Effective", "Date Effective"),
        "de": ("Gültig ab", "Gültig von"), "fr": ("Date d'effet", "Valable à partir du"), "es": ("Fecha de vigencia", "Válido desde"),
        "it": ("Decorrenza", "Valido dal"),
        "pt": ("Data de início", "Válido desde"), "ru": ("Дата начала", "Действует с"), "pl": ("Obowiązuje od", "Data od"),
    },
    "expiry": {
        "en": ("Valid Until", "Valid till", "To Date", "Expires", 
            "End Date", "Valid To", "Expiry", "Expiry Date"), "de": ("Gültig bis",), "fr": ("Date de fin",), "es": ("Válido hasta", "Fecha fin"),
        "it": ("Scadenza", "Fine validità"),
        "pt": ("Data de fim",), "ru": ("Дата окончания", "Действует до"), "pl": ("Obowiązuje do",),
    },
    "increment": {
        "en": ("Billing", "Bill Increment", "Incr.", "Rounding Rules", "Interval", "Min/Incr", "Billing Interval", "Billing Terms", "Charging Interval", 
            "Billing Increment", "Increments", "Rounding", "Min/Inc", "Pulse", "Billing Increments", "Increment", "Charge period"),
        "de": ("Taktung", "Abrechnungstakt", "Takt"), "fr": ("Palier", "Cadence de facturation"), "es": ("Incremento", "Facturación"),
        "it": ("Fatturazione", "Scatti"),
        "pt": ("Incremento", "Cadência"), "ru": ("Тарификация", "Шаг тарификации"), "pl": ("Taktowanie", "Naliczanie"),
    },
    "change": {
        "en": ("Rate Change", "Movement", "Type of change", "Action", "Change Type", "Remarks", 
            "Change", "Status", "Comments", "Trend", "Comment"), "de": ("Änderung", "Status"), "fr": ("Statut", "Changement"), "es": ("Cambio", "Estado"),
        "it": ("Stato", "Variazione"), "pt": ("Estado", "Status"), "ru": ("Изменение", "Статус"), "pl": ("Zmiana", "Status"),
    },
    "first": {"en": ("Min. Duration", "Initial Period", "1st Increment", "First Increment", "Min", 
            "First Interval", "Interval 1", "Initial Increment", "Min Time", "First Period", "Initial Interval", "Minimum Duration")},
    "interval": {"en": ("Following Increment", "Additional Interval", "2nd Increment", "Step", "Incremental Period", "Increment", 
            "Sub Interval", "Interval N", "Next Increment", "Next Interval", "Subsequent Interval", "Additional Increment")},
    "country_code": {"en": ("Country Code", "CC", "Country Dial Code"), "de": ("Landesvorwahl", "Ländervorwahl"), "es": ("Código de país",),
    "fr": ("Indicatif pays",), "it": ("Prefisso internazionale",)},
    "area_code": {"en": ("Area Code", "City Code", "City Code(s)", "Area Codes"), "de": ("Ortsvorwahl", "Ortskennzahl"), "es": ("Código de área",),
    "fr": ("Code ville",), "it": ("Prefisso città",)},
    "old": {"en": ("Current Rate", "Old Rate", "Previous Rate", "Old Price"), "de": ("Alter Preis", "Bisheriger Preis"), "es": ("Tarifa actual",
    "Precio anterior"), "fr": ("Ancien tarif", "Prix actuel"), "it": ("Tariffa attuale", "Vecchio prezzo")},
    "new": {"en": ("New Rate", "New Price"), "de": ("Neuer Preis",), "es": ("Tarifa nueva", "Nuevo precio"), "fr": ("Nouveau tarif",
    "Nouveau prix"), "it": ("Nuova tariffa", "Nuovo prezzo")},
    "peak": {"en": ("Day Rate", "Rate (Peak)", 
            "Rate Peak", "Peak Rate", "Peak", "Price Peak")},
    "offpeak": {"en": ("Night Rate", "Rate (Offpeak)", "OffPeak", 
            "Rate Off-peak", "Off-Peak Rate", "Off Peak", "Offpeak", "Price Off-Peak")},
    "inter": {"en": ("interrate", "Interstate", "Interstate Rate", "Inter", "inter", "INTERSTATE", "rate interstate")},
    "intra": {"en": ("intrarate", "Intrastate", "Intrastate Rate", "Intra", "intra", "INTRASTATE", "rate intrastate")},
    "ij": {"en": ("ijrate", "Indeterminate", "Indeterminate Rate", "IJ", "indeterminate", "ij rate")},
    "setup": {"en": ("Call Setup Fee", "Flagfall", "Fixed Charge", 
            "Connection Fee", "Setup Fee", "Connection charge", "Connect Fee", "Connection Charge")},
    "currency": {"en": ("Currency", "CCY", "Curr.")},
    "level": {"en": ("Quality", "Service Level", "Route Quality")},
    "asr": {"en": ("ASR", "ASR %", "Avg ASR")},
    "acd": {"en": ("ACD", "ACD (min)")},
    "capacity": {"en": ("Capacity", "Ports", "Channels")},
    "notes": {"en": ("Notes", "Remarks")},
    "number": {"en": ("#", "No.", "Nr")},
}  # fmt: skip
DAY_FIRST_LANGUAGES: Final = ("de", "fr", "es", "it", "pt", "ru", "pl")

COMPANIES: Final = (
    "Acme Telecom Ltd",
    "Global Voice Carrier Services",
    "Nordlicht Kommunikation GmbH",
    "TransAtlantic Wholesale Inc.",
    "Baobab Telecoms SA",
    "Meridian Carrier BV",
)
TITLES: Final = (
    "Rate Sheet", "Price List", "International Termination Rates", "Wholesale Voice Rates", "A-Z Termination",
    "Voice Termination Price Notification", "Dear partner, please find our rates below",
)  # fmt: skip
CONTACTS: Final = (
    "rates@example.net", "Phone: +44 20 7946 0000", "Account manager: J. Doe", "Customer: Trunk Test Carrier", "Product: Premium",
    "Service: Voice Termination", "www.example.com", "Ref: 2027/114", "Page 1 of 1",
    "Interconnect ID 40021", "Prepared by: Pricing Team",
)  # fmt: skip
NOTES: Final = (
    "All rates are exclusive of VAT.", "Please confirm receipt of this notification.", "Codes not listed are not offered.", "Rates are per minute.", "E&OE",
    "Please note: disputes must be raised within 30 days.", "Confidential", "* mobile portability is not considered", "End of list",
    "Calls to premium numbers are charged as 'Premium' destination.",
    "Kind regards, Pricing Department", "For questions contact +1 212 555 0100", "Terms: 7/7",
)  # fmt: skip
EFFECTIVE_TITLES: Final = (
    "Effective Date:",
    "Effective date",
    "Rates valid from",
    "Effective from:",
    "Effective:",
    "All rates are effective as of",
)
ISSUED_TITLES: Final = ("Issue date:", "Date issued:", "Generated on", "Date of issue")
CURRENCY_TITLES: Final = ("Currency: {}", "All rates in {} per minute", "Currency {}", "Rates are in {}")
INCREMENT_TITLES: Final = ("Billing increment: {}", "All destinations are billed {}", "Billing increments {}")
CHANGE_WORDS: Final = ("New", "Increase", "Decrease", "Unchanged", "No change", "Current")
