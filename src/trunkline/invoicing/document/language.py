"""A language as documents need it: its words, and its manner of writing numbers, dates and money.

Both come from the same catalogue. What a language does with numbers and dates stands there as messages too, so that a language is one file;
what such a message means is in its context.
"""

from __future__ import annotations

import gettext
from datetime import date
from decimal import Decimal
from typing import Final

from trunkline.core.currency import Currency, format_amount
from trunkline.core.money import AMOUNT_DECIMALS, Amount, scaled_text
from trunkline.core.period import DatePeriod
from trunkline.core.quantity import minutes_text, octets_text

SOURCE: Final = "en"  # the language in which the texts stand in the program
_MINUS: Final = "−"  # a hyphen is too short to be seen


class Language:
    """A language of documents. The `gettext` family is that of Python's `gettext`; figures come as whole units and leave as text."""

    def __init__(self, code: str, translations: gettext.NullTranslations) -> None:
        self.code = code
        self.gettext, self.ngettext = translations.gettext, translations.ngettext
        self.pgettext = translations.pgettext
        self._point = self.pgettext("between whole and decimals", ".")
        self._comma = self.pgettext("between thousands", ",")
        self._months = (
            self.pgettext("month in a date", "January"),
            self.pgettext("month in a date", "February"),
            self.pgettext("month in a date", "March"),
            self.pgettext("month in a date", "April"),
            self.pgettext("month in a date", "May"),
            self.pgettext("month in a date", "June"),
            self.pgettext("month in a date", "July"),
            self.pgettext("month in a date", "August"),
            self.pgettext("month in a date", "September"),
            self.pgettext("month in a date", "October"),
            self.pgettext("month in a date", "November"),
            self.pgettext("month in a date", "December"),
        )

    @property
    def tag(self) -> str:
        """The language alone, without a region, by which the page is hyphenated."""
        return self.code.partition("-")[0]

    def number(self, plain: str) -> str:
        """Plain decimal text (`-1234.50`) as it stands in a column: grouped, with a minus that can be seen."""
        whole, point, part = plain.removeprefix("-").partition(".")
        grouped = f"{int(whole):,}".replace(",", self._comma)
        return f"{_MINUS if plain.startswith('-') else ''}{grouped}{self._point if point else ''}{part}"

    def decimal(self, plain: str) -> str:
        """Plain decimal text inside other text, ungrouped: `0.0125`."""
        return plain.replace(".", self._point)

    def count(self, number: int) -> str:
        """A whole number."""
        return self.number(str(number))

    def minutes(self, seconds: int) -> str:
        """Seconds as minutes with two decimals."""
        return self.number(minutes_text(seconds))

    def octets(self, octets: int) -> str:
        """Octets in the largest unit that they fill."""
        number, _, unit = octets_text(octets).partition(" ")
        return f"{self.number(number)} {self.data_unit(unit)}"

    def data_unit(self, unit: str) -> str:
        """The symbol of a unit of `core.quantity`."""
        return self.pgettext("unit of data", unit)

    def amount(self, amount: Amount, currency: Currency) -> str:
        """An amount at the minor unit, without its currency."""
        return self.number(format_amount(amount, currency))

    def exact(self, amount: Amount, currency: Currency) -> str:
        """An amount with all its decimals, at least those of the minor unit."""
        return self.number(scaled_text(amount.units, AMOUNT_DECIMALS, least=currency.minor_units))

    def money(self, amount: Amount, currency: Currency) -> str:
        """An amount and its currency."""
        text = self.pgettext("amount of money", "{currency} {amount}")
        return text.format(currency=currency.code, amount=self.amount(amount, currency))

    def currency(self, currency: Currency) -> str:
        """The code and the name of a currency."""
        return f"{currency.code} ({self.pgettext('currency', currency.name)})"

    def percent(self, percent: Decimal) -> str:
        """`16 %`, `7.7 %`."""
        plain = f"{percent:f}"
        short = plain.rstrip("0").rstrip(".") if "." in plain else plain
        return self.pgettext("percentage", "{number} %").format(number=self.decimal(short))

    def date(self, day: date) -> str:
        """`14 March 2026`."""
        if day.day == 1:
            text = self.pgettext("date, the first of a month", "{day} {month} {year}")
        else:
            text = self.pgettext("date", "{day} {month} {year}")
        return text.format(day=day.day, month=self._months[day.month - 1], year=day.year)

    def period(self, period: DatePeriod) -> str:
        """The first and the last day of a period, or its only one."""
        if len(period) == 1:
            return self.date(period.start)
        return self.gettext("{first} to {last}").format(first=self.date(period.start), last=self.date(period.last))


def marked(message: str) -> str:
    """`message` itself: marks a text of the source that is translated where it is shown."""
    return message
