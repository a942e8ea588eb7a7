"""Names for the actors of scopes and histories: `user:7` is a colleague, `key:3` a program, `cli:root` the command line."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from trunkline.identity.models import ApiKey, Membership, StaffSession, User


def name_actors(actors: Iterable[str]) -> dict[str, str]:
    """Each actor in words, by the text of the actor. Needs an open scope; one query for each kind there is."""
    parts = {actor: actor.partition(":") for actor in actors if actor}
    ids: dict[str, set[int]] = {}
    for kind, _colon, number in parts.values():
        if number.isdecimal():
            ids.setdefault(kind, set()).add(int(number))
    people: dict[int, str] = {}
    if users := ids.get("user"):
        people = {each.user_id: str(each) for each in Membership.objects.filter(user__in=users).select_related("user")}
    keys = dict(ApiKey.objects.filter(pk__in=ids["key"]).values_list("pk", "name")) if ids.get("key") else {}
    visits: dict[int, StaffSession] = {}
    if sessions := ids.get("staff_session"):
        visits = {each.pk: each for each in StaffSession.objects.filter(pk__in=sessions).select_related("user")}
    runners: dict[int, str] = {}
    if platform := ids.get("platform"):
        runners = {each.pk: str(each) for each in User.objects.filter(pk__in=platform)}
    named = {}
    for actor, (kind, _colon, rest) in parts.items():
        row = int(rest) if rest.isdecimal() else -1
        if kind == "user":
            named[actor] = people.get(row, _("a former colleague"))
        elif kind == "key":
            named[actor] = _("API key %(name)s") % {"name": keys.get(row, rest)}
        elif kind == "staff_session" and row in visits:
            visit = visits[row]
            named[actor] = _("%(person)s of the platform: %(reason)s") % {"person": visit.user, "reason": visit.reason}
        elif kind == "platform":
            named[actor] = _("%(person)s of the platform") % {"person": runners.get(row, rest)}
        elif kind == "cli":
            named[actor] = _("Command line (%(login)s)") % {"login": rest}
        elif kind == "system":
            named[actor] = _("Trunkline itself")
        else:
            named[actor] = actor
    return named
