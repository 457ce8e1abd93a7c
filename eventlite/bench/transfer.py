"""Workloads over files."""

from __future__ import annotations

from pathlib import Path

from eventlite.bench.rounds import Rounds, timed
from eventlite.bench.stage import Stage
from eventlite.bench.workload import Workload
from eventlite.kernel import Kernel


def export_file(stage: Stage) -> Rounds:
    """The whole store into a JSONL file."""
    kernel, target = stage.filled.kernel, stage.place() / "events.jsonl"
    while True:
        yield timed(_export, kernel, target)


def import_file(stage: Stage) -> Rounds:
    """A JSONL file into a new store."""
    source = stage.place() / "events.jsonl"
    _export(stage.filled.kernel, source)
    while True:
        with stage.fresh() as kernel:
            measured = timed(_import, kernel, source)
        yield measured


def _export(kernel: Kernel, target: Path) -> int:
    return kernel.export_file(target, force=True).count


def _import(kernel: Kernel, source: Path) -> int:
    return kernel.import_file(source, append=kernel.head() > 0).count


WORKLOADS = (
    Workload("import", "events", "a JSONL file into a new store", import_file),
    Workload("export", "events", "the whole store into a JSONL file", export_file),
)
