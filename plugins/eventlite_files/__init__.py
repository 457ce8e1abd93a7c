"""The `files` plugin: gets events in from files and out to files, in bounded memory.

`bulk` is the component; `picking` says which format a file has, `compression` reads and writes gzip and zstd.

* In: `importing` checks what is asked for and makes a `run`. `source` reads lines within limits, a format of `formats`
  makes records of them (`strictjson`, `mapping`), `fields` makes drafts of records, `batches` puts them together, and
  `committing` stores a batch with its place in the file (`cursor`). `identities` and `causes` know which event of the
  file is which of the store; `rejects` keeps what cannot be read, `tally` counts.
* Out: `exporting` reads batches (`salvaging` those of a damaged store), a format writes them, and `sink` lets the file
  appear when it is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eventlite import hookimpl
from eventlite.contracts import Bulk, Format
from eventlite_files.bulk import FileBulk
from eventlite_files.formats import CsvFormat, EventliteJsFormat, JsonlFormat
from eventlite_files.settings import Settings

__all__ = ["CONTRACT", "Settings", "eventlite_formats", "eventlite_make_bulk"]

CONTRACT = 1


@hookimpl
def eventlite_formats() -> Iterable[Format]:
    """The formats that come with it; they enter by the same door as any other."""
    return [JsonlFormat(), CsvFormat(), EventliteJsFormat()]


@hookimpl
def eventlite_make_bulk(settings: Settings, formats: Sequence[Format]) -> Bulk | None:
    """Make bulk input and output over the formats that the profile names."""
    return FileBulk(settings, formats)
