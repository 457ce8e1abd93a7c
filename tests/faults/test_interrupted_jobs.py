"""Ctrl-C while jobs are handed out: what was claimed is given back, and nobody waits for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventlite import Kernel


def test_an_interruption_gives_back_what_it_has_kept_from_being_begun(
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
        monkeypatch.undo()
        assert kernel.jobs.stats()["pending"] == 1
    with Kernel.from_profile(storage={"path": tmp_path / "app.db"}) as kernel:
        kernel.jobs.worker("mail")(lambda job: job.attempt)
        assert kernel.jobs.run_until_idle() == 1
        assert kernel.jobs.get(id).result == 1  # never begun is no attempt
