"""What is measured under every profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventlite.bench.rounds import Rounds

if TYPE_CHECKING:
    from eventlite.bench.stage import Stage


@dataclass(frozen=True, slots=True)
class Workload:
    """Something to measure. `run` is a generator: it prepares, yields one `Measured` per round, and cleans up.

    ```
    def rename(stage):
        with stage.fresh() as kernel:
            while True:
                yield timed(rename_users, kernel, stage.events(100))
    ```

    It may raise `LeftOut` in its preparation; it is closed when there were rounds enough.
    """

    #: Lower case with dashes, as `--workload` takes it.
    name: str
    #: What it does so many of per second, a plural: "events".
    unit: str
    #: What is measured, in one line.
    summary: str
    run: Callable[[Stage], Rounds]
