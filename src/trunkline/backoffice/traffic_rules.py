"""Screens of traffic rules: what changes, marks and refuses records before they are priced, and how one call fares."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trunkline.backoffice.base import TenantAdmin
from trunkline.backoffice.fields import filled
from trunkline.backoffice.filters import ChoiceFilter
from trunkline.backoffice.forms import ActionForm, InstantField, StaffForm, dress, refuse, set_choices, set_zone
from trunkline.backoffice.panels import Link, Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.site import site
from trunkline.backoffice.verbs import verb
from trunkline.backoffice.why import Section
from trunkline.backoffice.words import SIDES, VERDICTS, money, rule_rows
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.period import get_zone
from trunkline.identity.permissions import Permission
from trunkline.kit.clock import now
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.models import Switch, TrafficRule
from trunkline.usage.schema import Service
from trunkline.usage.traffic import actions
from trunkline.usage.traffic.rule import CONDITION_NAMES
from trunkline.usage.traffic.rule_file import texts_of
from trunkline.usage.traffic.tested import path_of


class RuleForm(ActionForm):
    """A traffic rule as people write it: conditions line by line, actions as text, the account by its short name."""

    account = forms.CharField(
        label=gettext_lazy("Account"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("Only where the side is this account's, by its short name; empty for all."),
    )
    conditions = forms.CharField(
        label=gettext_lazy("Conditions"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=filled(
            gettext_lazy("One a line, such as called_begins=254,255; all must hold. Known: %(names)s."),
            names=", ".join(CONDITION_NAMES),
        ),
    )

    class Meta:
        model = TrafficRule
        fields = (
            "name", "stage", "position", "side", "switch", "account", "valid_from", "valid_to", "conditions", "actions", "then", "note",
        )  # fmt: skip
        help_texts: ClassVar[dict[str, Any]] = {
            "name": gettext_lazy("By which records and rejects name it. It never changes."),
            "stage": gettext_lazy("When it is looked at: before or after the account, the rate or the route is known."),
            "position": gettext_lazy("Order inside the stage, lower first; empty for the last."),
            "side": gettext_lazy("For what customers owe, what vendors are owed, or both."),
            "switch": gettext_lazy("Only for records of this switch; empty for all."),
            "valid_from": gettext_lazy(
                "First start of a record that it is for, on the operator's clock; empty for ever."
            ),
            "valid_to": gettext_lazy("Start from which on it is not any more; empty for ever."),
            "actions": gettext_lazy("Separated by semicolons: strip called 2; add called 254; tag premium."),
            "then": gettext_lazy("What comes after: go on, end the stage (allow), or reject the record (deny)."),
            "note": gettext_lazy("A remark for people."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = get_zone(current_tenant().timezone)
        rule = self.instance
        for name in ("position", "switch", "valid_from", "valid_to"):
            if name in self.fields:
                self.fields[name].required = False
        set_zone(self, zone, "valid_from", "valid_to")
        if rule.pk is not None:
            self.initial["account"] = "" if rule.account is None else rule.account.code
            self.initial["conditions"] = "\n".join(f"{key}={value}" for key, value in texts_of(rule.conditions).items())
        else:
            self.initial["conditions"] = ""
        dress(self.fields)

    def clean_conditions(self) -> dict[str, str]:
        """By their names. What they may say the action knows."""
        found: dict[str, str] = {}
        for line in self.cleaned_data["conditions"].splitlines():
            if not line.strip():
                continue
            name, equals, value = (part.strip() for part in line.partition("="))
            if not equals or name in found:
                raise forms.ValidationError(
                    _("%(line)s: write each condition once, as name=value,value.") % {"line": line[:80]}
                )
            found[name] = value
        return found

    def given(self, *, changed_only: bool) -> dict[str, Any]:
        """As the action wants it: the switch by its name."""
        data = super().given(changed_only=changed_only)
        if "switch" in data:
            data["switch"] = "" if data["switch"] is None else data["switch"].name
        return data


@site.screen(TrafficRule)
class TrafficRuleAdmin(TenantAdmin):
    """Traffic rules, in the order in which they are looked at."""

    permission_to_view = Permission.RULES_READ
    permission_to_add = permission_to_change = Permission.RULES_WRITE
    form = RuleForm
    list_display = ("name", "stage", "position", "side", "switch", "account", "asks", "actions", "then")
    list_filter = (("stage", ChoiceFilter), ("side", ChoiceFilter), ("then", ChoiceFilter), "switch")
    list_select_related = ("switch", "account")
    search_fields = ("name",)
    ordering = ("stage", "position", "name")
    empty_text = gettext_lazy(
        "Traffic rules change numbers, tag or refuse records before they are priced. Without one, records are priced as they come."
    )

    @display(description=gettext_lazy("If"))
    def asks(self, rule: TrafficRule) -> str:
        return "; ".join(f"{key}={value}" for key, value in texts_of(rule.conditions).items()) or "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name",) if obj is not None else ()

    def create(self, request: HttpRequest, data: dict[str, Any]) -> TrafficRule:
        return actions.create_rule(given=actions.GivenRule(**data), at=now())

    def change(self, request: HttpRequest, obj: TrafficRule, data: dict[str, Any]) -> TrafficRule:
        if "conditions" in data:  # the action leaves what is not named
            data["conditions"] = dict.fromkeys(obj.conditions, "") | data["conditions"]
        return actions.change_rule(rule_id=obj.pk, changes=data, at=now())

    def links(self, request: HttpRequest, obj: Any | None) -> list[Link]:
        return [Link(_("Test one call"), reverse("admin:rule_test"), "science")]

    @verb(
        gettext_lazy("Remove"),
        permission=Permission.RULES_WRITE,
        icon="delete",
        is_danger=True,
        text=gettext_lazy(
            "The rule does not count from the next file on. Its history stays, and so does its name in the records that it touched."
        ),
    )
    def remove(self, request: HttpRequest, rule: TrafficRule, data: dict[str, Any]) -> Any:
        actions.remove_rule(rule_id=rule.pk)
        return HttpResponseRedirect(self.url("changelist"))


class CallForm(StaffForm):
    """A call that somebody thought of."""

    called_raw = forms.CharField(
        label=gettext_lazy("Called"), max_length=80, help_text=gettext_lazy("As the switch writes it.")
    )
    calling_raw = forms.CharField(
        label=gettext_lazy("Calling"),
        required=False,
        max_length=80,
        help_text=gettext_lazy("As the switch writes it; empty: withheld."),
    )
    start = InstantField(
        label=gettext_lazy("Start"), required=False, help_text=gettext_lazy("On the operator's clock; now if left out.")
    )
    quantity = forms.IntegerField(
        label=gettext_lazy("Used"), required=False, min_value=0, max_value=366 * 86400,
        help_text=gettext_lazy("Seconds, messages or octets; 60 if left out."),
    )  # fmt: skip
    service = forms.ChoiceField(
        label=gettext_lazy("Service"), required=False, help_text=gettext_lazy("What was used; voice if left out."),
        choices=[(each.value, each.value) for each in Service],
    )  # fmt: skip
    switch = forms.ChoiceField(
        label=gettext_lazy("Switch"), required=False, help_text=gettext_lazy("Its number rules come first.")
    )
    trunk_in = forms.CharField(
        label=gettext_lazy("Trunk in"), required=False, max_length=100, help_text=gettext_lazy("On which it comes in.")
    )
    trunk_out = forms.CharField(
        label=gettext_lazy("Trunk out"), required=False, max_length=100, help_text=gettext_lazy("To the vendor.")
    )
    source_ip = forms.CharField(
        label=gettext_lazy("Source address"),
        required=False,
        max_length=45,
        help_text=gettext_lazy("IP address from which it comes."),
    )
    account_code = forms.CharField(
        label=gettext_lazy("Account code"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("As it stands in the record."),
    )
    sip_user = forms.CharField(
        label=gettext_lazy("SIP user"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("As it stands in the record."),
    )

    def prepare(self) -> None:
        set_zone(self, get_zone(current_tenant().timezone), "start")
        names = Switch.objects.order_by("name").values_list("name", flat=True)
        set_choices(self, "switch", [("", "–"), *((name, name) for name in names)])


@site.page("traffic/rules/test/", name="rule_test", permission=Permission.RULES_READ)
def test_call(request: HttpRequest) -> HttpResponse:
    """The path of one call through number rules, traffic rules, identification and prices. Nothing is written."""
    form = CallForm(request.GET or None, request=request)
    sections: list[Section] = []
    if form.is_valid():
        data = dict(form.cleaned_data)
        switch, at = data.pop("switch") or None, now()
        data["start"] = data["start"] or at.replace(microsecond=0)
        data["quantity"] = 60 if data["quantity"] is None else data["quantity"]
        data["service"] = data["service"] or Service.VOICE.value
        try:
            sections = _sections(path_of(data, switch=switch, at=at))
        except (Invalid, NotFound) as error:
            refuse(form, error)
    context = {
        "title": _("Test one call"),
        "form": form,
        "sections": sections,
        "back": reverse("admin:usage_trafficrule_changelist"),
    }
    return site.render(request, "backoffice/rule_test.html", context, 422 if form.errors else 200)


def _sections(said: dict[str, Any]) -> list[Section]:
    short = Section(_("In short"))
    if said["reject"] is None:
        short.notes.append(_("It would be taken."))
    else:
        by = _(" by rule %(rule)s") % said["reject"] if said["reject"]["rule"] else ""
        text = _("It would be rejected%(by)s: %(reason)s. %(meaning)s")
        short.warnings.append(text % {**said["reject"], "by": by, "meaning": in_words(said["reject"]["meaning"])})
    numbers, carries = said["numbers"], said["carries"]
    short.facts = [
        (_("After number rules"), f"{numbers['calling'] or _('withheld')} → {numbers['called'] or _('no number')}"),
        (_("After traffic rules"), f"{carries['calling'] or _('withheld')} → {carries['called']}"),
        (_("Tags"), " ".join(carries["tags"]) or _("none")),
        (_("Jurisdiction"), carries["jurisdiction"]),
    ]
    if said["tech_prefix"]:
        short.facts.append((_("Tech prefix cut off"), said["tech_prefix"]))
    rows = rule_rows([*said["before_identification"], *said["once_more"]], "before_identification")
    if rows:
        short.panels.append(_looked(rows))
    return [short, *(_side(name, side) for name, side in said["sides"].items())]


def _looked(rows: list[tuple[Any, ...]]) -> Panel:
    return Panel(_("Traffic rules"), (_("Stage"), _("Rule"), _("What became of it")), rows)


def _side(name: str, side: dict[str, Any]) -> Section:
    section = Section(f"{SIDES[name]}: {side['account'] or side['status']}")
    identities = [
        (f"{each['kind']} {each['value']}", each["tech_prefix"] or "–", each["account"], VERDICTS[each["verdict"]])
        for each in side["identities"]
    ]
    headers = (_("Identity"), _("Tech prefix"), _("Account"), _("What became of it"))
    section.panels.append(
        Panel(_("Whose it is"), headers, identities, empty=_("No identity names anything of the record."))
    )
    if side["account"] is None:
        return section
    stages = ("after_account", "after_rate", "after_routing")
    if rows := [row for stage in stages for row in rule_rows(side[stage], stage)]:
        section.panels.append(_looked(rows))
    section.facts.append((_("Priced by the number"), side["priced_number"]))
    if price := side["price"]:
        amount = money(price["amount"], price["currency"]) if price["amount"] is not None else price["outcome"]
        section.facts += [
            (_("Amount"), amount),
            (_("Tariff"), price["tariff"] or "–"),
            (_("Code"), price["code"] or "–"),
        ]
        tried = [
            (each["tariff"], rate["code"] or "*", rate["destination"] or "–", VERDICTS[rate["verdict"]])
            for each in price["tried"]
            for rate in each["rates"]
        ]
        columns = (_("Tariff"), _("Code"), _("Destination"), _("What became of it"))
        section.panels.append(
            Panel(_("Codes and rates tried"), columns, tried, empty=_("No code of its tariffs fits the number."))
        )
    return section
