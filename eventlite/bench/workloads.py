"""Which workloads there are: ours, and those of the extensions that a profile names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eventlite.bench import jobs, projecting, reading, transfer, writing
from eventlite.bench.stage import Stage
from eventlite.bench.workload import Workload
from eventlite.errors import PluginError
from eventlite.plugins import ask

BUILTIN: Mapping[str, Workload] = {
    workload.name: workload for group in (writing, reading, transfer, projecting, jobs) for workload in group.WORKLOADS
}


def workloads_of(stage: Stage) -> dict[str, Workload]:
    """What can be measured on a stage, by name. Raises `PluginError` for two workloads of one name."""
    found = dict(BUILTIN)
    for workload in ask(stage.plugins.manager, "eventlite_workloads"):
        if workload.name in found:
            raise PluginError(
                f"two workloads are called {workload.name!r}", hint="The extension that came later must rename its own."
            )
        found[workload.name] = workload
    return found


def names(stages: Iterable[Stage]) -> list[str]:
    """The names of all workloads of all stages, ours first."""
    return list(dict.fromkeys(name for stage in stages for name in workloads_of(stage)))
