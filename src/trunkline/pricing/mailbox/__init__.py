"""Rate sheets from a mailbox: which mails are meant, what hangs on them, and what becomes of it."""
