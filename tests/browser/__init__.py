"""The product in Debian's Chromium: every page at two widths, and the tasks that people come for."""
