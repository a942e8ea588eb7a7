"""Files that browsers send: bounded while they arrive, before a form or a permission has been looked at."""

from __future__ import annotations

from typing import Any, Final

from django.core.files.uploadhandler import FileUploadHandler, SkipFile

# Larger files come by the API, a source or a watched folder, which do not pass through a form.
UPLOAD_OCTETS_MAX: Final = 512 << 20


class BoundedUpload(FileUploadHandler):
    """First of the handlers: reads a file past the limit to its end, but keeps nothing of it and says so on the request."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._octets = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._octets += len(raw_data)
        if self._octets > UPLOAD_OCTETS_MAX:
            request: Any = self.request
            request.is_upload_too_large = True
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handler keeps the file."""
