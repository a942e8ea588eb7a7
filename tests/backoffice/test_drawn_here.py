"""What is drawn here in place of Unfold's templates is what they draw; what is kept for many is never another's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import unfold
from django import forms
from django.template import engines
from django.test import Client
from django.urls import reverse
from unfold import widgets
from unfold.templatetags import unfold_list

from tests.backoffice.office import Office
from tests.isolation.world import World
from trunkline.backoffice import frame
from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.cells import rows_of
from trunkline.backoffice.form_parts import WIDGETS, Renderer, field_of
from trunkline.backoffice.site import site
from trunkline.identity.permissions import BuiltInRole

SCREENS = sorted(site._registry.values(), key=lambda each: each.opts.label)
FIELD = Path(unfold.__file__).parent / "templates" / "unfold" / "helpers" / "field.html"


@pytest.fixture
def office(world: World) -> Office:
    return Office(world.ours, world.theirs)


@pytest.mark.parametrize("asked", ["", "?o=1", "?q=a"])
@pytest.mark.parametrize("screen", SCREENS, ids=lambda each: each.opts.label)
def test_the_cells_of_a_list_are_unfolds(
    office: Office, screen: TenantAdmin, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def compared(cl: Any) -> list[list[str]]:
        ours = rows_of(cl)
        assert ours == [list(unfold_list.items_for_result(cl, row, None)) for row in cl.result_list]
        seen.append(len(ours))
        return ours

    monkeypatch.setattr(unfold_list, "results", compared)
    assert office.client().get(screen.url("changelist") + asked).status_code == 200
    assert seen or asked


def plain(html: str) -> str:
    """Without the blanks that say nothing."""
    names = re.sub(r'class="([^"]*)"', lambda found: f'class="{" ".join(found[1].split())}"', html)
    return re.sub(r"\s*([<>])\s*", r"\1", re.sub(r"\s+", " ", names))


CHOICES = [("", "All"), ("a&b", "<A>"), (3, 1234)]


class Form(forms.Form):
    """A field of each kind that is drawn here."""

    default_renderer = Renderer()
    text = forms.CharField(
        label="<Text>", max_length=8, help_text="<b>Ours</b>", widget=widgets.UnfoldAdminTextInputWidget
    )
    plain = forms.CharField(
        required=False, widget=forms.TextInput(attrs={"data-is": True, "data-not": False, "x": '"&'})
    )
    number = forms.IntegerField(min_value=1, widget=widgets.UnfoldAdminIntegerFieldWidget)
    affixed = forms.CharField(widget=widgets.UnfoldAdminTextInputWidget(attrs={"prefix_icon": "search"}))
    email = forms.EmailField()
    day = forms.DateField(required=False)
    instant = forms.DateTimeField(required=False)
    one = forms.ChoiceField(choices=CHOICES, required=False, widget=widgets.UnfoldAdminSelectWidget)
    other = forms.ChoiceField(choices=CHOICES, required=False)
    grouped = forms.ChoiceField(choices=[("Group", CHOICES), ("z", "Z")], required=False)
    flag = forms.BooleanField(required=False, widget=widgets.UnfoldBooleanWidget)
    switch = forms.BooleanField(required=False, widget=widgets.UnfoldBooleanSwitchWidget)
    box = forms.BooleanField()
    hidden = forms.CharField(widget=forms.HiddenInput)
    long = forms.CharField(widget=widgets.UnfoldAdminTextareaWidget)


GIVEN = {
    "text": '"><script>', "plain": "", "number": "x", "affixed": "1", "email": "no", "day": "2026-03-01", "one": "a&b", "other": "3",
    "flag": "on", "hidden": "<", "long": "<",
}  # fmt: skip


@pytest.mark.parametrize("given", [None, GIVEN], ids=["empty", "given"])
@pytest.mark.parametrize("name", list(Form.base_fields))
def test_a_field_is_unfolds(name: str, given: dict[str, str] | None) -> None:
    theirs = Form(given)
    theirs.renderer = forms.renderers.DjangoTemplates()
    template = engines["django"].from_string(FIELD.read_text())
    assert plain(field_of(Form(given)[name])) == plain(template.render({"field": theirs[name]}))


def test_every_widget_that_is_drawn_here_is_compared() -> None:
    drawn = {field.widget.template_name for field in Form.base_fields.values()}
    left = {"django/forms/widgets/time.html"}  # an input like the others
    assert set(WIDGETS) - drawn == left


def frame_of(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


def test_everybody_has_his_own_frame(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked in turn, twice: what was made for one is there when the next one asks."""
    monkeypatch.setattr(frame, "_parts", {})
    people = {
        office.person(role, tenant).email: office.client(role, tenant)
        for role in (BuiltInRole.OWNER, BuiltInRole.READ_ONLY)
        for tenant in (None, office.theirs)
    }
    for _ in range(2):
        for email, client in people.items():
            page = frame_of(client)
            assert [each for each in people if each in page] == [email]
            ours, theirs = (f">{each.name}<" in plain(page) for each in (office.ours, office.theirs))
            assert (ours, theirs) == ((True, False) if office.ours.slug in email else (False, True))
    assert len({key[0] for key in frame._parts}) > 3


def test_a_sidebar_has_what_its_person_may_see(office: Office) -> None:
    for _ in range(2):
        assert reverse("admin:identity_role_changelist") in frame_of(office.client(BuiltInRole.OWNER))
        assert reverse("admin:identity_role_changelist") not in frame_of(office.client(BuiltInRole.SUPPORT))


def test_a_frame_speaks_the_readers_language(office: Office) -> None:
    for _ in range(2):
        assert "Déconnexion" in frame_of(office.client(accept_language="fr"))
        assert "Log out" in frame_of(office.client(accept_language="en"))


def test_forms_of_the_frame_carry_the_token_of_their_page(office: Office) -> None:
    client = office.client()
    for _ in range(2):
        page = frame_of(client)
        tokens = re.findall(r'name="csrfmiddlewaretoken" value="([^"]*)"', page)
        assert len(tokens) >= 3
        assert {len(each) for each in tokens} == {64}
        assert frame._TOKEN not in page


def test_what_is_kept_has_an_end(monkeypatch: pytest.MonkeyPatch, office: Office) -> None:
    monkeypatch.setattr(frame, "_parts", {})
    monkeypatch.setattr(frame, "PARTS_MAX", 4)
    for language in ("en", "fr"):
        frame_of(office.client(accept_language=language))
        assert len(frame._parts) <= 4
