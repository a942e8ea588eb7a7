"""Conditions of queries that more than one door asks, in the form that reaches an index under row-level security."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q


def digits_begin(column: str, digits: str) -> Q:
    """Where a column of digits begins with these: a range, because LIKE reaches no index under row-level security."""
    begins = digits.rstrip("9")
    found = Q(**{f"{column}__gte": digits})
    return found & Q(**{f"{column}__lt": f"{begins[:-1]}{int(begins[-1]) + 1}"}) if begins else found


def begins(column: str, words: str) -> Q:
    """Where a text begins with these words: a range, for the same reason."""
    return Q(**{f"{column}__gte": words, f"{column}__lt": f"{words}\U0010ffff"})


def in_force(at: datetime, *, valid_from: str = "valid_from", valid_to: str = "valid_to") -> Q:
    """What holds at an instant, by the columns of its beginning and its end; an empty one is open."""
    begins = Q(**{f"{valid_from}__isnull": True}) | Q(**{f"{valid_from}__lte": at})
    return begins & (Q(**{f"{valid_to}__isnull": True}) | Q(**{f"{valid_to}__gt": at}))
