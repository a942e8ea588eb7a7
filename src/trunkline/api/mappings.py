"""Mappings: how files are read that no format of ours fits; and what a file would become, before anything of it is taken."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Annotated, Any, Final
from uuid import UUID

from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from ninja import Query, Router
from pydantic import Field

from trunkline.api import listing
from trunkline.api.auth import ApiKey
from trunkline.api.problems import FieldError, InvalidFields, too_large
from trunkline.api.shapes import Body, Id, answers, page_of
from trunkline.api.versions import require_match, show
from trunkline.core.errors import Invalid, NotFound
from trunkline.identity.permissions import Permission
from trunkline.identity.principal import principal_of
from trunkline.kit.clock import now
from trunkline.kit.db.locks import lock_rows
from trunkline.kit.scratch import scratch_path
from trunkline.tenancy.scope import scope
from trunkline.usage.actions import change_switch, profile_of
from trunkline.usage.decode import FORMATS, get_format
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.decode.mapping import (
    MAPPING_OCTETS_MAX,
    Description,
    check_mapping,
    parse_mapping,
    read_mapping_text,
)
from trunkline.usage.intake import require_usage
from trunkline.usage.models import Switch
from trunkline.usage.pin import rules_to_try
from trunkline.usage.queries import access_switch, access_switch_by_id, switches
from trunkline.usage.trial import as_json, try_file

router = Router(tags=["mappings"])
formats = Router(tags=["mappings"])

TRIED_OCTETS_MAX: Final = 8 << 20  # of the form; larger files are tried where they lie, on the command line
UNFOLDED_OCTETS_MAX: Final = 16 << 20
_JSON: Final = "application/json"
_LANGUAGES: Final = {
    _JSON: "mapping.json",
    "application/toml": "mapping.toml",
    "text/plain": "mapping.toml",
    "application/yaml": "mapping.yaml",
    "text/yaml": "mapping.yaml",
}
_TEXT: Final = {"schema": {"type": "string"}}
_MAPPING: Final = {
    "requestBody": {
        "required": True,
        "content": {_JSON: {"schema": {"type": "object"}}, "application/toml": _TEXT, "application/yaml": _TEXT},
    }
}
_BINARY: Final = {"type": "string", "format": "binary"}
_FORM: Final = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": _BINARY | {"description": "The usage file: plain, or packed by gzip or zip."},
        "mapping": _BINARY | {"description": "Read it by this mapping: TOML, or JSON or YAML by the end of its name."},
    },
}


class FormatShown(Body):
    """A format in which switches write their files."""

    name: str
    title: str
    version: int
    has_header: bool
    is_mapping: bool = Field(description="It is a mapping itself, to begin one of one's own with.")


class Formats(Body):
    """Every format that is known."""

    data: list[FormatShown]


class MappingShown(Body):
    """A mapping of one's own, which belongs to a switch (docs/formats/mapping.md)."""

    switch_id: UUID
    switch: str
    format: str
    name: str
    version: int
    title: str
    mapping: dict[str, Any]


class TriedMissing(Body):
    """Something that no record of the file says, and what follows from that."""

    code: str
    detail: str


class TriedCandidate(Body):
    """A format, and how much of the beginning of the file looks like it, 0 to 1."""

    format: str
    score: float


class TriedFile(Body):
    """What a file would become. rows_in = decoded + rejected + skipped. Nothing of it was taken."""

    file: str
    format: str | None
    version: int | None
    title: str
    rows_in: int
    decoded: int
    rejected: int
    skipped: int
    skip_reasons: dict[str, int]
    reject_reasons: dict[str, int]
    missing: list[TriedMissing]
    more_columns: list[str] = Field(description="Columns that are not read.")
    rows: list[dict[str, Any]] = Field(description="The first lines with their fate.")
    candidates: list[TriedCandidate] = Field(description="Where the format was recognised, the best first.")
    is_cut: bool = Field(description="Only the beginning of the file was looked at.")
    failure: str = Field(description="Stable code of what would fail the whole file; empty: nothing.")
    remark: str


def _has_own(rows: QuerySet[Switch]) -> QuerySet[Switch]:
    return rows.filter(options__has_key="mapping")


def shown(switch: Switch) -> MappingShown:
    """The mapping of a switch as the API shows it."""
    described = check_mapping(switch.options["mapping"], "mapping")
    return MappingShown(
        switch_id=switch.public_id,
        switch=switch.name,
        format=switch.format,
        name=described.name,
        version=described.version,
        title=described.title,
        mapping=switch.options["mapping"],
    )


MAPPINGS: Final = listing.Listing(
    schema=MappingShown,
    row=shown,
    sorts={"switch": "name"},
    filters={"switch": listing.text("name", prefix=True), "format": listing.text("format")},
)


@formats.get("", auth=ApiKey(Permission.SWITCHES_READ), response=answers(Formats))
def list_formats(request: HttpRequest) -> Any:
    """List the formats that switches can have."""
    listing.refuse_unknown(request, ())
    return Formats(
        data=[
            FormatShown(
                name=name,
                title=form.title,
                version=form.version,
                has_header=form.has_header,
                is_mapping=isinstance(form, Mapped),
            )
            for name, form in FORMATS.items()
        ]
    )


@router.get(
    "",
    auth=ApiKey(Permission.SWITCHES_READ),
    response=answers(page_of(MappingShown)),
    openapi_extra={"parameters": MAPPINGS.parameters},
)
def list_mappings(request: HttpRequest) -> JsonResponse:
    """List the mappings of the operator's own, by switch."""
    return MAPPINGS.answer(request, _has_own(switches()))


@router.post(
    "/try",
    auth=ApiKey(Permission.USAGE_LOAD, spools=True),
    response=answers(TriedFile, 400, 404, 411, 413, 415),
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}},
)
def try_mapping(
    request: HttpRequest,
    switch: Annotated[
        str | None, Query(min_length=1, max_length=60, description="Read it as this switch would, by its name.")
    ] = None,
    format: Annotated[  # noqa: A002 - the field's word
        str | None, Query(min_length=1, max_length=40, description="Read it as this format.")
    ] = None,
) -> Any:
    """Show what a file of up to 8 MiB would become: its format, its first rows, every line's fate, what traffic rules would do. Nothing is taken.

    Of one that unfolds to more than 16 MiB the beginning is looked at (`is_cut`).
    It is read by the `mapping` that comes with it, by `format`, as the `switch` would read it, or else the format is recognised.
    """
    listing.refuse_unknown(request, ("switch", "format"))
    name, content, mapping = _read_form(request)
    if mapping is not None and format is not None:
        raise Invalid("format_or_mapping", "Both a format and a mapping are named.", hint="Name one of them.")
    form = mapping or (get_format(format) if format else None)
    principal = principal_of(request)
    at, profile, rules = now(), None, None
    if switch is not None:
        with scope(principal.tenant_id, principal.actor):
            row = access_switch(switch)
            profile = profile_of(row, at)
            rules = rules_to_try(row, profile)
        form = form or get_format(row.format)
    path = scratch_path("try")
    try:
        path.write_bytes(content)
        trial = try_file(
            path, form=form, profile=profile, received_at=at, rules=rules, name=name, octets_max=UNFOLDED_OCTETS_MAX
        )
    finally:
        path.unlink(missing_ok=True)
    return TriedFile(**as_json(trial))


@router.get("/{switch_id}", auth=ApiKey(Permission.SWITCHES_READ), response=answers(MappingShown, 404))
def get_mapping(request: HttpRequest, response: HttpResponse, switch_id: Id) -> Any:
    """The mapping of a switch."""
    return show(response, shown(_access(switch_id)))


@router.put(
    "/{switch_id}",
    auth=ApiKey(Permission.SWITCHES_WRITE),
    response=answers(MappingShown, 400, 404, 412, 413, 415),
    openapi_extra=_MAPPING,
)
def put_mapping(request: HttpRequest, response: HttpResponse, switch_id: Id) -> Any:
    """Give a switch of the format `mapping` or `mapping_with_header` its mapping as the body: JSON, TOML or YAML. It holds for the files from now on."""
    (switch,) = lock_rows(Switch.objects.all(), [access_switch_by_id(switch_id).pk])
    if "mapping" in switch.options:
        require_match(request, shown(switch))
    mapping = _read_mapping(request)
    changed = change_switch(switch_id=switch.pk, options=switch.options | {"mapping": mapping}, at=now())
    return show(response, shown(changed))


def _access(switch_id: str) -> Switch:
    """The switch of that id, which has a mapping. Raises NotFound, the same for one that has none."""
    found = access_switch_by_id(switch_id)
    if "mapping" not in found.options:
        raise NotFound("mapping_not_found", f"The switch {found.name!r} has no mapping of its own.")
    return found


def _read_mapping(request: HttpRequest) -> dict[str, Any]:
    """The mapping that a body is, as plain values. Raises Invalid `mapping_*`, `unsupported_media_type`, `payload_too_large`."""
    name = _LANGUAGES.get((request.content_type or _JSON).lower())
    if name is None:
        hint = f"Send it as {', '.join(_LANGUAGES)}."
        raise Invalid("unsupported_media_type", "The body is no mapping.", hint=hint)
    text = _mapping_text(request.body)
    _described(text, name)
    value = read_mapping_text(text, name)
    try:
        plain: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise Invalid("mapping_type", "The mapping has a value that is neither text nor number.") from error
    return plain


def _described(text: str, name: str) -> Description:
    """The mapping of a text. Raises Invalid `mapping_*`, which points at the line that it is about, as far as that is known."""
    try:
        return parse_mapping(text, name)
    except Invalid as error:
        line = error.context.get("line")
        if line is None:
            raise
        raise InvalidFields(
            [FieldError(f"line={line}", error.code, str(error))], code=error.code, message=error.message
        ) from error


def _mapping_text(octets: bytes) -> str:
    if len(octets) > MAPPING_OCTETS_MAX:
        raise too_large()
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise Invalid("mapping_file", "The mapping is not UTF-8 text.") from error
    if "\0" in text or "\\u0000" in text:
        raise Invalid("mapping_file", "The mapping has a character that no text can have.")
    return text


def _read_form(request: HttpRequest) -> tuple[str, bytes, Mapped | None]:
    """Name and content of the file of a form, and the mapping that came with it.

    Raises Invalid `unsupported_media_type`, `length_required`, `payload_too_large` before any of it is read; `malformed_form`, `file_missing`;
    `mapping_*`.
    """
    if (request.content_type or "").lower() != "multipart/form-data":
        raise Invalid("unsupported_media_type", "The body is no form.", hint="Send it as multipart/form-data.")
    said = request.META.get("CONTENT_LENGTH") or ""
    if not (said.isascii() and said.isdigit()):
        raise Invalid("length_required", "The request does not say how long its body is.")
    if int(said) > TRIED_OCTETS_MAX:
        raise too_large()
    try:
        file, mapping = request.FILES.get("file"), request.FILES.get("mapping")
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise Invalid("malformed_form", "The form cannot be read.") from error
    if file is None:
        raise Invalid("file_missing", "The form has no `file`.")
    content = file.read()
    require_usage(content)
    described = None
    if mapping is not None:
        suffix = PurePath(mapping.name or "").suffix
        described = Mapped(_described(_mapping_text(mapping.read()), f"mapping{suffix}"))
    return PurePath(file.name or "file").name, content, described
