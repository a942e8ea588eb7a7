"""A mailbox of rate sheets on its server: the mails that are new there, in the order in which they came."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from trunkline.usage.sources.imap import MAIL_OCTETS, ImapPeer
from trunkline.usage.sources.remote import FileGone, FileRefused, PeerFailed

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIZE: Final = re.compile(rb"RFC822\.SIZE (\d+)")
# RFC 9051, 9: date-time.
_RECEIVED: Final = re.compile(rb'INTERNALDATE "([ \d]\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"')


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the server says of a mail: when it came in there, which no sender can choose, and how large it is."""

    received_at: datetime
    octets: int

    @property
    def is_taken(self) -> bool:
        """Whether it is small enough to be read."""
        return self.octets <= MAIL_OCTETS


class SheetBox(ImapPeer):
    """A mailbox that is read and never changed (`BODY.PEEK` marks nothing as seen)."""

    @property
    def validity(self) -> str:
        """UIDVALIDITY. With another one the same UIDs are other mails (RFC 9051, 2.3.1.1)."""
        return self._validity

    def newer_than(self, uid: int, received_on: date) -> list[int]:
        """UIDs above this one of mails that came in on that day or later, in the order in which they came. Raises PeerFailed.

        Those of the day before are among them: SINCE looks at the day on the server's clock, whatever its zone (RFC 9051, 6.4.4).
        """
        received_on -= timedelta(days=1)
        since = f"{received_on.day:02d}-{_MONTHS[received_on.month - 1]}-{received_on.year:04d}"
        try:
            answer = self._uid("SEARCH", f"UID {uid + 1}:* UNDELETED SINCE {since}")
        except FileRefused as problem:
            raise PeerFailed("server_refused", f"{self._target.address} does not list mails: {problem}") from problem
        found = (answer[0] or b"").split() if answer else []
        # `n:*` names the last mail too where n is beyond it.
        return sorted(number for number in map(int, found) if number > uid)

    def envelope(self, uid: int) -> Envelope:
        """When a mail came in, and its size. Raises FileGone, FileRefused, PeerFailed."""
        answer = self._uid("FETCH", str(uid), "(RFC822.SIZE INTERNALDATE)")
        said = b" ".join(part if isinstance(part, bytes) else b" ".join(part) for part in answer if part)
        size, received = _SIZE.search(said), _RECEIVED.search(said)
        if size is None or received is None:
            raise FileGone("It is not there any more.")
        return Envelope(_instant(received), int(size[1]))

    def whole(self, uid: int) -> bytes:
        """All octets of a mail. Raises FileGone, FileRefused, PeerFailed."""
        return self._octets(uid, "BODY.PEEK[]")

    def head(self, uid: int) -> bytes:
        """The headers of a mail that is too large to be read."""
        return self._octets(uid, "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT MESSAGE-ID)]")

    def _octets(self, uid: int, what: str) -> bytes:
        answer = self._uid("FETCH", str(uid), f"({what})")
        found = next((part[1] for part in answer if isinstance(part, tuple)), None)
        if found is None:
            raise FileGone("It is not there any more.")
        return bytes(found)


def _instant(said: re.Match[bytes]) -> datetime:
    day, month, year, hour, minute, second, sign, hours, minutes = (
        part.decode("ascii", "replace") for part in said.groups()
    )
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    try:
        zone = timezone(offset)
        moment = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=zone
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FileRefused("The server does not say when it received this mail.") from error
