"""How long pages take while twenty people ask for them at once: the dashboard, the list of accounts, a search among ten million records.

The product is served by `up` as it is everywhere, beside the demo's two operators. The people work for the bench's carrier; each asks for one page
after the other without a pause, over a connection that stays open, as browsers do. Style sheets and scripts are not asked for: browsers keep them. By that it
is judged; `pages_per_s` is all that the two cores can do. Beside it stands, as `paused_…`, how long the same takes where each rests for about a second after every page.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, perf_counter, sleep
from typing import Any, Final
from urllib.parse import urlencode

from bench.ground import ROOT, TENANT, Ground
from bench.served import serving

USERS: Final = 20
WARM_S, MEASURED_S, PAUSED_S = 10.0, 40.0, 40.0
PAUSE_S: Final = 1.0
START_S: Final = 60.0
NUMBERS: Final = 100  # that are there, asked for in turn
MUST_TAKE_MS: Final = 500.0
RECORDS: Final = "/office/traffic/records/?"

Pages = Mapping[str, Sequence[str]]  # addresses by what is measured; one of them at random each time


@dataclass
class Visits:
    """How long each page took, and what was not answered with 200."""

    ms: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, ms: float, wrong: str) -> None:
        with self.lock:
            self.ms.setdefault(name, []).append(ms)
            if wrong:
                self.wrong.append(wrong)


def run() -> dict[str, Any]:
    """Milliseconds that half of the pages, and 95 of 100, take at most, by page, and pages a second."""
    ground = Ground()
    ground.prepare()
    ground.command("demo", "--exit", "--json")
    pages, cookies = _pages(ground), _signed_in(ground)
    with serving(ground.environment, ground.folder / "web.log") as server:
        _visit(server.port, cookies, pages, WARM_S, pause_s=0)
        visits = _visit(server.port, cookies, pages, MEASURED_S, pause_s=0)
        paused = _visit(server.port, cookies, pages, PAUSED_S, pause_s=PAUSE_S)
    if wrong := visits.wrong + paused.wrong:
        raise RuntimeError(f"{len(wrong)} pages were not answered: {wrong[:3]}")
    figures: dict[str, Any] = {"users": USERS, "records_stored": ground.size.neighbours}
    for before, each in (("", visits), ("paused_", paused)):
        for name, ms in sorted(each.ms.items()):
            figures |= {f"{before}{name}_p50_ms": round(_at(ms, 0.5)), f"{before}{name}_p95_ms": round(_at(ms, 0.95))}
    figures["pages_per_s"] = round(sum(map(len, visits.ms.values())) / MEASURED_S, 1)
    return {"passed": all(_at(ms, 0.95) < MUST_TAKE_MS for ms in visits.ms.values()), **figures}


def _at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _pages(ground: Ground) -> Pages:
    """The pages; the search asks for numbers that are there, for the beginning of one, and for an account's day."""
    asked = ("--account", "customer-07", "--from", "2026-03-01", "--to", "2026-03-02", "--limit", str(NUMBERS))
    found = json.loads(ground.command("usage", "search", "--tenant", TENANT, *asked, "--json"))["records"]
    numbers = [record["called"] for record in found]
    day = {"account": "customer-07", "start_from": "2026-03-01T00:00:00", "start_to": "2026-03-02T00:00:00"}
    return {
        "dashboard": ["/office/"],
        "accounts": ["/office/parties/account/"],
        "search_number": [RECORDS + urlencode({"number": number}) for number in numbers],
        "search_beginning": [RECORDS + urlencode({"number": f"{number[:6]}*"}) for number in numbers],
        "search_day": [RECORDS + urlencode(day)],
    }


def _signed_in(ground: Ground) -> list[str]:
    """A cookie of each of the people."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.web"],
        env=ground.environment,
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    cookies: list[str] = json.loads(done.stdout)
    return cookies


def _visit(port: int, cookies: Sequence[str], pages: Pages, seconds: float, *, pause_s: float) -> Visits:
    visits, end = Visits(), monotonic() + seconds
    people = [
        threading.Thread(target=_visit_alone, args=(port, cookie, pages, end, visits, number, pause_s))
        for number, cookie in enumerate(cookies)
    ]
    for each in people:
        each.start()
    for each in people:
        each.join()
    return visits


def _visit_alone(port: int, cookie: str, pages: Pages, end: float, visits: Visits, number: int, pause_s: float) -> None:
    """The dashboard, the accounts, a search of one kind or another, and from the beginning; each person begins elsewhere."""
    draws = random.Random(number)
    searches = [name for name in pages if name.startswith("search")]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    turn = number
    while monotonic() < end:
        name = ("dashboard", "accounts", searches[turn // 3 % len(searches)])[turn % 3]
        turn += 1
        address = draws.choice(pages[name])
        begin = perf_counter()
        connection.request("GET", address, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
        wrong = "" if answer.status == 200 else f"{address}: {answer.status}"
        visits.add(name, (perf_counter() - begin) * 1000, wrong)
        sleep(pause_s * draws.uniform(0.5, 1.5))  # people are not in step
    connection.close()


def _make_people() -> None:
    """Owners of the bench's carrier; prints their cookies."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trunkline.platform.settings")
    import django

    django.setup()
    from datetime import UTC, datetime

    from django.conf import settings
    from django.test import Client

    from trunkline.identity.actions import add_member, ensure_user
    from trunkline.identity.permissions import BuiltInRole
    from trunkline.identity.principal import command_line
    from trunkline.tenancy.queries import get_tenant_id
    from trunkline.tenancy.scope import scope

    at, tenant_id = datetime.now(UTC), get_tenant_id(TENANT)
    cookies = []
    for number in range(USERS):
        email = f"person-{number:02}@bench.example"
        with scope(tenant_id, "bench"):
            add_member(email=email, role=BuiltInRole.OWNER, name=email, by=command_line(tenant_id, "bench"), at=at)
        client = Client()
        client.force_login(ensure_user(email=email, at=at), backend=settings.AUTHENTICATION_BACKENDS[-1])
        cookies.append(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
    sys.stdout.write(json.dumps(cookies))


if __name__ == "__main__":
    _make_people()
