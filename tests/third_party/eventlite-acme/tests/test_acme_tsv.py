from __future__ import annotations

from eventlite_acme.tsv import TsvFormat

from eventlite.testing import FormatContract


class TestTsv(FormatContract):
    covers = "format:tsv"

    def make_format(self):
        return TsvFormat()
