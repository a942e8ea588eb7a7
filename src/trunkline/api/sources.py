"""Sources: where usage files are fetched from, how each is doing, and what was seen there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Query, Router
from ninja.responses import Status
from pydantic import AfterValidator, Field, StringConstraints

from trunkline.api import listing
from trunkline.api.auth import ApiKey, begin
from trunkline.api.shapes import Body, Id, answers, page_of
from trunkline.api.versions import etag, require_match
from trunkline.core.errors import Conflict, Invalid
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit import jobs
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.secrets import Secret
from trunkline.tenancy.scope import scope
from trunkline.usage.models import Alarm, Receipt, Source
from trunkline.usage.queries import access_switch
from trunkline.usage.sources import actions
from trunkline.usage.sources.choices import PULL, AfterSuccess, AlarmKind, ReceiptState, SourceKind
from trunkline.usage.sources.peers import shown_pin
from trunkline.usage.sources.queries import Shown, access_source_by_id, alarms, receipts, sources, with_state

router = Router(tags=["sources"])

# Folders of the machine are for whoever runs it: a path of one would let a tenant read what is another's.
REMOTE: Final = (SourceKind.SFTP, SourceKind.FTPS, SourceKind.IMAP)
SECRETS: Final = ("password", "private_key")
PORT_MAX: Final = 65_535
MINUTES_MAX: Final = 366 * 24 * 60

Host = Annotated[str, Field(min_length=1, max_length=253, description="Name or address of the server.")]
Port = Annotated[int, Field(ge=1, le=PORT_MAX, description="22 for SFTP, 21 for FTPS, 993 for mail if left out.")]
Login = Annotated[str, Field(min_length=1, max_length=200, description="User on the server.")]
# Blanks at its ends are part of a password.
Hidden = Annotated[
    str,
    StringConstraints(max_length=20_000, strip_whitespace=False),
    AfterValidator(Secret),
    Field(json_schema_extra={"writeOnly": True, "format": "password"}),
]
Minutes = Annotated[int, Field(ge=1, le=MINUTES_MAX)]
Pin = Annotated[
    str,
    Field(
        max_length=200,
        description="Fingerprint of the host key or certificate that is trusted, and of no other.",
        examples=["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"],
    ),
]
Pattern = Annotated[
    str, Field(min_length=1, max_length=100, description="Names of the files to take.", examples=["CDR_*.csv.gz"])
]
Senders = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=320)]],
    Field(max_length=200, description="Of mail: whose is taken. An address, `@domain`, or `*` for everybody's."),
]
Folder = Annotated[str, Field(max_length=500)]
Cron = Annotated[str, Field(max_length=100, description="When it is looked into: five fields, UTC.")]
Rest = Annotated[int, Field(ge=0, le=2**31 - 1, description="Seconds for which a file must not have changed.")]
Octets = Annotated[int, Field(ge=1, le=2**63 - 1, description="Larger files are refused.")]


class NewSource(Body):
    """A source to be made. Without `every_min` and `cron` it is looked into every five minutes."""

    name: str = Field(min_length=1, max_length=60)
    switch: str = Field(min_length=1, max_length=60, description="Name of the switch that wrote the files.")
    kind: SourceKind = Field(description="sftp, ftps or imap. Folders of the machine are made by whoever runs it.")
    host: Host
    port: Port | None = None
    login: Login
    password: Hidden | None = Field(default=None, description="Never shown again.")
    private_key: Hidden | None = Field(default=None, description="Of SFTP, without passphrase. Never shown.")
    pin: Pin = ""
    path: Folder = Field(default="", description="Folder; of mail the mailbox. Empty: where one is after the login.")
    pattern: Pattern = "*"
    senders: Senders = Field(default_factory=list)
    every_min: Minutes | None = Field(default=None, description="Minutes from one look to the next.")
    cron: Cron = ""
    rest_s: Rest = 60
    limit_octets: Octets = 4 << 30
    after: AfterSuccess = Field(default=AfterSuccess.LEAVE, description="What becomes of a file once it is posted.")
    archive: Folder = Field(default="", description="Folder or mailbox that finished files move to.")
    expected_min: Minutes | None = Field(default=None, description="Alarm after so long without a new file.")
    has_recurring_names: bool = Field(default=False, description="The same name comes again with other content.")


class SourceChange(Body):
    """What of a source is changed; what is left out stays, as do name, kind and switch. An empty secret takes the old one away.

    Another host or port must be trusted anew. Of a folder of the machine only `pattern`, `expected_min` and `has_recurring_names` can be given.
    """

    host: Host | None = None
    port: Port | None = None
    login: Login | None = None
    password: Hidden | None = None
    private_key: Hidden | None = None
    pin: Pin | None = None
    path: Folder | None = None
    pattern: Pattern | None = None
    senders: Senders | None = None
    every_min: Minutes | None = None
    cron: Cron | None = None
    rest_s: Rest | None = None
    limit_octets: Octets | None = None
    after: AfterSuccess | None = None
    archive: Folder | None = None
    expected_min: Minutes | None = Field(default=None, description="Null: nothing is expected.")
    has_recurring_names: bool | None = None


class FeedShown(Body):
    """How a source has been doing."""

    next_at: datetime = Field(description="When it is looked into next.")
    looked_at: datetime | None
    succeeded_at: datetime | None = Field(description="When a look came to its end without an error.")
    new_at: datetime | None = Field(description="When a file came that had not been there before.")
    failures: int = Field(description="Looks in a row that failed.")
    failure: str = Field(description="Stable code of the last failure.")
    failure_detail: str


class AlarmShown(Body):
    """Something that is, or was, wrong with a source; it is cleared by itself when it is over."""

    id: int
    source_id: UUID
    source: str
    kind: AlarmKind
    detail: str
    count: int
    raised_at: datetime
    last_at: datetime
    cleared_at: datetime | None


class SourceShown(Body):
    """Where the files of a switch come from. Its secrets are never shown, only whether there are any."""

    UNVERSIONED: ClassVar = frozenset({"feed", "alarms"})  # they change with every look

    id: UUID
    name: str
    switch_id: UUID
    switch: str
    kind: SourceKind
    host: str
    port: int
    login: str
    has_password: bool
    has_private_key: bool
    secrets_changed_at: datetime | None
    pin: str
    path: str
    pattern: str
    senders: list[str]
    every_min: int | None
    cron: str
    rest_s: int
    limit_octets: int
    after: AfterSuccess
    archive: str
    expected_min: int | None
    has_recurring_names: bool
    is_active: bool
    active_since: datetime
    feed: FeedShown
    alarms: list[AlarmShown] = Field(description="What is wrong now, the oldest first.")


class SourceFile(Body):
    """A file as it was at its source. One that was changed there is another."""

    id: int
    name: str
    locator: str = Field(description="Path on the server; of mail UIDVALIDITY/UID/number of the attachment.")
    octets: int
    modified_at: datetime | None
    state: ReceiptState
    detail: str
    batch_id: UUID | None
    first_seen_at: datetime
    taken_at: datetime | None
    settled_at: datetime | None


class Fingerprint(Body):
    """What a server shows of itself before anybody logs in."""

    pin: str = Field(description="Compare it with what its operator says, then have it trusted.")
    trusted: str = Field(description="What is trusted so far; empty: nothing.")
    is_trusted: bool


class Trust(Body):
    """The fingerprint that is trusted from now on, and no other."""

    pin: Annotated[Pin, Field(min_length=1)]


def alarm_shown(alarm: Alarm) -> AlarmShown:
    """An alarm as the API shows it."""
    return AlarmShown(
        source_id=alarm.source.public_id,
        source=alarm.source.name,
        kind=AlarmKind(alarm.kind),
        **{name: getattr(alarm, name) for name in ("id", "detail", "count", "raised_at", "last_at", "cleared_at")},
    )


def shown(each: Shown) -> SourceShown:
    """A source as the API shows it."""
    source = each.source
    own = SourceShown.model_fields.keys() & {field.name for field in Source._meta.fields}
    plain = {name: getattr(source, name) for name in own - {"id", "switch"}}
    return SourceShown(
        **plain,
        id=source.public_id,
        switch_id=source.switch.public_id,
        switch=source.switch.name,
        has_password=bool(source.password),
        has_private_key=bool(source.private_key),
        feed=FeedShown(**{name: getattr(each.feed, name) for name in FeedShown.model_fields}),
        alarms=[alarm_shown(alarm) for alarm in each.alarms],
    )


def file_shown(receipt: Receipt) -> SourceFile:
    """A file of a source as the API shows it."""
    own = set(SourceFile.model_fields) - {"state", "batch_id"}
    return SourceFile(
        **{name: getattr(receipt, name) for name in own},
        state=ReceiptState(receipt.state),
        batch_id=receipt.batch and receipt.batch.public_id,
    )


def _page(rows: Sequence[Source], _: Mapping[str, Any]) -> Iterable[SourceShown]:
    return map(shown, with_state(rows))


SOURCES: Final = listing.Listing(
    schema=SourceShown,
    page=_page,
    sorts={"name": "name"},
    filters={
        "name": listing.text("name", prefix=True),
        "switch": listing.text("switch__name"),
        "switch_id": listing.public_id("switch__public_id"),
        "kind": listing.choice("kind", SourceKind),
        "is_active": listing.boolean("is_active"),
        "host": listing.text("host"),
    },
)
FILES: Final = listing.Listing(
    schema=SourceFile,
    row=file_shown,
    sorts={"first_seen_at": "first_seen_at", "name": "name"},
    default="-first_seen_at",
    filters={
        "state": listing.choice("state", ReceiptState),
        "name": listing.text("name", prefix=True),
        "batch_id": listing.public_id("batch__public_id"),
        "first_seen_at": listing.instant("first_seen_at"),
    },
)
ALARMS: Final = listing.Listing(
    schema=AlarmShown,
    row=alarm_shown,
    sorts={"raised_at": "raised_at", "id": "id"},
    default="-raised_at",
    filters={
        "source_id": listing.public_id("source__public_id"),
        "source": listing.text("source__name"),
        "kind": listing.choice("kind", AlarmKind),
        "is_open": listing.is_null("cleared_at", "Only what is wrong now; false: only what is over."),
        "raised_at": listing.instant("raised_at"),
    },
)


@router.get(
    "",
    auth=ApiKey(Permission.SOURCES_READ),
    response=answers(page_of(SourceShown)),
    openapi_extra={"parameters": SOURCES.parameters},
)
def list_sources(request: HttpRequest) -> JsonResponse:
    """List the sources and how each is doing."""
    return SOURCES.answer(request, sources())


@router.post("", auth=ApiKey(Permission.SOURCES_WRITE), response=answers(SourceShown, 404, 409, status=201))
def create_source(request: HttpRequest, response: HttpResponse, source: NewSource) -> Status[Any]:
    """Make a source; a worker looks into it from now on. SFTP needs its host key trusted first: `pin`, or the operation `trust_source`."""
    if source.kind not in REMOTE:
        raise _of_the_machine()
    given = source.model_dump(exclude={"switch", *SECRETS}) | _secrets(source)
    made = actions.add_source(switch=access_switch(source.switch), **given, at=now())
    response["Location"] = f"{request.path}/{made.public_id}"
    return Status(201, _show(response, str(made.public_id)))


@router.get(
    "/alarms",
    auth=ApiKey(Permission.SOURCES_READ),
    response=answers(page_of(AlarmShown)),
    openapi_extra={"parameters": ALARMS.parameters},
)
def list_source_alarms(request: HttpRequest) -> JsonResponse:
    """List what is or was wrong with sources, the newest first."""
    return ALARMS.answer(request, alarms())


@router.get("/{source_id}", auth=ApiKey(Permission.SOURCES_READ), response=answers(SourceShown, 404))
def get_source(request: HttpRequest, response: HttpResponse, source_id: Id) -> Any:
    """A source, how it is doing, and what is wrong with it. Its `ETag` is of what people say of it, not of how it is doing."""
    return _show(response, source_id)


@router.patch("/{source_id}", auth=ApiKey(Permission.SOURCES_WRITE), response=answers(SourceShown, 404, 412))
def change_source(request: HttpRequest, response: HttpResponse, source_id: Id, change: SourceChange) -> Any:
    """Change a source. The next look is due at once."""
    source = _locked(request, source_id)
    given = change.model_dump(exclude_unset=True, exclude=set(SECRETS))
    given = {name: value for name, value in given.items() if value is not None or name == "expected_min"}
    if source.kind == SourceKind.FOLDER and "path" in given:
        raise _of_the_machine()
    actions.change_source(source_id=source.pk, **given, **_secrets(change), at=now())
    return _show(response, source_id)


@router.delete("/{source_id}", auth=ApiKey(Permission.SOURCES_WRITE), response=answers(None, 404, 412, status=204))
def remove_source(request: HttpRequest, source_id: Id) -> Status[None]:
    """Forget a source and its secrets. What came from it stays, and so do the files on the server."""
    actions.remove_source(source_id=_locked(request, source_id).pk)
    return Status(204, None)


@router.post("/{source_id}/pause", auth=ApiKey(Permission.SOURCES_WRITE), response=answers(SourceShown, 404, 412))
def pause_source(request: HttpRequest, response: HttpResponse, source_id: Id) -> Any:
    """Look into a source no more until it is resumed; its alarms are closed."""
    actions.pause_source(source_id=_locked(request, source_id).pk, at=now())
    return _show(response, source_id)


@router.post("/{source_id}/resume", auth=ApiKey(Permission.SOURCES_WRITE), response=answers(SourceShown, 404, 412))
def resume_source(request: HttpRequest, response: HttpResponse, source_id: Id) -> Any:
    """Look into a paused source again; the next look is due at once."""
    actions.resume_source(source_id=_locked(request, source_id).pk, at=now())
    return _show(response, source_id)


@router.post(
    "/{source_id}/fingerprint",
    auth=ApiKey(Permission.SOURCES_WRITE, spools=True),
    response=answers(Fingerprint, 404),
)
def ask_fingerprint(request: HttpRequest, source_id: Id) -> Any:
    """Ask the server of a source for its host key or certificate now. Nobody logs in, and nothing is trusted by it."""
    principal = principal_of(request)
    with scope(principal.tenant_id, principal.actor):
        source = access_source_by_id(source_id)
    if source.kind == SourceKind.FOLDER:
        raise _no_server()
    pin = shown_pin(source.kind, source.host, source.port)
    begin(request)
    return Fingerprint(pin=pin, trusted=source.pin, is_trusted=pin == source.pin)


@router.post("/{source_id}/trust", auth=ApiKey(Permission.SOURCES_WRITE), response=answers(SourceShown, 404, 412))
def trust_source(request: HttpRequest, response: HttpResponse, source_id: Id, trust: Trust) -> Any:
    """Trust the host key or certificate of that fingerprint, and no other. The next look is due at once."""
    source = _locked(request, source_id)
    if source.kind == SourceKind.FOLDER:
        raise _no_server()
    actions.trust(source_id=source.pk, pin=trust.pin, at=now())
    return _show(response, source_id)


@router.post(
    "/{source_id}/pull", auth=ApiKey(Permission.SOURCES_PULL), response=answers(SourceShown, 404, 409, status=202)
)
def pull_source(
    request: HttpRequest,
    response: HttpResponse,
    source_id: Id,
    again: Annotated[bool, Query(description="Fetch the files anew that were refused.")] = False,
) -> Status[Any]:
    """Have a worker look into a source at once. What it found is polled: `feed.looked_at`, and the files of the source."""
    principal = principal_of(request)
    source = access_source_by_id(source_id)
    if source.kind == SourceKind.FOLDER:
        raise Invalid("source_option", "A folder of the machine is looked into all the time.")
    if not source.is_active:
        raise Conflict("source_paused", "The source is paused.", hint="Resume it.")
    if again:
        actions.try_again(source_id=source.pk)
    jobs.defer(PULL, key=str(source.pk), tenant_id=principal.tenant_id, source_id=source.pk)
    return Status(202, _show(response, source_id))


@router.get(
    "/{source_id}/files",
    auth=ApiKey(Permission.SOURCES_READ),
    response=answers(page_of(SourceFile), 404),
    openapi_extra={"parameters": FILES.parameters},
)
def list_source_files(request: HttpRequest, source_id: Id) -> JsonResponse:
    """List the files that were seen at a source, the newest first."""
    return FILES.answer(request, receipts(access_source_by_id(source_id)))


def _of_the_machine() -> Invalid:
    return Invalid("source_kind", "Folders of the machine are chosen by whoever runs it.")


def _no_server() -> Invalid:
    return Invalid("source_option", "A folder of the machine has no host key and no certificate.")


def _secrets(given: NewSource | SourceChange) -> dict[str, Any]:
    """The secrets of a request, as the actions want them."""
    found = {name: each for name in SECRETS if (each := getattr(given, name)) is not None}
    if found.get("private_key"):
        from trunkline.usage.sources.sftp import normal_key  # loads what speaks SSH

        # Without a passphrase: to unlock a key takes as long as the key itself says.
        found["private_key"] = normal_key(found["private_key"])
    return found


def _show(response: HttpResponse, source_id: str) -> SourceShown:
    found = shown(with_state([access_source_by_id(source_id)])[0])
    response["ETag"] = etag(found)
    return found


def _locked(request: HttpRequest, source_id: str) -> Source:
    """The source, held until the request ends, if it is still as the request has seen it."""
    lock_rows(Source.objects.all(), [access_source_by_id(source_id).pk])
    source = access_source_by_id(source_id)
    require_match(request, shown(with_state([source])[0]))
    return source
