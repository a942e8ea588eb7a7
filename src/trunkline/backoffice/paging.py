"""Pages of lists without counting them: a table of a million rows is counted in a second, a page of it is read in a millisecond."""

from __future__ import annotations

from typing import Any

from django.core.paginator import EmptyPage, Page, Paginator
from django.utils.functional import cached_property

UNKNOWN = 9_999_999_999  # what whoever asks for a count is told; the lists do not show it


class UncountedPage(Page):
    """A page that knows whether rows come after it."""

    def __init__(self, rows: list[Any], number: int, paginator: Paginator, *, has_more: bool) -> None:
        super().__init__(rows, number, paginator)
        self.has_more = has_more

    def has_next(self) -> bool:
        return self.has_more


class UncountedPaginator(Paginator):
    """Reads one row more than a page shows, and so knows whether there is another one."""

    template_name = "backoffice/pagination.html"
    last_page: UncountedPage | None = None

    @cached_property
    def count(self) -> int:
        return UNKNOWN

    def page(self, number: int | str) -> UncountedPage:
        """The rows of a page. Raises `EmptyPage` for a page past the end, but for the first."""
        number = self.validate_number(number)
        begin = (number - 1) * self.per_page
        rows = list(self.object_list[begin : begin + self.per_page + 1])
        if not rows and number > 1:
            raise EmptyPage(self.error_messages["no_results"])
        self.last_page = UncountedPage(rows[: self.per_page], number, self, has_more=len(rows) > self.per_page)
        return self.last_page
