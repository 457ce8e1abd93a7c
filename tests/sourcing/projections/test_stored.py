"""The projections of a store as another kernel sees them, which has none of their code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eventlite import Kernel, NewEvent, Projection, ProjectionError
from eventlite.sourcing.consumer import Hold
from eventlite.sourcing.projections.book import consumer_name, reaction_name


def refuse(*_: Any) -> None:
    raise ValueError("not today")


@pytest.fixture
def stored(twin: Callable[..., Any], sql_sections: dict[str, Any]) -> Any:
    """The projections of the store, by a kernel of either kind that projects nothing."""
    return twin(sql_sections).projections


@pytest.fixture
def followed(sql_sections: dict[str, Any]) -> Iterator[Kernel]:
    """One whose projection `kept` has gone on, while `failing` and the reactions of `thanks` failed at event 2."""
    with Kernel.from_profile("balanced", **sql_sections) as kernel:
        _follow(kernel)
        yield kernel


def _follow(kernel: Kernel) -> None:
    kept, failing, thanks = Projection("kept"), Projection("failing", into=[]), Projection("thanks")
    for projection in (kept, thanks):
        projection.on("a")(lambda event, state: state.update({"last": event.id}))
    failing.on("b")(refuse)
    thanks.reaction("b")(refuse)
    kernel.project(kept, "inline")
    kernel.project(failing)
    kernel.project(thanks)
    kernel.append_many([NewEvent("a"), NewEvent("b"), NewEvent("c")])
    kernel.run_until_idle()


@pytest.mark.usefixtures("followed")
def test_each_says_how_it_stands(stored: Any) -> None:
    failing, kept, thanks = stored.list()
    assert (failing.name, failing.mode, failing.kind, failing.reactions) == ("failing", "follow", "object", None)
    assert (failing.state, failing.position, failing.lag) == ("failed", 0, 3)
    assert (failing.error, failing.error_position) == ("ValueError: not today", 2)
    assert (kept.name, kept.mode, kept.kind, kept.state) == ("kept", "inline", "records", "idle")
    assert (kept.position, kept.lag, kept.error, kept.error_position) == (3, 0, None, None)
    assert (thanks.position, thanks.reactions) == (3, 0)  # its own state goes on
    assert (thanks.state, thanks.error, thanks.error_position) == ("failed", "ValueError: not today", 2)


def test_who_holds_it_makes_it_active(followed: Kernel, stored: Any) -> None:
    hold = Hold(followed, consumer_name("kept"))
    assert hold.acquire()
    assert stored.get("kept").state == "active"
    hold.release()
    assert stored.get("kept").state == "idle"


def test_one_is_paused_and_resumed_with_its_reactions(followed: Kernel, stored: Any) -> None:
    assert (stored.resume("thanks").state, stored.get("thanks").error) == ("idle", None)
    assert stored.pause("thanks") == stored.get("thanks")
    assert stored.get("thanks").state == "paused"
    followed.append("a")
    followed.run_until_idle()
    assert (stored.get("thanks").lag, stored.get("thanks").reactions) == (1, 0)
    assert not Hold(followed, reaction_name("thanks")).acquire()
    stored.resume("thanks")
    followed.run_until_idle()
    assert (stored.get("thanks").lag, stored.get("thanks").error_position) == (0, 2)


@pytest.mark.parametrize("name", ["nothing", "", "\ud800", 5])
@pytest.mark.parametrize("method", ["get", "pause", "resume"])
def test_one_that_there_is_not_is_said(kernel: Any, method: str, name: Any) -> None:
    with pytest.raises(ProjectionError, match="there is no projection"):
        getattr(kernel.projections, method)(name)
    assert kernel.projections.list() == []
