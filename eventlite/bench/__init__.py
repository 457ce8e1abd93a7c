"""The benchmark: workloads, run under profiles, in rounds that take turns.

An extension adds a workload with the hook `eventlite_workloads`; what it needs for that is here.
"""

from __future__ import annotations

from eventlite.bench.rounds import LeftOut, Measured, timed
from eventlite.bench.stage import Filled, Scale, Stage
from eventlite.bench.workload import Workload

__all__ = ["Filled", "LeftOut", "Measured", "Scale", "Stage", "Workload", "timed"]
