"""The form of a source: what is asked of each kind. Secrets can be given and never be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from trunkline.backoffice.fields import WordsField
from trunkline.backoffice.forms import ActionForm, StaffForm
from trunkline.core.errors import Invalid
from trunkline.kit.secrets import Secret
from trunkline.tenancy.queries import current_tenant
from trunkline.usage.models import Source
from trunkline.usage.sources.choices import SourceKind
from trunkline.usage.sources.rules import incoming_folder, require_own_folder

WHOSE: Final = ("kind", "name", "switch")
OF_SERVER: Final = ("host", "port", "login", "new_password")
KEY: Final = ("new_key", "passphrase")
WHERE: Final = ("path", "pattern")
WHEN: Final = ("every_min", "cron", "rest_s", "limit_mib")
AFTER: Final = ("after", "archive")
EXPECTED: Final = ("expected_min", "has_recurring_names")
SECRETS: Final = frozenset({"new_password", *KEY})


def fieldsets_of(kind: str, *, with_secrets: bool, shown: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """The fields of a kind of source in their groups; `shown` are those of the login that are only shown."""
    if kind == SourceKind.FOLDER:
        groups: list[tuple[Any, tuple[str, ...]]] = [
            (None, WHOSE),
            (_("Where"), WHERE),
            (_("What is expected"), EXPECTED),
        ]
    else:
        login = (*OF_SERVER, *(KEY if kind == SourceKind.SFTP else ()), *shown, "pin")
        senders = ("senders",) if kind == SourceKind.IMAP else ()
        groups = [
            (None, WHOSE),
            (_("Server"), login if with_secrets else tuple(name for name in login if name not in SECRETS)),
            (_("Where"), (*WHERE, *senders)),
            (_("When"), WHEN),
            (_("Afterwards"), AFTER),
            (_("What is expected"), EXPECTED),
        ]
    return tuple((title, {"fields": fields}) for title, fields in groups)


class SourceForm(ActionForm):
    """A source. Name, switch and kind are said once: the files that were seen belong to them."""

    field_of: ClassVar[Mapping[str, str]] = {
        "source_address": "host",
        "source_after": "after",
        "source_exists": "name",
        "source_folder": "path",
        "source_key": "new_key",
        "source_kind": "kind",
        "source_limit": "limit_mib",
        "source_login": "new_password",
        "source_name": "name",
        "source_path": "path",
        "source_pattern": "pattern",
        "source_pin": "pin",
        "source_schedule": "every_min",
        "source_senders": "senders",
        "watch_folder": "path",
        "watch_pattern": "pattern",
    }

    new_password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("It is sealed and never shown again. Empty: the one that is kept, if any, stays."),
    )
    new_key = forms.CharField(
        label=_("Private key"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("In place of a password, as a file of OpenSSH holds it. It is sealed and never shown again."),
    )
    passphrase = forms.CharField(
        label=_("Passphrase"),
        required=False,
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Of the private key, if it has one. It is used once and not kept."),
    )
    limit_mib = forms.IntegerField(
        label=_("Largest file, MiB"),
        min_value=1,
        max_value=1 << 20,
        initial=4096,
        help_text=_("Larger files are refused."),
    )
    senders = WordsField(
        label=_("Senders"),
        required=False,
        help_text=_(
            "Whose mails are taken: addresses, @example.net for all of a domain, or * for everybody, with commas between."
        ),
    )

    class Meta:
        model = Source
        fields = (*WHOSE, "host", "port", "login", "pin", *WHERE, "every_min", "cron", "rest_s", *AFTER, *EXPECTED)
        labels: ClassVar[dict[str, Any]] = {
            "host": _("Server"),
            "login": _("User"),
            "pin": _("Fingerprint"),
            "path": _("Folder"),
            "every_min": _("Every so many minutes"),
            "cron": _("Or at these times"),
            "rest_s": _("Seconds at rest"),
            "after": _("After success"),
            "archive": _("Archive"),
            "expected_min": _("A new file within so many minutes"),
            "has_recurring_names": _("Names come again"),
        }
        help_texts: ClassVar[dict[str, Any]] = {
            "name": _("By which it is found in lists and alarms, such as Nairobi MSC. It never changes."),
            "switch": _("The switch that wrote the files: it says their format. It never changes."),
            "kind": _("How the files are reached; the form asks for what that needs. It never changes."),
            "host": _("Name or address alone, such as sftp.example.net. Another server must be trusted anew."),
            "port": _("Empty: 22 for SFTP, 21 for FTPS, 993 for mail."),
            "login": _("User on the server."),
            "pin": _("Of its host key or certificate, if its operator told you. Empty: look at it and trust it on the source's page."),
            "path": _("Folder on the server; for mail the mailbox. Empty: where one lands, or INBOX."),
            "pattern": _("Names of the files to take, such as CDR_*.csv.gz; a star stands for anything."),
            "every_min": _("From one look to the next. Empty, and no times either: every five minutes."),
            "cron": _("Five fields in UTC, minute hour day month weekday: 15 3 * * * is a quarter past three every day."),
            "rest_s": _("For so long a file must not have changed before it is taken, so that none is taken half written."),
            "after": _("What becomes of a file over there once its records are posted."),
            "archive": _("Folder or mailbox that archived files are moved to. Empty: done."),
            "expected_min": _("An alarm is raised where none came for so long. Empty: nothing is expected."),
            "has_recurring_names": _("The same name may come with other content, as of a log that grows. Otherwise that raises an alarm."),
        }  # fmt: skip

    def prepare(self) -> None:
        for name in ("port", "path", "every_min", "cron", "archive", "expected_min", "pin", "login", "host"):
            if name in self.fields:
                self.fields[name].required = False
        kind = self.instance.kind or self._kind()
        asked = {name for _title, said in fieldsets_of(kind, with_secrets=True) for name in said["fields"]}
        for name in set(self.fields) - asked:
            del self.fields[name]
        if "port" in self.fields and not self.instance.pk:
            self.initial["port"] = None
        if kind == SourceKind.FOLDER and "path" in self.fields:
            own = incoming_folder(current_tenant().slug)
            self.fields["path"].required = True
            self.fields["path"].help_text = _("Folder of this machine, from the root; one that lies in %(own)s.") % {
                "own": own
            }
        if kind != SourceKind.FOLDER and "host" in self.fields:
            self.fields["host"].required = self.fields["login"].required = True
        if self.instance.pk is None:
            self.initial["kind"] = kind
            if "kind" in self.fields:
                self.fields["kind"].widget.attrs["data-asks"] = "kind"  # office.js asks for the form of the other kind
        elif "limit_mib" in self.fields:
            self.initial["limit_mib"] = self.instance.limit_octets >> 20

    def _kind(self) -> str:
        return kind_asked(self.request)

    def given(self, *, changed_only: bool) -> dict[str, Any]:
        """As the actions want it: secrets as such, octets, no fields that the kind has not. Raises Invalid `source_key`, `source_folder`."""
        data = super().given(changed_only=changed_only)
        if "limit_mib" in data:
            data["limit_octets"] = data.pop("limit_mib") << 20
        password, key, passphrase = (data.pop(name, "") for name in ("new_password", "new_key", "passphrase"))
        if password:
            data["password"] = Secret(password)
        if key:
            from trunkline.usage.sources.sftp import normal_key  # loads the library

            data["private_key"] = normal_key(Secret(key + "\n"), Secret(passphrase) if passphrase else None)
        if (self.instance.kind or data.get("kind")) == SourceKind.FOLDER and "path" in data:
            require_own_folder(data["path"], current_tenant().slug)
        if "port" in data and data["port"] is None:
            del data["port"]
        return data


def kind_asked(request: Any) -> str:
    """The kind of source that a form to add is for."""
    found = request.POST.get("kind") or request.GET.get("kind") or SourceKind.SFTP.value
    if found not in SourceKind.values:
        raise Invalid("source_kind", "There is no such kind of source.", hint="Choose one of the list.")
    return str(found)


class TrustForm(StaffForm):
    """The fingerprint that was shown, and is trusted by sending the form once more."""

    pin = forms.CharField(
        required=False, max_length=200, widget=forms.HiddenInput, help_text=_("What the server has shown.")
    )
