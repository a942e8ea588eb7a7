"""The one error of this room: a file that is refused as a whole."""

from __future__ import annotations

from trunkline.core.errors import Invalid
from trunkline.usage.reasons import FileFailure


class FileFailed(Invalid):
    """The whole file is refused and posts nothing. `code` is the `FileFailure`, `message` says what was found where."""

    @property
    def failure(self) -> FileFailure:
        return FileFailure(self.code)
