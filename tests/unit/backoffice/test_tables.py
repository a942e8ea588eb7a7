"""Tables of panels: what stands in them is text, whoever wrote it."""

from __future__ import annotations

from django.utils.safestring import SafeString

from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.templatetags.office import table


def test_a_table_holds_its_cells_as_text() -> None:
    rows = [
        (Link("<b>one</b>", '/x?"a&b'), "<script>", "12"),
        (None, SafeString("<i>made by us</i>"), "a sentence that is long enough to be broken, with a 1 in it"),
    ]
    panel = Panel("Title", ("Who's", "<What>", ""), rows, right=frozenset({2}))
    assert table(panel.headers, panel.table) == (
        '<div class="office-table-frame border-base-200 dark:border-base-800"><table class="office-table">'
        '<thead><tr><th scope="col">Who&#x27;s</th><th scope="col">&lt;What&gt;</th><th scope="col" class="office-number"></th></tr></thead>'
        "<tbody><tr>"
        '<td data-label="Who&#x27;s"><a class="text-primary-600 dark:text-primary-500" href="/x?&quot;a&amp;b">&lt;b&gt;one&lt;/b&gt;</a></td>'
        '<td data-label="&lt;What&gt;">&lt;script&gt;</td><td data-label="" class="office-number office-whole">12</td></tr>'
        '<tr><td data-label="Who&#x27;s">–</td><td data-label="&lt;What&gt;"><i>made by us</i></td>'
        '<td data-label="" class="office-number">a sentence that is long enough to be broken, with a 1 in it</td></tr>'
        "</tbody></table></div>"
    )


def test_a_list_of_facts_has_no_headers() -> None:
    panel = Panel("", ("", ""), [("State", "posted")])
    assert "<thead>" not in table(panel.headers, panel.table)
