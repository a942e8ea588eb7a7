"""What stands above every page: that one is a guest here, and that nothing new is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from trunkline.backoffice.words import local
from trunkline.identity.principal import Principal, PrincipalKind
from trunkline.identity.queries import staff_sessions


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence above the page. `end` is an address that a button posts to."""

    text: Any
    kind: str
    icon: str
    end: str = ""
    end_text: Any = ""


def notices(request: HttpRequest) -> list[Notice]:
    """The notices of whoever asks; none before somebody works for an operator."""
    principal: Principal | None = getattr(request, "principal", None)
    if principal is None:
        return []
    found = []
    if principal.kind is PrincipalKind.STAFF_SESSION:
        session = staff_sessions().get(pk=principal.id)
        said = {"until": local(session.until, seconds=False), "reason": session.reason}
        text = _("Staff session until %(until)s: %(reason)s. The operator sees it.") % said
        found.append(Notice(text, "session", "visibility", reverse("leave_tenant"), _("End it now")))
    told = principal.withheld_by
    if told is not None and told.code == "trial_ended":
        text = _("The trial ended with %(day)s. You can read and export everything; nothing new is taken.")
        found.append(Notice(text % {"day": told.context["last_day"]}, "stopped", "hourglass_disabled"))
    elif told is not None:
        text = _("This operator is suspended. You can read and export everything; nothing new is taken.")
        found.append(Notice(text, "stopped", "pause_circle"))
    return found
