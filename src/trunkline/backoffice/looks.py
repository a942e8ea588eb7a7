"""How Unfold is set up: title, colours, sidebar. Names and numbers only, so that settings can read it without loading an app."""

from __future__ import annotations

from typing import Any, Final

# A calm blue; amounts and states keep green, orange and red for themselves.
_PRIMARY: Final = {
    "50": "oklch(97% .014 240)",
    "100": "oklch(93.5% .03 240)",
    "200": "oklch(88% .06 241)",
    "300": "oklch(80% .1 242)",
    "400": "oklch(70% .14 245)",
    "500": "oklch(61% .16 250)",
    "600": "oklch(52% .16 253)",
    "700": "oklch(45.5% .145 255)",
    "800": "oklch(39% .115 256)",
    "900": "oklch(34.5% .085 257)",
    "950": "oklch(26% .06 258)",
}

UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": "Trunkline",
    "SITE_HEADER": "trunkline.backoffice.nav.operator_name",
    "SITE_SUBHEADER": "Trunkline",
    "SITE_URL": None,
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [
        {"rel": "icon", "sizes": "any", "type": "image/svg+xml", "href": "trunkline.backoffice.nav.favicon"}
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {"primary": _PRIMARY},
    "STYLES": ["trunkline.backoffice.nav.style_sheet"],
    "SCRIPTS": ["trunkline.backoffice.nav.script"],
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "trunkline.backoffice.nav.sidebar",
    },
    "LANGUAGES": {"action": "trunkline.backoffice.nav.language_address"},
    "ACCOUNT": {"navigation": "trunkline.backoffice.nav.own_account"},
    "COMMAND": {"search_models": False, "show_history": False},
}
