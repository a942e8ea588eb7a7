"""What a file would become: its format recognised, every line decoded and counted, nothing written.

No database is needed: the clock and the number rules of a switch come as a profile, or are left at their defaults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from trunkline.core.errors import Invalid
from trunkline.usage.decode import (
    FORMATS,
    Chunk,
    Decoded,
    FileFailed,
    Format,
    SwitchProfile,
    chunks,
    get_format,
    open_source,
)
from trunkline.usage.decode.assembly import decoded_chunks
from trunkline.usage.decode.documents import DocumentFormat
from trunkline.usage.decode.legs import ALONE
from trunkline.usage.decode.mapped import Mapped
from trunkline.usage.decode.mapping import read_mapping
from trunkline.usage.decode.strangers import HEAD_OCTETS, what_it_is
from trunkline.usage.reasons import FileFailure, Reason

if TYPE_CHECKING:
    from trunkline.usage.traffic.tried import Ruled

SAMPLE_OCTETS: Final = 128 << 10
ROWS_SHOWN: Final = 10
RECOGNISED: Final = 0.3  # of the lines of the sample must look like the format
_CLOSE: Final = 3
_SHOWN: Final = (
    "key", "call_id", "calling", "called", "start", "answer", "end", "duration_ms", "quantity", "trunk_in", "trunk_out",
    "source_ip", "account_code", "sip_user", "cause", "sip_code", "pdd_ms",
)  # fmt: skip
_NO_FORMAT: Final = frozenset({Reason.BAD_ENCODING, Reason.FIELD_COUNT, Reason.BAD_TIME})
_DOUBTED: Final = 0.8  # of a good line counts one that is rejected for what it says

_UNREAD: Final = 0.4  # of a good line counts one that looks like the format and has a time that cannot be read

# What records may lack, by the columns that would say it.
_MISSING: Final[Mapping[str, tuple[Sequence[str], str]]] = {
    "vendor_trunk": (("trunk_out",), "No record names a vendor's trunk: the buy side cannot be rated."),
    "identity": (
        ("trunk_in", "source_ip", "account_code", "sip_user", "calling"),
        "Nothing says whose calls these are: no trunk, address, account code, user or calling number.",
    ),
    "cause": (("cause", "sip_code"), "No record says why the call ended: reports of quality stay empty."),
    "post_dial_delay": (("pdd_ms",), "No record says how long it took until it rang."),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A format and how much of the sample looks like it, 0 to 1; `why_not` where it could not be tried."""

    format: str
    score: float
    why_not: str = ""


@dataclass(slots=True)
class Trial:
    """What became of a file. `rows_in` = `decoded` + `rejected` + the sum of `skipped`.

    `skipped` and `reasons` count by reason. `rows` are the first lines with their fate, and what traffic rules did where records were taken
    through them. `failure` is the stable code of what failed the whole file, `remark` says it in words. `is_cut`: only the beginning was looked at.
    """

    name: str
    format: str | None = None
    version: int | None = None
    title: str = ""
    decoded: int = 0
    rejected: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    missing: dict[str, str] = field(default_factory=dict)
    more_columns: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    failure: str = ""
    remark: str = ""
    is_cut: bool = False

    @property
    def rows_in(self) -> int:
        """The lines of the file without its header, or its records where they span lines."""
        return self.decoded + self.rejected + self.skipped.total()


def try_file(
    path: Path,
    *,
    form: Format | None,
    profile: SwitchProfile | None,
    received_at: datetime,
    rules: Callable[[Decoded], Ruled] | None = None,
    name: str = "",
    octets_max: int | None = None,
) -> Trial:
    """Decode a whole file and say what became of it; `form` None: the format is recognised.

    `name` is what the file is called where its path does not say it. Of one that unfolds to more than `octets_max` only so much is looked at.

    `profile` None: a switch that nothing is known of, whose file came at `received_at`. `rules` takes what is decoded through the traffic
    rules of the switch. Raises nothing for what is wrong with the file: that is `failure`.
    """
    trial = Trial(name or path.name)
    known = profile or SwitchProfile(received_at=received_at)
    try:
        if form is None:
            trial.candidates = recognise(path, known)
            form = _best(trial, path, octets_max)
        if form is not None:
            trial.format, trial.version, trial.title = form.name, form.version, form.title
            _decode(trial, path, form, known, rules, octets_max)
            _say_missing(trial, form, has_switch=profile is not None)
    except FileFailed as error:
        trial.failure, trial.remark = error.code, str(error).replace(path.name, trial.name)
        if form is None and (said := what_it_is(head_of_file(path))):
            trial.remark = f"{said} ({trial.remark})"
    return trial


def head_of_file(path: Path, octets: int = HEAD_OCTETS) -> bytes:
    """The first octets of the content, or of the file where it cannot be unpacked; of a zip those of its first member."""
    try:
        with open_source(path) as source:
            return next(source.blocks(source.parts[0], octets), b"")
    except FileFailed:
        return b""


def recognise(path: Path, profile: SwitchProfile) -> list[Candidate]:
    """Every format with how well it fits the beginning of the file, the best first. Raises FileFailed: no text at all."""
    found = []
    for name, form in FORMATS.items():
        try:
            found.append(Candidate(name, round(_score(form, _sample(path, form), profile), 3)))
        except FileFailed as error:
            # A file of one line is only a header to the formats that have one, and may be a very long one.
            is_only_head = error.failure in {FileFailure.NO_ROWS, FileFailure.LINE_TOO_LONG} and form.has_header
            if error.failure is not FileFailure.HEADER_CHANGED and not is_only_head:
                raise
            found.append(Candidate(name, 0.0, error.message))
    return sorted(found, key=lambda each: -each.score)


def _sample(path: Path, form: Format) -> list[Chunk]:
    """The beginning of the content: of lines the first chunk, of records that span lines as many as are that long.

    Nothing where all of it is longer than a line or record may be.
    """
    sample: list[Chunk] = []
    octets = 0
    with open_source(path) as source:
        for chunk in chunks(source, SAMPLE_OCTETS, has_header=form.has_header, framing=form.framing):
            octets += len(chunk.data)
            if chunk.is_first or (sample and form.framing is not None):
                sample.append(chunk)
            if sample and (form.framing is None or octets >= SAMPLE_OCTETS):
                break
    return sample


def _score(form: Format, begins: list[Chunk], profile: SwitchProfile) -> float:
    if not begins:
        return 0.0
    if isinstance(form, DocumentFormat):
        counts = [form.recognised(chunk) for chunk in begins]
        seen = sum(each for _, each in counts)
        return sum(each for each, _ in counts) / seen if seen else 0.0
    (sample,) = begins
    decoded = form.decode(sample, profile)
    reasons = Counter(decoded.rejects["reason"].to_pylist())
    said = sum(count for reason, count in reasons.items() if reason not in _NO_FORMAT)
    lines = decoded.events.num_rows + decoded.rejects.num_rows
    if not lines:
        return 0.0
    share = 1.0
    if isinstance(form, Mapped):
        fitting, seen = form.recognised(sample, profile)
        share = fitting / seen if seen else 0.0
        if (
            form.description.recognise is not None
        ):  # then a time that is not understood is a finding, not another format
            return min(share, (decoded.events.num_rows + _DOUBTED * said + _UNREAD * reasons[Reason.BAD_TIME]) / lines)
    return min(share, (decoded.events.num_rows + _DOUBTED * said) / lines)


def _best(trial: Trial, path: Path, octets_max: int | None) -> Format | None:
    """The format that fits best; without one the trial says so, and all lines count as rejected."""
    best = trial.candidates[0]
    if best.score >= RECOGNISED:
        return FORMATS[best.format]
    close = [f"{each.format} ({each.score:.0%})" for each in trial.candidates[:_CLOSE] if each.score]
    trial.rejected = _lines(trial, path, octets_max)
    trial.failure = "unknown_format"
    trial.reasons[trial.failure] = trial.rejected
    said = what_it_is(head_of_file(path))
    trial.remark = (
        (f"{said} " if said else "")
        + "No format fits the first lines"
        + (f"; the nearest: {', '.join(close)}." if close else ".")
        + (f" {_nearest_header(trial)}" if not close else "")
        + " Name its format, or describe the file in a mapping."
    )
    return None


def _nearest_header(trial: Trial) -> str:
    """What the header lacks of the format whose columns it has nearly all of."""
    why = [each.why_not for each in trial.candidates if " lacks " in each.why_not]
    return min(why, key=lambda said: said.count(","), default="") if trial.rejected > 1 else ""


def _lines(trial: Trial, path: Path, octets_max: int | None) -> int:
    """How many lines a file has, up to the bound. Raises FileFailed `no_rows`: nothing stands in them."""
    with open_source(path) as source:
        return sum(
            1 if chunk.overlong_octets else chunk.data.count(b"\n") + (not chunk.data.endswith(b"\n"))
            for chunk in _bounded(trial, chunks(source), octets_max)
        )


def _decode(
    trial: Trial,
    path: Path,
    form: Format,
    profile: SwitchProfile,
    rules: Callable[[Decoded], Ruled] | None,
    octets_max: int | None,
) -> None:
    seen = dict.fromkeys([*(name for columns, _ in _MISSING.values() for name in columns), "call_id"], False)
    alone = records = 0
    with open_source(path) as source:
        cut = chunks(source, has_header=form.has_header, framing=form.framing)
        for chunk, decoded in decoded_chunks(_looked_at(trial, cut, form, octets_max), form, profile):
            alone += _alone(decoded.events)
            records += len(decoded.events)
            for name in seen:
                seen[name] = seen[name] or _says(decoded.events, name)
            ruled = None if rules is None else rules(decoded)
            fates = decoded if ruled is None else ruled.decoded
            _count(trial, fates)
            if len(trial.rows) < ROWS_SHOWN:
                first = _first_rows(fates, chunk, ROWS_SHOWN - len(trial.rows))
                did = {} if ruled is None else ruled.first(ROWS_SHOWN)
                trial.rows += [row | ({"rules": did[row["line"]]} if row["line"] in did else {}) for row in first]
    if alone:
        trial.missing["legs"] = (
            f"{alone:,} calls lack a leg: they would wait for it, and are shown as they go on without it after the switch's hours."
        )
    if records:
        for code, (columns, said) in _MISSING.items():
            if not any(seen[name] for name in columns):
                trial.missing[code] = said
        if not seen["call_id"]:
            trial.missing["call_id"] = (
                "No record names its call: attempts of one call cannot be told to belong together."
            )


def _looked_at(trial: Trial, cut: Iterator[Chunk], form: Format, octets_max: int | None) -> Iterator[Chunk]:
    """The chunks up to the bound, the first of them looked at for columns that are not read."""
    for chunk in _bounded(trial, cut, octets_max):
        if chunk.is_first and isinstance(form, Mapped):
            trial.more_columns = form.more_columns(chunk)
        yield chunk


def _bounded(trial: Trial, cut: Iterator[Chunk], octets_max: int | None) -> Iterator[Chunk]:
    """The chunks that fit the bound, the first one in any case."""
    octets = 0
    for chunk in cut:
        octets += len(chunk.data)
        if octets_max is not None and octets > octets_max and not chunk.is_first:
            trial.is_cut = True
            return
        yield chunk


def _alone(events: pa.Table) -> int:
    return int(pc.sum(pc.fill_null(pc.starts_with(events["legs"], ALONE), False)).as_py() or 0)


def _count(trial: Trial, decoded: Decoded) -> None:
    trial.decoded += decoded.events.num_rows
    trial.rejected += decoded.rejects.num_rows
    trial.reasons.update(decoded.rejects["reason"].to_pylist())
    trial.skipped.update(decoded.skip_reasons)
    if blank := decoded.skipped - sum(decoded.skip_reasons.values()):
        trial.skipped["blank"] += blank


def _says(events: pa.Table, name: str) -> bool:
    """Whether any record has something in the column; for `call_id`: something other than its key."""
    column = events[name]
    if name == "call_id":
        return bool(pc.any(pc.not_equal(column, events["key"])).as_py())
    if name == "calling":
        return bool(pc.any(pc.not_equal(column, "")).as_py())
    return column.null_count < len(column)


def _first_rows(decoded: Decoded, chunk: Chunk, count: int) -> list[dict[str, Any]]:
    """The first lines of a chunk with their fate, in the order of the file."""
    rows: dict[int, dict[str, Any]] = {}
    for row in decoded.events.slice(0, count).to_pylist():
        rows[row["line"]] = {"line": row["line"], "fate": "decoded", **{name: row[name] for name in _SHOWN}}
    for row in decoded.rejects.slice(0, count).to_pylist():
        rows[row["line"]] = {
            "line": row["line"],
            "fate": "rejected",
            **{n: row[n] for n in ("reason", "detail", "raw")},
        }
    for line in [chunk.first_line] if chunk.overlong_octets else decoded.lines.first_numbers(count):
        rows.setdefault(line, {"line": line, "fate": "skipped"})
    return [rows[line] for line in sorted(rows)][:count]


def _say_missing(trial: Trial, form: Format, *, has_switch: bool) -> None:
    if not isinstance(form, Mapped):
        return
    if "answer" not in form.description.record:
        trial.missing["answer_time"] = "The files have no answer time: a call that lasted is taken to begin answered."
    trial.missing.update(form.description.lacks)
    if form.reads_local_times and not has_switch:
        trial.missing["timezone"] = "Times without offset were read as UTC: name the switch to read them on its clock."


def require_format(name: str, mapping: Path | None) -> Format | None:
    """The format that a caller names: a mapping of his own, or one of ours. Raises NotFound `format`, Invalid `mapping_*`."""
    if mapping is not None and name:
        raise Invalid("format_or_mapping", "Both a format and a mapping are named.", hint="Name one of them.")
    if mapping is not None:
        return Mapped(read_mapping(mapping))
    return get_format(name) if name else None


def as_json(trial: Trial) -> dict[str, Any]:
    """A trial for programs."""
    shown = [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in trial.rows
    ]
    return {
        "file": trial.name,
        "format": trial.format,
        "version": trial.version,
        "title": trial.title,
        "rows_in": trial.rows_in,
        "decoded": trial.decoded,
        "rejected": trial.rejected,
        "skipped": trial.skipped.total(),
        "skip_reasons": dict(trial.skipped),
        "reject_reasons": dict(trial.reasons),
        "missing": [{"code": code, "detail": said} for code, said in trial.missing.items()],
        "more_columns": trial.more_columns,
        "rows": shown,
        "candidates": [{"format": each.format, "score": each.score} for each in trial.candidates if each.score],
        "is_cut": trial.is_cut,
        "failure": trial.failure,
        "remark": trial.remark,
    }
