"""Whatever happened: a state that grew with the events equals one that is built anew, and any moment can be gone to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlite import Kernel, NewEvent

accounts = st.sampled_from(["a", "b", "", "é"])
event = st.one_of(
    st.builds(lambda account: NewEvent("opened", {"account": account}), accounts),
    st.builds(lambda account: NewEvent("closed", {"account": account}), accounts),
    st.builds(
        lambda cmd, account, cents: NewEvent(cmd, {"account": account, "cents": cents}),
        st.sampled_from(["deposited", "withdrawn"]),
        accounts,
        st.integers(-1_000, 1_000),
    ),
    st.builds(lambda: NewEvent("ignored")),
)
#: Batches of events; after each, the projection is asked to catch up, or rebuilt, or nothing.
steps = st.lists(
    st.tuples(st.lists(event, min_size=1, max_size=12), st.sampled_from(["run", "rebuild", "nothing"])), max_size=8
)
some = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("mode", ["inline", "follow"])
@some
@given(history=steps)
def test_records_incremental_equal_rebuilt(new_accounts: Any, mode: str, history: Any) -> None:
    with Kernel.from_profile(storage={"plugin": "memory"}) as kernel:
        projection = new_accounts()
        handle = kernel.project(projection, mode)
        states = {0: {}}
        for batch, then in history:
            kernel.append_many(batch)
            if then == "rebuild":
                assert kernel.rebuild("accounts").equal
            if then == "run" or mode == "inline":
                kernel.run_until_idle()
                states[kernel.head()] = handle.state.copy()
        kernel.run_until_idle()
        assert handle.state == kernel.project_at("accounts", kernel.head())
        assert kernel.verify_projection("accounts").equal
        for position, state in states.items():
            assert kernel.project_at("accounts", position) == state
        fresh = new_accounts()
        fresh.name = "fresh"
        kernel.append_many([NewEvent("ignored")])
        kernel.project(fresh, "inline")  # all in one go
        assert fresh.state == handle.state


@pytest.mark.parametrize("mode", ["inline", "follow"])
@some
@given(history=steps)
def test_tables_incremental_equal_rebuilt(new_tables: Any, tmp_path_factory: Any, mode: str, history: Any) -> None:
    path = tmp_path_factory.mktemp("history") / "a.db"
    with Kernel.from_profile("high-volume", storage={"path": str(path)}) as kernel:
        projection = new_tables()
        handle = kernel.project(projection, mode)
        rows = lambda tables: [  # noqa: E731
            tables.query("SELECT * FROM {accounts} ORDER BY 1"),
            tables.query("SELECT * FROM {moves} ORDER BY 1"),
        ]
        states = {}
        for batch, then in history:
            kernel.append_many(batch)
            if then == "rebuild":
                assert kernel.rebuild("account-tables").equal
            if then == "run":
                kernel.run_until_idle()
                states[kernel.head()] = rows(handle)
        kernel.run_until_idle()
        assert kernel.verify_projection("account-tables").equal
        for position, state in {**states, kernel.head(): rows(handle)}.items():
            with kernel.project_at("account-tables", position) as past:
                assert rows(past) == state
