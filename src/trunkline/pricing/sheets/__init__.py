"""Rate sheets of vendors: from a file of any layout to lines with codes, prices, increments and dates.

Pure: no Django, no database, no clock. `docs/algorithms/rate-sheets.md` is the specification.
"""
