"""An explained record laid out for people, made from what `usage.explained` says of it, so that every door says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from trunkline.backoffice.panels import Panel
from trunkline.backoffice.rooms import in_words
from trunkline.backoffice.words import SIDES, VERDICTS, duration, local, money, rule_rows
from trunkline.usage.explain import Basis

Json = Mapping[str, Any]

# Shown by names of their own, or nothing that people look for.
_QUIET = frozenset({"line", "key", "legs"})


@dataclass(slots=True)
class Section:
    """A part of the explanation: facts, then tables. `notes` are sentences that one must read; `warnings` those that say something is wrong."""

    title: Any
    facts: list[tuple[Any, Any]] = field(default_factory=list)
    panels: list[Panel] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)
    warnings: list[Any] = field(default_factory=list)


def sections_of(said: Json) -> list[Section]:
    """The sections of an explanation as `usage.explained.as_json` gives it."""
    return [_verdict(said), *(_side(name, side) for name, side in said["sides"].items()), _rules(said), _came_in(said)]


def _verdict(said: Json) -> Section:
    fields = said["fields"]
    section = Section(_("In short"))
    add = section.facts.append
    if fields:
        numbers = f"{fields.get('calling') or _('withheld')} → {fields.get('called') or '–'}"
        add((_("Call"), numbers))
        add((_("Start"), _moment(fields.get("start"))))
        add((_("Used"), _used(fields)))
    for name, side in said["sides"].items():
        price = side["price"]
        amount = money(price["amount"], price["currency"]) if price and price["amount"] is not None else None
        who = side["account"] or _("nobody")
        add((SIDES[name], f"{who}: {amount or side['remark'] or (price or {}).get('outcome') or _('not charged')}"))
    if reject := said["reject"]:
        section.warnings.append(f"{reject['reason']}: {in_words(reject['meaning'])} {reject['detail']}")
        section.notes.append(in_words(reject["what_to_do"]))
    if again := said["rerating"]:
        text = _("Priced again on %(at)s by %(name)s.")
        section.notes.append(text % {"at": _moment(again["posted_at"]), "name": again["name"]})
    if said["prices"]["is_current"] is False:
        section.notes.append(
            _("Prices have changed since it was rated; it is computed again with those that were used.")
        )
    if said["agrees"] is True:
        section.notes.append(_("Computed again, everything is as it is stored."))
    elif said["agrees"] is False:
        section.warnings.append(_("Computed again, it is not what is stored."))
    return section


def _used(fields: Json) -> str:
    quantity, service = fields.get("quantity"), str(fields.get("service") or "")
    shown = duration(int(quantity) if quantity is not None else None, service)
    return f"{shown} ({service})" if service else shown


def _moment(text: str | None) -> str:
    return local(datetime.fromisoformat(text)) if text else "–"


def _side(name: str, side: Json) -> Section:
    section = Section(f"{SIDES[name]}: {side['account'] or _('nobody')}")
    rules, price = side["rules"], side["price"]
    if side["remark"]:
        section.facts.append((_("Not charged"), side["remark"]))
    if rules["is_other_number"]:
        section.facts.append((_("Priced by the number"), rules["number"]))
    if rules["tags"]:
        section.facts.append((_("Tags"), " ".join(rules["tags"])))
    section.panels.append(_identities(side["identities"]))
    if side["identities"]["is_other_account"]:
        now = side["identities"]["account"] or side["identities"]["status"]
        section.notes.append(_("The identities of now say %(who)s: they were changed since.") % {"who": now})
    looked = [row for stage in ("after_account", "after_rate") for row in rule_rows(rules[stage], stage)]
    if looked:
        section.panels.append(Panel(_("Traffic rules"), (_("Stage"), _("Rule"), _("What became of it")), looked))
    if price is not None:
        add_price(section, price)
    if side["booked"] is not None:
        _booked(section, side["booked"])
    return section


def _identities(identities: Json) -> Panel:
    rows = [
        (
            f"{each['kind']} {each['value']}",
            each["tech_prefix"] or "–",
            each["account"],
            each["priority"],
            VERDICTS[each["verdict"]],
        )
        for each in identities["tried"]
    ]
    headers = (_("Identity"), _("Tech prefix"), _("Account"), _("Priority"), _("What became of it"))
    return Panel(_("Whose it is"), headers, rows, empty=_("No identity names anything of the record."))


def _whose(tariff: str, stands_in: str) -> str:
    """The tariff of the list, and the ancestor of it that the rate stands in."""
    if tariff == stands_in:
        return tariff
    return _("%(tariff)s, from its parent %(parent)s") % {"tariff": tariff, "parent": stands_in}


def add_price(section: Section, price: Json) -> None:
    """Add to a section which rates were tried and how the amount is made up, from `usage.explained.price_json`."""
    currency = price["tariff_currency"]
    section.facts.append((_("Tariffs, in order"), ", ".join(price["tariffs"]) or _("none")))
    origins = {each["tariff"]: each["origin"] for each in price["tried"] if each["origin"] is not None}
    for tariff, origin in origins.items():
        text = _("%(name)s, by the code %(code)s of the origin deck of %(tariff)s") % {**origin, "tariff": tariff}
        section.facts.append((_("Where the caller is"), text))
    tried = [
        (
            _whose(each["tariff"], rate["tariff"]) + (f" ({_('surcharge')})" if each["is_additive"] else ""),
            (rate["code"] or "*") + (f" ← {rate['origin']}" if rate["origin"] else ""),
            rate["destination"] or "–",
            _steps(rate),
            VERDICTS[rate["verdict"]],
        )
        for each in price["tried"]
        for rate in each["rates"]
    ]
    headers = (_("Tariff"), _("Code"), _("Destination"), _("Price"), _("What became of it"))
    section.panels.append(
        Panel(_("Codes and rates tried"), headers, tried, empty=_("No code of its tariffs fits the number."))
    )
    if parts := [
        (
            _of_tariff(each),
            each["from"],
            f"{each['count']} × {each['increment']} = {each['units']}",
            f"{money(each['price'], currency)} / {each['per']}",
            money(each["amount"], currency),
        )
        for each in price["increments"]
    ]:
        headers = (_("Tariff"), _("From unit"), _("Increments"), _("Price"), _("Amount"))
        section.panels.append(Panel(_("Increments"), headers, parts, right=frozenset({1, 3, 4})))
    section.panels.append(
        Panel(_("The amount"), (_("Step"), _("How"), _("Amount")), _steps_of_amount(price), right=frozenset({2}))
    )
    if price["basis"] == Basis.USED:
        section.notes.append(
            _("The price list was changed since: computed with it as it was when the rate that was used was its last.")
        )
    section.warnings += [_("Differs: %(what)s") % {"what": each} for each in price["differences"]]


def _of_tariff(each: Json) -> str:
    return f"{each['tariff']} ({_('surcharge')})" if each["is_additive"] else str(each["tariff"])


def _steps(rate: Json) -> str:
    texts = [
        _("from %(start)s: %(price)s per %(per)s by %(increment)s")
        % {"start": each["from"], "price": money(each["price"], ""), "per": each["per"], "increment": each["increment"]}
        for each in rate["steps"]
    ]
    return "; ".join([*texts, *([_("blocked")] if rate["is_blocked"] else [])])


def _steps_of_amount(price: Json) -> list[tuple[Any, ...]]:
    currency = price["tariff_currency"]
    rows: list[tuple[Any, ...]] = []
    if price["outcome"] != "rated":
        rows.append((_("No amount"), price["outcome"], "–"))
    rows += [(_("Setup fee"), _of_tariff(each), money(each["amount"], currency)) for each in price["fees"]]
    if price["waived"]:
        rows.append((_("Grace"), _("below %(grace)s units nothing is charged") % {"grace": price["grace"]}, "–"))
    if rounding := price["rounding"]:
        rows.append(
            (_("Sum"), _("%(billed)s units billed") % {"billed": price["billed"]}, money(price["sum"], currency))
        )
        how = _("%(mode)s at %(decimals)s decimals") % rounding
        rows.append((_("Rounded"), how, money(price["rounded"], currency)))
    if price["is_capped"]:
        rows.append((_("Maximum"), _("the rate's maximum cost"), money(price["max_cost"], currency)))
    for title, conversion in (
        (_("In the account's currency"), price["to_account"]),
        (_("In the operator's currency"), price["to_base"]),
    ):
        if conversion is not None:
            how = _("%(before)s × %(rate)s of %(day)s") % {
                "before": money(conversion["before"], conversion["from"]),
                "rate": money(conversion["rate"], ""),
                "day": conversion["published_on"] or "–",
            }
            rows.append((title, how, money(conversion["after"], conversion["to"])))
    if price["amount"] is not None:
        rows.append((_("Amount"), _("what is charged"), money(price["amount"], price["currency"])))
    return rows


def _booked(section: Section, booked: Json) -> None:
    rollup, entry, invoice = booked["rollup"], booked["entry"], booked["invoice"]
    rows: list[tuple[Any, ...]] = []
    if rollup is not None:
        what = _("sum of %(attempts)s attempts of %(day)s") % rollup
        rows.append((_("Sum"), what, money(rollup["amount"], rollup["currency"])))
    if entry is not None:
        rows += [
            (_("Ledger, %(day)s") % {"day": entry["booked_on"]}, each["account"], money(each["amount"], ""))
            for each in entry["postings"]
        ]
    if invoice is not None:
        what = _("%(number)s of %(issued_on)s") % invoice
        rows.append((_("Invoice"), what, ""))
    empty = _("Nothing is booked for it.")
    section.panels.append(
        Panel(_("Where the money went"), (_("Where"), _("What"), _("Amount")), rows, empty=empty, right=frozenset({2}))
    )


def _rules(said: Json) -> Section:
    rules = said["rules"]
    section = Section(_("Traffic rules before identification"))
    section.facts.append((_("Rules that fitted"), ", ".join(rules["fitted"]) or _("none")))
    if rules["tech_prefix"]:
        section.facts.append((_("Tech prefix cut off"), rules["tech_prefix"]))
    looked = rule_rows([*rules["before_identification"], *rules["once_more"]], "before_identification")
    if looked:
        section.panels.append(Panel(_("Looked at"), (_("Stage"), _("Rule"), _("What became of it")), looked))
    if rules["is_other"]:
        text = _(
            "The traffic rules were changed since; those of now would be: %(rules)s. The tags and numbers that were used count."
        )
        section.notes.append(text % {"rules": ", ".join(rules["fit_now"]) or _("none")})
    return section


def _came_in(said: Json) -> Section:
    came = said["came_in"]
    section = Section(_("What came in"))
    section.facts = [
        (_("File"), _("%(file)s, line %(line)s") % came),
        (_("Switch"), said["switch"]),
        (_("Received"), _moment(came["received_at"])),
        (_("Posted"), _moment(came["posted_at"])),
        (_("Key"), said["key"] or "–"),
    ]
    if came["raw"] is not None:
        section.facts.append((_("Raw line"), came["raw"]))
    section.facts += [
        (name.replace("_", " "), value)
        for name, value in said["fields"].items()
        if value not in (None, "") and name not in _QUIET
    ]
    return section
