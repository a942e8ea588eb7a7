"""Mail before a mail server is named: files that one can open, so that a fresh installation can be tried."""

from __future__ import annotations

from typing import Any

from django.core.mail.backends.filebased import EmailBackend

from trunkline.kit.home import folder


class DataFolderMail(EmailBackend):
    """Writes mails into `mail/` of the data folder."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"file_path": str(folder("mail"))})
