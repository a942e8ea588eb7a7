"""Every error that Trunkline raises on purpose; each door (command line, API, daemon) maps the families to its world.

    TrunklineError
    ├── NotFound      it is not there, or it is another tenant's: one text for both
    ├── Denied        it is there, and the caller may not
    ├── Conflict      it contradicts what is already true: a key used with another body, a closed period, a lost race
    ├── Invalid       the input is wrong and will stay wrong: unknown currency, a price with 12 decimals, overflow
    └── Unavailable   right now it cannot be done, later it may: database away, disk full
        └── Busy      somebody else is in the way for the moment: lock not granted, deadlock; do it again

`code` is stable and meant for programs; `message` and `hint` are sentences for people and may change. Batch and packet
parsing do not raise for single rows: they return rejects as values.
"""

from __future__ import annotations


class TrunklineError(Exception):
    """The root. Raise one of the families below.

    `code` is a stable lower-case word; `message` says what is wrong; `hint` says what to do about it; `context` holds
    the values the message speaks of, for logs and for programs. `str(error)` is the message and the hint, if any.
    """

    def __init__(self, code: str, message: str, /, *, hint: str = "", **context: object) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.hint = hint
        self.context = context

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    @property
    def for_screens(self) -> str:
        """What to say to somebody who types no commands: the message, and the hint unless it speaks of a command."""
        return self.message if speaks_of_commands(self.hint) else str(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {self.message!r})"

    def __reduce__(self) -> tuple[object, ...]:
        # The default rebuilds from the two positional arguments: hint and context would be lost between processes.
        return _rebuild, (type(self), self.code, self.message, self.hint, self.context)


def speaks_of_commands(hint: str) -> bool:
    """Whether a hint is for somebody at a command line, or beside the source."""
    return any(sign in hint for sign in ("`", "--", "docs/"))


def _rebuild(
    kind: type[TrunklineError], code: str, message: str, hint: str, context: dict[str, object]
) -> TrunklineError:
    return kind(code, message, hint=hint, **context)


class NotFound(TrunklineError):  # noqa: N818 - the families are named for what they say
    """Absent, or not the caller's to see."""


class Denied(TrunklineError):  # noqa: N818
    """The caller is known and is not permitted."""


class Conflict(TrunklineError):  # noqa: N818
    """It contradicts what has been recorded."""


class Invalid(TrunklineError):  # noqa: N818
    """The input is wrong."""


class Unavailable(TrunklineError):  # noqa: N818
    """It cannot be done now and may succeed later."""


class Busy(Unavailable):
    """Somebody else was in the way, and nothing has happened: worth trying again at once (`kit.outages.again_when_busy`)."""
