"""The forms of a mailbox and of its rules. The password can be given and never be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.fields import AmountField, InstantField, WordsField
from trunkline.backoffice.forms import ActionForm, StaffForm, set_zone
from trunkline.core.period import get_zone
from trunkline.kit.secrets import Secret
from trunkline.pricing.choices import RuleAction
from trunkline.pricing.mailbox.queries import mailboxes
from trunkline.pricing.models import Mailbox, MailRule
from trunkline.pricing.queries import templates
from trunkline.tenancy.queries import current_tenant

OF_SERVER: Final = ("host", "port", "login", "new_password", "pin", "folder")
WHEN: Final = ("every_min", "taken_from")
WHOSE: Final = ("mailbox", "name", "position", "senders", "subject", "attachment")
WHAT: Final = ("action", "template")
LIMITS: Final = ("applies_itself", "limit_cost", "limit_increases", "limit_closed", "limit_drop")


class MailboxForm(ActionForm):
    """A mailbox. Its name is said once: lists and alarms have it."""

    field_of: ClassVar[Mapping[str, str]] = {
        "bad_name": "name",
        "mailbox_address": "host",
        "mailbox_exists": "name",
        "mailbox_folder": "folder",
        "mailbox_login": "new_password",
        "mailbox_schedule": "every_min",
        "source_pin": "pin",
    }

    new_password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("It is sealed and never shown again. Empty: the one that is kept stays."),
    )
    taken_from = InstantField(
        label=_("Mails since"),
        required=False,
        help_text=_("Mails that came earlier are left alone. Empty for a new mailbox: a week ago."),
    )

    class Meta:
        model = Mailbox
        fields = ("name", "host", "port", "login", "pin", "folder", "every_min", "taken_from")
        labels: ClassVar[dict[str, Any]] = {
            "host": _("Server"),
            "login": _("User"),
            "pin": _("Fingerprint"),
            "every_min": _("Every so many minutes"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "name": _("By which it is found in lists, such as Rates desk. It never changes."),
            "host": _("Name or address alone, such as imap.example.net. Another server must be trusted anew."),
            "port": _("993 as a rule: TLS from the first octet."),
            "login": _("User on the server."),
            "pin": _("Of its certificate, if no authority has signed it. Empty: authorities vouch for it, or look at it and trust it on the mailbox's page."),
            "folder": _("Folder of the mailbox; INBOX as a rule. Nothing is changed in it: no mail is marked, moved or removed."),
            "every_min": _("From one look to the next."),
        }  # fmt: skip

    def prepare(self) -> None:
        set_zone(self, get_zone(current_tenant().timezone), "taken_from")
        if "new_password" in self.fields:
            self.fields["new_password"].required = self.instance.pk is None

    def given(self, *, changed_only: bool) -> dict[str, Any]:
        """As the actions want it: the password as a secret, no empty instant."""
        data = super().given(changed_only=changed_only)
        if password := data.pop("new_password", ""):
            data["password"] = Secret(password)
        if data.get("taken_from") is None:
            data.pop("taken_from", None)
        return data


class MailRuleForm(ActionForm):
    """A rule. Its mailbox is said once."""

    field_of: ClassVar[Mapping[str, str]] = {
        "bad_name": "name",
        "bad_subject": "subject",
        "exists": "name",
        "rule_attachment": "attachment",
        "rule_limits": "limit_cost",
        "rule_senders": "senders",
        "rule_template": "template",
    }

    senders = WordsField(
        label=_("Senders"),
        help_text=_("Whose mails: addresses, @vendor.example for all of a domain, or * for everybody, with commas between. A sender is what the mail claims."),
    )  # fmt: skip
    limit_cost = AmountField(
        label=_("Most that it may cost more a month"),
        required=False,
        help_text=_(
            "In the tariff's currency, by the traffic of the last 30 days; 0 lets through only what costs no more."
        ),
    )

    class Meta:
        model = MailRule
        fields = (*WHOSE, *WHAT, *LIMITS)
        labels: ClassVar[dict[str, Any]] = {
            "attachment": _("Files"),
            "action": _("What becomes of such mails"),
            "applies_itself": _("Apply without a person"),
            "limit_increases": _("Most lines that go up, percent"),
            "limit_closed": _("Most codes that close"),
            "limit_drop": _("Percent fewer lines than the sheet before"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "mailbox": _("Whose mails the rule is for. It never changes."),
            "name": _("What the rule is called, as the vendor."),
            "position": _("Rules are tried in this order, and the first that fits decides. Empty: behind the others."),
            "subject": _("A regular expression that is found in the subject, such as rate (change|update). Empty: any subject."),
            "attachment": _("Names of the files to take, such as *.xlsx; * takes every sheet that hangs on the mail."),
            "action": _("Compare their sheets by a template, or ignore such mails, as newsletters."),
            "template": _("The vendor's: tariff, layout, scope, agreement and checks."),
            "applies_itself": _("A sheet within the limits is applied at once; any other waits. Errors in rows, and whatever a check has found, always want a person."),
            "limit_increases": _("Empty: any share."),
            "limit_closed": _("Empty: any number."),
            "limit_drop": _("After the sheet by this template that was applied last. Empty: any; the first sheet always waits where it is given."),
        }  # fmt: skip

    def prepare(self) -> None:
        if "mailbox" in self.fields:
            self.fields["mailbox"].queryset = mailboxes()  # type: ignore[attr-defined]
            self.initial.setdefault("mailbox", self.request.GET.get("mailbox") or None)
        if "template" in self.fields:
            self.fields["template"].queryset = templates()  # type: ignore[attr-defined]
        for name in ("template", "position", "limit_increases", "limit_closed", "limit_drop"):
            if name in self.fields:
                self.fields[name].required = False

    def given(self, *, changed_only: bool) -> dict[str, Any]:
        """As the actions want it: a template by its id, none of a rule that ignores, no empty position."""
        data = super().given(changed_only=changed_only)
        if "template" in data:
            data["template_id"] = getattr(data.pop("template"), "pk", None)
        if data.get("action") == RuleAction.IGNORE:
            data |= {"template_id": None, "applies_itself": False}
        if data.get("position") is None:
            data.pop("position", None)
        return data


class TrustMailboxForm(StaffForm):
    """The fingerprint that was shown, and is trusted by sending the form once more."""

    pin = forms.CharField(
        required=False, max_length=200, widget=forms.HiddenInput, help_text=_("What the server has shown.")
    )
