"""The contract of bulk input and output, as tests."""

from __future__ import annotations

from eventlite.testing.bulk_files import BulkFilesContract
from eventlite.testing.bulk_importing import ImportingContract
from eventlite.testing.bulk_rejecting import RejectingContract
from eventlite.testing.bulk_resuming import ResumingContract
from eventlite.testing.bulk_transfer import TransferContract


class BulkContract(TransferContract, BulkFilesContract, ImportingContract, RejectingContract, ResumingContract):
    """Subclass it, name the plugin in `covers`, and make it over the formats that it is given:

    class TestMyBulk(BulkContract):
        covers = "bulk:mine"

        def make_bulk(self, formats):
            return MyBulk(formats)

    It works on a store in memory; for another one override `open_store`.
    """
