"""Somebody with a browser: goes to pages, and hears what they complain about."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page, Request, Response

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# What stands out of a page to the right, if a phone would let one scroll there.
TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > room + 1)
    .map((each) => `${each.tagName.toLowerCase()}.${each.className}`.slice(0, 120))
    .slice(0, 5);
}"""


@dataclass
class Visitor:
    """A page, and its errors: of the console (a breach of the content policy is one), of scripts, of requests."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    forgiven: set[int] = field(default_factory=set)  # statuses that a test asks for

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._complain(f"script: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def go(self, path: str) -> Page:
        """Open a page of the product."""
        self.page.goto(path, wait_until="load")
        return self.page

    def too_wide(self, size: dict[str, int]) -> list[str]:
        """What stands out to the right when the window has that size; empty where nothing does."""
        self.page.set_viewport_size({"width": size["width"], "height": size["height"]})
        self.page.wait_for_load_state()  # one that goes on to the next page is not measured
        found: list[str] = self.page.evaluate(TOO_WIDE)
        return found

    def _complain(self, text: str) -> None:
        self.complaints.append(f"{self.page.url}: {text}")

    def _hear(self, message: ConsoleMessage) -> None:
        is_of_status = "Failed to load resource" in message.text  # said by the answer, with its address
        if message.type in ("error", "warning") and not is_of_status:
            self._complain(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # somebody went on before it was there
            self._complain(f"{request.url} failed: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.forgiven:
            self._complain(f"{response.url} answered {response.status}")
