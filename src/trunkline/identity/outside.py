"""An answer for which something must be computed while no scope is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase


class Outside(HttpResponse):
    """What a view gives in place of an answer: the scope ends, `work` runs outside of any and opens its own where it needs the database, then
    `then` makes the answer of what work gave, in a scope of the same person, of whom it is asked anew whether they may be there.

    A transaction that waits while files are read holds a connection, and is ended by the server after a minute. What `work` raises is an error of
    the program: it gives back what people shall see.
    """

    def __init__(self, work: Callable[[], Any], then: Callable[[Any], HttpResponseBase]) -> None:
        super().__init__()
        self.work, self.then = work, then
