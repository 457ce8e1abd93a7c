"""The file formats that come with the plugin, one per file."""

from __future__ import annotations

from eventlite_files.formats.csv import CsvFormat
from eventlite_files.formats.eventlite_js import EventliteJsFormat
from eventlite_files.formats.jsonl import JsonlFormat

__all__ = ["CsvFormat", "EventliteJsFormat", "JsonlFormat"]
