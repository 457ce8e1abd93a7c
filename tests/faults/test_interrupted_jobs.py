"""Ctrl-C while jobs are handed out: what was claimed waits for its lease, and nobody waits for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventlite import Kernel


def test_closing_does_not_wait_for_jobs_that_an_interruption_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eventlite_jobs.durable.roster import Roster

    add = Roster.add

    def add_and_interrupt(roster: Roster, ids: list[str]) -> None:
        add(roster, ids)
        raise KeyboardInterrupt

    with Kernel.from_profile(storage={"path": tmp_path / "app.db"}) as kernel:
        kernel.jobs.worker("mail")(lambda job: None)
        id = kernel.jobs.enqueue("mail")
        monkeypatch.setattr(Roster, "add", add_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            kernel.jobs.run_until_idle()
    with Kernel.from_profile(storage={"path": tmp_path / "app.db"}) as kernel:
        assert kernel.jobs.get(id).state == "running"  # until its lease is over
