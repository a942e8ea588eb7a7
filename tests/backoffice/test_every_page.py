"""Every page of the site, made from its registry, with two operators and every role: what is foreign is not there, what is not permitted is
said before anything is looked up."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.backoffice.office import Office
from tests.isolation.world import World
from trunkline import backoffice
from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.hints import HINTS
from trunkline.backoffice.history import is_tracked
from trunkline.backoffice.site import Page, site
from trunkline.backoffice.verbs import Verb, verbs_of
from trunkline.core.errors import speaks_of_commands
from trunkline.identity.permissions import ROLES, BuiltInRole, Permission
from trunkline.tenancy.scope import scope

SCREENS = sorted(site._registry.values(), key=lambda each: each.opts.label)
VERBS = [(screen, verb) for screen in SCREENS for verb in verbs_of(type(screen))]
TYPED_FIELDS = [(screen, name) for screen in SCREENS for name in screen.autocomplete_fields]
PLAIN_PAGES = [page for page in site.pages if "<" not in page.route]
ABSENT = 999_999_999
FOLDER = Path(backoffice.__file__).parent
TEXTS = re.compile(
    r"""\{% (?:translate|trans) ["'](.*?)["']|\{% blocktranslate.*?%\}(.*?)\{% endblocktranslate""", re.DOTALL
)
COMMANDS = re.compile(r"`|bin/trunkline|trunkline [a-z]+ [a-z]|docs/|(?<!-)--(?!-)")

each_screen = pytest.mark.parametrize("screen", SCREENS, ids=lambda each: each.opts.label)
each_verb = pytest.mark.parametrize(("screen", "verb"), VERBS, ids=lambda each: getattr(each, "name", None))
each_page = pytest.mark.parametrize("page", PLAIN_PAGES, ids=lambda each: each.name)
each_role = pytest.mark.parametrize("role", list(BuiltInRole))


@pytest.fixture(scope="module")
def made_office(made_world: World) -> Office:
    office = Office(made_world.ours, made_world.theirs)
    office.sign_everybody_in()
    return office


@pytest.fixture
def office(world: World, made_office: Office) -> Office:
    return made_office


def has(role: BuiltInRole, *wanted: Permission | None) -> bool:
    return all(each is not None and each in ROLES[role] for each in wanted)


def body(response: HttpResponse) -> str:
    """A page without what differs from one to the next for reasons of its own."""
    text = response.content.decode()
    return "".join(part for part in text.split('"') if len(part) != 64)  # forms' tokens


def status(client: Client, address: str, data: dict[str, Any] | None = None) -> int:
    return (client.get(address) if data is None else client.post(address, data)).status_code


def test_every_screen_is_a_tenants(world: World) -> None:
    assert [each.opts.label for each in SCREENS if not isinstance(each, TenantAdmin)] == []


@each_role
@each_screen
def test_a_list_is_seen_by_whom_it_is_for(office: Office, screen: TenantAdmin, role: BuiltInRole) -> None:
    wanted = 200 if has(role, screen.permission_to_view) else 403
    assert status(office.client(role), screen.url("changelist")) == wanted


@each_screen
def test_a_list_holds_own_rows_only(office: Office, world: World, screen: TenantAdmin) -> None:
    foreign = world.row(world.theirs, screen.model)
    response = office.client().get(screen.url("changelist"))
    shown = {row.pk for row in response.context_data["cl"].result_list}
    with scope(world.ours, "test"):
        own = set(screen.model._default_manager.values_list("pk", flat=True))
    assert shown
    assert shown <= own
    assert foreign.pk not in shown


@each_role
@each_screen
def test_a_form_to_add_is_for_whom_it_is_for(office: Office, screen: TenantAdmin, role: BuiltInRole) -> None:
    wanted = 200 if has(role, screen.permission_to_view, screen.permission_to_add) else 403
    client = office.client(role)
    assert status(client, screen.url("add")) == wanted
    if wanted == 403:
        assert status(client, screen.url("add"), {}) == 403


@each_role
@each_screen
def test_a_row_is_seen_and_changed_by_whom_it_is_for(
    office: Office, world: World, screen: TenantAdmin, role: BuiltInRole
) -> None:
    client, row = office.client(role), world.row(world.ours, screen.model)
    assert status(client, screen.url("change", row)) == (200 if has(role, screen.permission_to_view) else 403)
    if not has(role, screen.permission_to_view, screen.permission_to_change):
        assert status(client, screen.url("change", row), {}) == 403


@each_screen
def test_a_foreign_row_is_as_absent_as_one_that_never_was(office: Office, world: World, screen: TenantAdmin) -> None:
    client, foreign = office.client(), world.row(world.theirs, screen.model)
    for what in ("change", "history"):
        one, other = client.get(screen.url(what, foreign)), client.get(screen.url(what, ABSENT))
        assert (one.status_code, other.status_code) == (404, 404)
        assert body(one) == body(other)
    for given in (foreign, ABSENT):
        assert status(client, screen.url("change", given), {}) == (404 if screen.permission_to_change else 403)


@each_role
@each_screen
def test_permission_is_asked_before_a_row_is_looked_up(office: Office, screen: TenantAdmin, role: BuiltInRole) -> None:
    client = office.client(role)
    assert status(client, screen.url("change", ABSENT)) == (404 if has(role, screen.permission_to_view) else 403)
    may_read = has(role, screen.permission_to_view, Permission.HISTORY_READ)
    assert status(client, screen.url("history", ABSENT)) == (404 if may_read else 403)


@each_screen
def test_a_history_is_shown(office: Office, world: World, screen: TenantAdmin) -> None:
    row = world.row(world.ours, screen.model)
    assert status(office.client(), screen.url("history", row)) == (200 if is_tracked(screen.model) else 404)


@each_screen
def test_nothing_is_deleted(office: Office, world: World, screen: TenantAdmin) -> None:
    address = screen.url("delete", world.row(world.ours, screen.model))
    assert (status(office.client(), address), status(office.client(), address, {"post": "yes"})) == (403, 403)


@each_role
@each_verb
def test_a_verb_is_for_whom_it_is_for(office: Office, screen: TenantAdmin, verb: Verb, role: BuiltInRole) -> None:
    client = office.client(role)
    address = screen.url(verb.name, None if verb.on_list else ABSENT)
    permitted = has(role, screen.permission_to_view, verb.permission)
    wanted = (200 if verb.on_list else 404) if permitted else 403
    assert status(client, address) == wanted
    if not permitted or not verb.on_list:
        assert status(client, address, {"_verb": verb.name}) == wanted


@each_verb
def test_a_verb_reaches_no_foreign_row(office: Office, world: World, screen: TenantAdmin, verb: Verb) -> None:
    if not verb.on_list:
        address = screen.url(verb.name, world.row(world.theirs, screen.model))
        assert (status(office.client(), address), status(office.client(), address, {"_verb": verb.name})) == (404, 404)


@each_role
@pytest.mark.parametrize(("screen", "name"), TYPED_FIELDS, ids=lambda each: getattr(each, "opts", each))
def test_a_field_that_finds_rows_while_one_types_finds_own_ones(
    office: Office, world: World, screen: TenantAdmin, name: str, role: BuiltInRole
) -> None:
    about = {"app_label": screen.opts.app_label, "model_name": screen.opts.model_name, "field_name": name, "term": ""}
    response = office.client(role).get(reverse("admin:autocomplete"), about)
    model = screen.model._meta.get_field(name).related_model
    permitted = has(role, site._registry[model].permission_to_view)
    assert response.status_code == (200 if permitted else 403)
    if permitted:
        with scope(world.ours, "test"):
            own = {str(pk) for pk in model._default_manager.values_list("pk", flat=True)}
        found = {each["id"] for each in response.json()["results"]}
        assert found
        assert found <= own


@each_role
@each_page
def test_a_page_of_its_own_is_for_whom_it_is_for(office: Office, page: Page, role: BuiltInRole) -> None:
    wanted = 200 if has(role, page.permission) else 403
    assert status(office.client(role), reverse(f"admin:{page.name}")) == wanted


@each_role
def test_the_sidebar_leads_nowhere_that_is_forbidden(office: Office, role: BuiltInRole) -> None:
    client = office.client(role)
    groups = client.get(reverse("admin:index")).context_data["sidebar_navigation"]
    links = [item["link"] for group in groups for item in group["items"]]
    assert {link: status(client, link) for link in links} == dict.fromkeys(links, 200)


def test_who_is_not_signed_in_is_sent_to_the_sign_in(office: Office) -> None:
    addresses = [reverse("admin:index"), *(each.url("changelist") for each in SCREENS)]
    answers = [Client().get(address) for address in addresses]
    assert [(each.status_code, each.url.partition("?")[0]) for each in answers] == [
        (302, reverse("account_login")) for _ in addresses
    ]


def test_a_form_from_elsewhere_is_refused(office: Office, world: World) -> None:
    client = office.client()
    client.handler.enforce_csrf_checks = True
    addresses = [each.url("add") for each in SCREENS if each.permission_to_add]
    addresses += [screen.url(verb.name) for screen, verb in VERBS if verb.on_list]
    assert [status(client, address, {}) for address in addresses] == [403 for _ in addresses]


def without_help(form: Any) -> list[str]:
    """The fields of a form that one fills in and that have no help. A screen's page of a row has a form even where nothing of it is shown."""
    return [name for name, field in form.fields.items() if not field.help_text]


@each_screen
def test_every_field_that_is_filled_in_has_help(office: Office, world: World, screen: TenantAdmin) -> None:
    client = office.client()
    if screen.permission_to_add is not None:
        assert without_help(client.get(screen.url("add")).context_data["adminform"].form) == []
    if screen.permission_to_change is not None:
        page = client.get(screen.url("change", world.row(world.ours, screen.model)))
        assert without_help(page.context_data["adminform"].form) == []


@each_verb
def test_every_field_of_a_verb_has_help(office: Office, world: World, screen: TenantAdmin, verb: Verb) -> None:
    page = office.client().get(screen.url(verb.name, None if verb.on_list else world.row(world.ours, screen.model)))
    if page.status_code != 404:  # which says that it makes no sense for this row
        assert without_help(page.context_data["form"]) == []


@each_page
def test_every_field_of_a_page_of_its_own_has_help(office: Office, page: Page) -> None:
    context = office.client().get(reverse(f"admin:{page.name}")).context_data or {}
    assert [without_help(form) for name, form in context.items() if name.endswith("form") and form is not None] in (
        [],
        [[]],
    )


@each_screen
def test_an_empty_list_says_what_to_do(office: Office, screen: TenantAdmin) -> None:
    assert str(screen.empty_text), "give empty_text"


@pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("*.py")) + sorted(FOLDER.rglob("*.html")), ids=lambda path: path.name
)
def test_no_text_sends_anybody_to_a_command_line(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    said = ["".join(pair) for pair in TEXTS.findall(source)] if path.suffix == ".html" else texts_of(ast.parse(source))
    assert [text for text in said if COMMANDS.search(text)] == []


def texts_of(tree: ast.AST) -> list[str]:
    """What a module has translated: the first text of each call of gettext and its like."""
    found = []
    for node in ast.walk(tree):
        name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if name in {"_", "gettext", "gettext_lazy", "ngettext"} and isinstance(node.args[0], ast.Constant):
            found.append(str(node.args[0].value))
    return found


def test_every_hint_that_speaks_of_commands_has_another_for_pages() -> None:
    """Rooms give hints for whoever has the command line; on a page they are those of `backoffice.hints`."""
    missing = {}
    for room in ("identity", "invoicing", "ledger", "parties", "reports", "tariffs", "tenancy", "usage"):
        for path in sorted((FOLDER.parent / room).rglob("*.py")):
            for code, hint in hints_of(ast.parse(path.read_text(encoding="utf-8"))):
                if speaks_of_commands(hint) and code not in HINTS:
                    missing[code] = hint
    assert missing == {}


def hints_of(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The codes and hints of errors that a module raises, as far as they are written where they are raised."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        for keyword in node.keywords:
            if keyword.arg == "hint":
                yield str(node.args[0].value), ast.unparse(keyword.value)
