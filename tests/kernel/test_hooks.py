"""Hooks around a kernel's life and its appends, as a third party's installed extension meets them."""

from __future__ import annotations

import importlib
import logging
import sys
from textwrap import dedent

import pytest

from eventlite import Condition, Kernel, NewEvent, Query
from eventlite.errors import ConflictError, InvalidEventError, PluginError

PREAMBLE = """
from eventlite import NewEvent, hookimpl
from eventlite.errors import *
CONTRACT = 1
seen = []
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install an extension, given as the text of its module, and return the module."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    installed = []

    def install(name, source):
        (site / f"{name}.py").write_text(PREAMBLE + dedent(source), encoding="utf-8")
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[eventlite.extensions]\n{name} = {name}\n")
        importlib.invalidate_caches()
        installed.append(name)
        return importlib.import_module(name)

    yield install
    for name in installed:
        sys.modules.pop(name, None)


@pytest.fixture
def profile(tmp_path):
    """A profile on memory that names extensions."""

    def profile(*extensions):
        path = tmp_path / "hooked.toml"
        path.write_text(
            f'[profile]\nname = "hooked"\nextends = "balanced"\nextensions = {list(extensions)}\n'
            '[storage]\nplugin = "memory"\n',
            encoding="utf-8",
        )
        return path

    return profile


@pytest.fixture
def hooked(install, profile):
    """A kernel with one extension, and that extension's module."""
    kernels = []

    def hooked(source):
        module = install("watcher", source)
        kernels.append(Kernel.from_profile(profile("watcher")))
        return kernels[-1], module

    yield hooked
    for kernel in kernels:
        kernel.close()


# --- before an append


def test_a_hook_may_change_add_and_drop_events_before_they_are_stored(hooked):
    kernel, _ = hooked("""
        @hookimpl
        def eventlite_before_append(events):
            events[:] = [event for event in events if event.cmd != "unwanted"]
            for event in events:
                event.metadata = {**(event.metadata or {}), "seen": True}
            events.append(NewEvent("audited", {"count": len(events)}))
    """)
    stored = kernel.append_many([NewEvent("wanted"), NewEvent("unwanted")])
    assert [(event.cmd, event.metadata, event.data) for event in stored] == [
        ("wanted", {"seen": True}, {}),
        ("audited", {}, {"count": 1}),
    ]
    assert list(kernel.read()) == stored


def test_a_hook_may_drop_every_event(hooked):
    kernel, _ = hooked("""
        @hookimpl
        def eventlite_before_append(events):
            events[:] = [event for event in events if event.cmd != "unwanted"]
    """)
    wanted, unwanted = NewEvent("wanted"), NewEvent("unwanted")
    with pytest.raises(PluginError, match="took the event out"):
        kernel.append("unwanted")
    assert kernel.append_many([unwanted]) == []
    report = kernel.append_bulk([unwanted, wanted, unwanted, wanted, unwanted], batch_size=1)
    assert (report.count, report.first_id, report.last_id, kernel.head()) == (2, 1, 2, 2)


def test_what_a_hook_puts_in_is_checked_like_everything_else(hooked):
    kernel, _ = hooked("""
        @hookimpl
        def eventlite_before_append(events):
            events.append(NewEvent("bad", {"x": {1, 2}}))
    """)
    with pytest.raises(InvalidEventError):
        kernel.append("fine")
    assert kernel.head() == 0


def test_a_hook_that_raises_is_named_and_nothing_of_the_batch_is_stored(hooked):
    kernel, _ = hooked("""
        @hookimpl
        def eventlite_before_append(events):
            if any(event.cmd == "bad" for event in events):
                raise RuntimeError("no bad events here")
    """)
    with pytest.raises(
        PluginError, match=r"watcher \(watcher 1.0\) failed.*RuntimeError: no bad events here"
    ) as caught:
        kernel.append_many([NewEvent("good"), NewEvent("bad")])
    assert "nothing was stored" in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert kernel.head() == 0
    assert kernel.append("good").id == 1


def test_a_hook_that_refuses_with_an_error_of_ours_is_taken_at_its_word(hooked):
    kernel, _ = hooked("""
        @hookimpl
        def eventlite_before_append(events):
            raise InvalidEventError("the office is closed")
    """)
    with pytest.raises(InvalidEventError, match="the office is closed"):
        kernel.append("late")
    assert kernel.head() == 0


def test_bulk_appends_stop_at_a_batch_that_a_hook_refuses(hooked):
    kernel, _ = hooked("""
        @hookimpl
        def eventlite_before_append(events):
            seen.append(len(events))
            if len(seen) == 3:
                raise ValueError("enough")
    """)
    with pytest.raises(PluginError, match="enough") as caught:
        kernel.append_bulk([NewEvent("n") for _ in range(50)], batch_size=10)
    assert caught.value.report.count == kernel.head() == 20


# --- after an append


AFTER = """
    @hookimpl
    def eventlite_after_append(events):
        seen.append([(event.id, event.cmd, event.data) for event in events])
"""


def test_a_hook_is_told_once_per_batch_what_was_stored(hooked):
    kernel, module = hooked(AFTER)
    kernel.append("one", {"n": 1})
    kernel.append_many([NewEvent("two"), NewEvent("three")])
    kernel.append_bulk([NewEvent("more") for _ in range(5)], batch_size=3)
    assert module.seen == [
        [(1, "one", {"n": 1})],
        [(2, "two", {}), (3, "three", {})],
        [(4, "more", {}), (5, "more", {}), (6, "more", {})],
        [(7, "more", {}), (8, "more", {})],
    ]


def test_a_hook_is_not_told_of_what_was_refused_or_known(hooked):
    kernel, module = hooked(AFTER)
    kernel.append("paid", key="k")
    kernel.append("paid", key="k")
    with pytest.raises(ConflictError):
        kernel.append("late", condition=Condition(Query(cmd="paid")))
    assert kernel.append_many([]) == []
    assert [batch[0][:2] for batch in module.seen] == [(1, "paid")]


def test_a_hook_is_told_of_a_transaction_when_it_is_done_and_not_when_it_is_undone(hooked):
    kernel, module = hooked(AFTER)
    with kernel.transaction() as transaction:
        transaction.append(kernel.prepare([NewEvent("one")]))
        transaction.append(kernel.prepare([NewEvent("two")]))
        assert module.seen == []
    with pytest.raises(ZeroDivisionError), kernel.transaction() as transaction:
        transaction.append(kernel.prepare([NewEvent("undone")]))
        1 / 0  # noqa: B018
    assert module.seen == [[(1, "one", {}), (2, "two", {})]]


def test_a_hook_may_read_what_it_is_told_of(install, profile):
    module = install(
        "watcher",
        """
        @hookimpl
        def eventlite_opened(kernel):
            seen.append(kernel)
        @hookimpl
        def eventlite_after_append(events):
            seen.append([seen[0].get(event.id) for event in events] == list(events))
        """,
    )
    with Kernel.from_profile(profile("watcher")) as kernel:
        kernel.append("one")
    assert module.seen[1:] == [True]
    module.seen.clear()


def test_a_hook_that_raises_after_an_append_is_logged_with_its_name_and_the_others_are_told(install, profile, caplog):
    install("failing", "@hookimpl\ndef eventlite_after_append(events):\n    raise RuntimeError('too late')\n")
    module = install("watcher", AFTER)
    with Kernel.from_profile(profile("failing", "watcher")) as kernel, caplog.at_level(logging.ERROR, "eventlite"):
        event = kernel.append("one")
        assert kernel.get(event.id) == event
    assert module.seen == [[(1, "one", {})]]
    (record,) = caplog.records
    assert "failing (failing 1.0) failed after the append" in record.message
    assert "too late" in caplog.text


# --- opening and closing


def test_hooks_meet_a_kernel_when_it_is_ready_and_before_it_closes(hooked):
    kernel, module = hooked("""
        @hookimpl
        def eventlite_opened(kernel):
            seen.append(("opened", kernel.append("opened").id))
        @hookimpl
        def eventlite_closing(kernel):
            seen.append(("closing", kernel.head()))
    """)
    kernel.append("one")
    kernel.close()
    kernel.close()
    assert module.seen == [("opened", 1), ("closing", 2)]


def test_a_hook_that_raises_refuses_the_opening_and_everything_is_released(install, profile, tmp_path):
    install("strict", "@hookimpl\ndef eventlite_opened(kernel):\n    raise RuntimeError('not on a Monday')\n")
    path = tmp_path / "events.db"
    with pytest.raises(PluginError, match=r"strict \(strict 1.0\).*RuntimeError: not on a Monday"):
        Kernel.from_profile(profile("strict"), storage={"plugin": "sqlite", "path": str(path)})
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("events")] == ["events.db"]


def test_a_hook_that_raises_at_the_end_is_logged_and_the_kernel_closes(install, profile, caplog):
    install("failing", "@hookimpl\ndef eventlite_closing(kernel):\n    raise RuntimeError('not now')\n")
    with caplog.at_level(logging.ERROR, "eventlite"), Kernel.from_profile(profile("failing")) as kernel:
        pass
    assert "failing (failing 1.0) failed while the kernel was closing" in caplog.text
    with pytest.raises(Exception, match="closed"):
        kernel.head()


def test_several_extensions_are_called_in_the_order_of_the_profile(install, profile):
    source = """
        @hookimpl
        def eventlite_before_append(events):
            events[0].data = {"by": (events[0].data or {}).get("by", []) + [__name__]}
    """
    for name in ("first", "second", "third"):
        install(name, source)
    with Kernel.from_profile(profile("second", "first", "third")) as kernel:
        assert kernel.append("one").data == {"by": ["second", "first", "third"]}


# --- wrapping a component


def test_an_extension_can_wrap_the_storage(hooked):
    kernel, module = hooked("""
        class Counting:
            def __init__(self, storage):
                self._storage = storage
            def commit(self, requests):
                seen.append(len(requests))
                return self._storage.commit(requests)
            def __getattr__(self, name):
                return getattr(self._storage, name)
        @hookimpl(wrapper=True)
        def eventlite_make_storage(settings):
            return Counting((yield))
    """)
    kernel.append("one")
    kernel.append_many([NewEvent("two"), NewEvent("three")])
    assert module.seen == [1, 1]
    assert kernel.count() == 3
    assert type(kernel.storage).__name__ == "Counting"
