"""Sources: where usage files are fetched from, when, what becomes of them there, and what is said when a feed falls silent."""
