"""Global search: an account, a number, an invoice, or a page of the sidebar."""

from __future__ import annotations

from django.http import HttpRequest
from unfold.dataclasses import SearchResult

from trunkline.backoffice.nav import sidebar

WORDS_MAX = 100


def found_for(request: HttpRequest, words: str) -> list[SearchResult]:
    """What there is for those words, the most likely first. Empty words find nothing."""
    words = " ".join(words.split())[:WORDS_MAX]
    if not words:
        return []
    return pages_named(request, words)


def pages_named(request: HttpRequest, words: str) -> list[SearchResult]:
    """The pages of the sidebar whose title holds the words."""
    return [
        SearchResult(
            title=str(item["title"]), description=str(group["title"] or ""), link=item["link"], icon=item["icon"]
        )
        for group in sidebar(request)
        for item in group["items"]
        if words.lower() in str(item["title"]).lower()
    ]
