"""Opening, closing, and the thread that is inside a transaction."""

from __future__ import annotations

import gc
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventlite import EventLiteError, Kernel, NewEvent, StoreClosedError

NEVER_CLOSED = """
import sys
from eventlite import Kernel
kernel = Kernel.from_profile(storage={"plugin": sys.argv[1]})
print(kernel.append("a").id)
"""


def test_a_closed_kernel_answers_nothing_and_opens_no_more(sections: dict[str, dict[str, Any]]) -> None:
    with Kernel.from_profile("balanced", **sections) as kernel:
        event = kernel.append("x")
        assert kernel.get(event.id) == event  # in the cache from here on
    kernel.close()
    for call in (lambda: kernel.get(event.id), kernel.head, lambda: kernel.append("y"), kernel.__enter__):
        with pytest.raises(StoreClosedError):
            call()


def test_a_kernel_left_open_warns(tmp_path: Path) -> None:
    kernel = Kernel.from_profile("balanced", storage={"path": str(tmp_path / "a.db")})
    with pytest.warns(ResourceWarning, match="never closed"):
        del kernel
        gc.collect()


@pytest.mark.parametrize("storage", ["sqlite", "memory"])
def test_a_program_that_never_closes_its_kernel_ends_in_silence(
    start: Callable[..., subprocess.Popen[str]], storage: str
) -> None:
    output, errors = start(NEVER_CLOSED, storage).communicate(timeout=60)
    assert (output, errors) == ("1\n", "")


def test_appending_beside_ones_own_transaction_is_refused_even_if_others_append(tmp_path: Path) -> None:
    """The other thread waits for the transaction; waiting for that thread in turn would be for ever."""
    with Kernel.from_profile("balanced", storage={"path": str(tmp_path / "a.db")}) as kernel:
        other = threading.Thread(target=kernel.append, args=("other",))
        with kernel.transaction():
            other.start()
            time.sleep(0.05)
            with pytest.raises(EventLiteError, match="inside a transaction"):
                kernel.append("mine")
            with pytest.raises(EventLiteError, match="inside a transaction"):
                kernel.append_bulk([NewEvent("mine")])
            with pytest.raises(EventLiteError, match="inside a transaction"), kernel.transaction():
                pass
        other.join(30)
        assert [event.cmd for event in kernel.read()] == ["other"]
        kernel.append("mine")
