"""The tests of the distribution next to this file run where it is installed, not here."""

from __future__ import annotations

collect_ignore = ["eventlite-acme"]
