"""What the parts of rate sheets are called on pages: columns, kinds of change, checks and what to do about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from trunkline.pricing.checks import Level
from trunkline.pricing.sheets.date_cells import DateOrder
from trunkline.pricing.sheets.layout import Purpose, Role
from trunkline.pricing.sheets.price_cells import Mark

ROLE_NAMES: Final[Mapping[Role, Any]] = {
    Role.IGNORED: _("not read"),
    Role.CODE: _("code"),
    Role.COUNTRY_CODE: _("country code"),
    Role.AREA_CODE: _("area code"),
    Role.NPA: _("NPA"),
    Role.NXX: _("NXX"),
    Role.DESTINATION: _("destination"),
    Role.COUNTRY: _("country"),
    Role.NETWORK: _("network"),
    Role.PRICE: _("price"),
    Role.PRICE_FIRST: _("price of the first interval"),
    Role.PRICE_PEAK: _("price, peak"),
    Role.PRICE_OFFPEAK: _("price, off-peak"),
    Role.PRICE_WEEKEND: _("price, weekend"),
    Role.INTER: _("price, interstate"),
    Role.INTRA: _("price, intrastate"),
    Role.INDETERMINATE: _("price, indeterminate"),
    Role.LOCAL: _("price, local"),
    Role.SETUP: _("setup fee"),
    Role.EFFECTIVE: _("begins"),
    Role.EXPIRY: _("ends"),
    Role.INCREMENT: _("increments"),
    Role.FIRST: _("first interval"),
    Role.INTERVAL: _("next interval"),
    Role.GRACE: _("grace"),
    Role.INCLUDED: _("included seconds"),
    Role.CHANGE: _("kind of change"),
    Role.BLOCKED: _("blocked"),
    Role.DISCONTINUED: _("closed"),
    Role.CURRENCY: _("currency"),
    Role.LEVEL: _("quality"),
    Role.ORIGIN: _("origin"),
    Role.ORIGIN_CODE: _("code of the origin"),
    Role.SLOT: _("time of day"),
    Role.DIRECTION: _("direction"),
}

PURPOSES: Final[Mapping[Purpose, Any]] = {
    Purpose.RATES: _("rates"),
    Purpose.CODES: _("codes of destinations"),
    Purpose.ORIGINS: _("codes of origins"),
    Purpose.SKIP: _("passed over"),
}

DATE_ORDERS: Final[Mapping[DateOrder, Any]] = {
    DateOrder.DAY_FIRST: _("03/04 is 3 April"),
    DateOrder.MONTH_FIRST: _("03/04 is 4 March"),
}

MARKS: Final[Mapping[Mark, Any]] = {Mark.POINT: _("a point: 0.0123"), Mark.COMMA: _("a comma: 0,0123")}

LEVELS: Final[Mapping[str, Any]] = {Level.IGNORE: _("ignore"), Level.WARN: _("warn"), Level.STOP: _("stop")}

# In the order in which they are looked at, with the colour of their box.
KINDS: Final[Mapping[str, tuple[Any, str]]] = {
    "refused": (_("refused"), "danger"),
    "increase": (_("increase"), "warning"),
    "blocked": (_("blocked"), "danger"),
    "closed": (_("closed"), "danger"),
    "increment": (_("other increments"), "warning"),
    "moved": (_("moved"), "info"),
    "new": (_("new"), "info"),
    "decrease": (_("decrease"), "success"),
    "unchanged": (_("unchanged"), "default"),
}

# What each check is called, and what it looks at.
CHECK_NAMES: Final[Mapping[str, tuple[Any, Any]]] = {
    "layout": (_("Layout in doubt"), _("It is not sure what the sheet says.")),
    "currency": (_("Another currency"), _("The sheet names another currency than the tariff's.")),
    "errors": (_("Rows that cannot be read"), _("They cannot be read, or cannot be rates of this tariff.")),
    "repeated": (_("The same file again"), _("It has been applied to this tariff before.")),
    "all_past": (_("All dates in the past"), _("Every line begins more than a week before the sheet came.")),
    "count_drop": (_("Many codes close"), _("The sheet closes more than 30 % of the codes in force.")),
    "few_known": (_("Few known codes"), _("Fewer than half of the codes of a full sheet are in the tariff.")),
    "unlike": (_("Prices of another size"), _("Half of the prices are five times higher, or lower.")),
    "negative": (_("Prices below zero"), _("The vendor would pay.")),
    "closes_nothing": (_("Left-out codes stay"), _("They may stand in the rows that cannot be read.")),
    "jump": (_("Jumps"), _("Prices go up or down by more than 50 %.")),
    "zero": (_("Prices of zero"), _("The codes are not blocked, and cost nothing.")),
    "increment_worse": (_("Longer increments"), _("The same price costs more.")),
    "moved": (_("Codes move"), _("They belong to another destination than before.")),
    "short_notice": (_("Short notice"), _("Lines begin sooner than the agreement allows.")),
    "past": (_("Dates in the past"), _("Lines begin before the sheet came.")),
    "special": (_("Special rates"), _("They hold for these codes: the sheet's prices hold once they have ended.")),
    "one_date": (_("One date for all"), _("All lines begin at one instant.")),
}

WHAT_TO_DO: Final[Mapping[str, Any]] = {
    "layout": _("Go back to the layout: say which column means what, and that it is right."),
    "currency": _("Choose the tariff of that currency, or ask the vendor which one is meant."),
    "errors": _("Look at the rows: often a column means something else. Or apply the good lines without them."),
    "repeated": _("Discard it, unless the tariff was changed by hand since."),
    "all_past": _("Is it last month's sheet? Ask for the new one, or look at how its dates are read."),
    "count_drop": _("Is a part of the sheet missing, or is it no full sheet? Load it as partial then."),
    "few_known": _("Is it another vendor's sheet? Discard it and choose the right tariff."),
    "unlike": _("Cents for dollars, or another vendor's? Look at the price column."),
    "negative": _("Look at the price column, and ask the vendor."),
    "closes_nothing": _("Correct the rows and load it again, if codes shall close."),
    "jump": _("Look at these lines before you apply them."),
    "zero": _("Ask whether these codes are free or blocked."),
    "increment_worse": _("Look at what short calls will cost."),
    "moved": _("Reports and invoices name the new destination from then on."),
    "short_notice": _("They are put off, flagged or refused as the agreement says."),
    "past": _("They begin when the sheet was received, unless it may reach back."),
    "special": _("Nothing, or end the special rate if the sheet's prices are to hold."),
    "one_date": _("Nothing needs to be done."),
}

# Why a row gave no line, for the page (`pricing.sheets.reasons`, `pricing.offered`).
REASONS: Final[Mapping[str, Any]] = {
    "no_code": _("The row has no code."),
    "bad_code": _("That is no code."),
    "code_digits_lost": _("The spreadsheet has rounded the code: its digits are lost."),
    "too_many_codes": _("The range stands for too many codes."),
    "no_name": _("The row names no destination."),
    "name_without_codes": _("No code is known for this destination. A code deck can name them."),
    "no_price": _("The row has no price."),
    "bad_price": _("That is no price."),
    "price_range": _("From … to: that is not one price."),
    "price_precision": _("The price has more than 10 decimals."),
    "negative_price": _("The price is below zero."),
    "overflow": _("The number is too large."),
    "bad_date": _("That is no date."),
    "bad_increment": _("These are no increments."),
    "bad_currency": _("That is no currency."),
    "field_count": _("The row has more cells than the header."),
    "other_table": _("Another table seems to begin here."),
    "unknown_key": _("The row names one that is not there."),
    "unknown_profile": _("There is no time profile of that name: make it first, in Prices, Time profiles."),
    "unknown_origin": _("The tariff's origin deck does not know this origin, nor does the sheet say its codes."),
    "contradiction": _("Another line says something else for the same code and date."),
}

CURRENCY_UNSAID: Final = _("not said: the tariff's is taken")
