"""Ctrl-C while jobs are handed out: what was claimed is given back, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eventlite import Kernel

if TYPE_CHECKING:
    from eventlite_jobs.durable.rows import Claim
    from eventlite_jobs.durable.session import Session


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


@pytest.mark.parametrize("committed", [True, False])
def test_an_interruption_of_the_commit_itself_leaves_nothing_claimed(
    committed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eventlite_jobs.durable import claiming
    from eventlite_jobs.durable.database import Database

    writing = Database.writing

    @contextmanager
    def interrupted(database: Database) -> Iterator[Session]:
        with writing(database) as session:
            yield session
            if not committed:
                raise KeyboardInterrupt
        raise KeyboardInterrupt

    claim = claiming.claim

    def claim_and_interrupt(*arguments: Any) -> list[Claim]:
        monkeypatch.undo()  # once is enough
        return claim(*arguments)

    with Kernel.from_profile(storage={"path": tmp_path / "app.db"}) as kernel:
        kernel.jobs.worker("mail")(lambda job: job.attempt)
        id = kernel.jobs.enqueue("mail")
        monkeypatch.setattr(Database, "writing", interrupted)
        monkeypatch.setattr(claiming, "claim", claim_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            kernel.jobs.run_until_idle()
        assert kernel.jobs.stats()["pending"] == 1
        assert kernel.jobs.run_until_idle() == 1
        assert kernel.jobs.get(id).result == 1
