from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from eventlite import Event, Kernel


def last() -> dict[str, Any]:
    """The last event of ./eventlite.db."""
    with Kernel.from_profile(create=False) as kernel:
        event = kernel.get(kernel.head())
        assert event is not None
        return event.to_dict()


def test_append_makes_the_store_and_prints_the_id(done: Callable[..., str]) -> None:
    assert done("append", "userRegistered") == "1\n"
    assert done("append", "userRegistered") == "2\n"


def test_all_fields_arrive(done: Callable[..., str]) -> None:
    done("append", "first")
    fields = {"user": "alice", "ip": "192.0.2.1", "key": "k1", "correlation": "c1", "cause": "1", "event-version": "3"}
    options = [word for name, value in fields.items() for word in (f"--{name}", value)]
    done("append", "second", '{"n": 1}', *options, "--tag", "a:1", "--tag", "b:2", "--metadata", '{"m": [null]}')
    event = last()
    assert event.pop("datetime")
    assert event == {
        "id": 2, "version": 3, "user": "alice", "ip": "192.0.2.1", "cmd": "second", "data": {"n": 1},
        "correlation_id": "c1", "causation_id": 1, "metadata": {"m": [None]}, "tags": ["a:1", "b:2"], "key": "k1",
    }  # fmt: skip


def test_a_cause_gives_its_correlation(store: list[Event], done: Callable[..., str]) -> None:
    done("append", "orderReturned", "--cause", "5")
    assert last()["correlation_id"] == store[4].correlation_id


@pytest.mark.parametrize(
    ("words", "data"),
    [
        ([], {}),
        (["{}"], {}),
        ([' {"a": {"b": [1, 2.5, "x"]}}'], {"a": {"b": [1, 2.5, "x"]}}),
        (
            ["a=1", "b=1.5", "c=true", "d=null", 'e="1"', "f=A1", "g="],
            {"a": 1, "b": 1.5, "c": True, "d": None, "e": "1", "f": "A1", "g": ""},
        ),
        (["url=http://x?y=z"], {"url": "http://x?y=z"}),
    ],
)
def test_data_is_json_or_pairs(words: list[str], data: dict[str, Any], done: Callable[..., str]) -> None:
    done("append", "x", *words)
    assert last()["data"] == data


def test_data_comes_from_stdin(done: Callable[..., str]) -> None:
    done("append", "x", "-", input='{"name": "Zoë"}\n')
    assert last()["data"] == {"name": "Zoë"}


@pytest.mark.parametrize(
    "text",
    [
        "", "[1]", "{", '{"a": NaN}', '{"a": Infinity}', '{"a": 1e999}', '{"a": 123456789012345678901234567890}',
        '{"a": "\\ud800"}', '{"a":' * 100_000, '{"a": ' + "9" * 5000 + "}", '{"a": "' + "x" * 17_000_000 + '"}',
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_hostile_input_is_refused_with_a_word(text: str, run: Callable[..., Result]) -> None:
    result = run("append", "x", "-", input=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("eventlite: ")
    assert len(result.stderr) < 500


def test_input_that_is_not_text_is_refused(run: Callable[..., Result]) -> None:
    assert run("append", "x", "-", input=b'{"a": "\xff"}').exit_code == 2


@pytest.mark.parametrize("words", [["a"], ["a=1", "a=2"], ["{}", "a=1"], ["=1"], ["{} {}"], ["null"]])
def test_data_that_is_neither_is_a_usage_error(words: list[str], run: Callable[..., Result]) -> None:
    assert run("append", "x", *words).exit_code == 2


def test_the_same_key_twice_is_one_event(done: Callable[..., str], run: Callable[..., Result]) -> None:
    assert done("append", "x", "n=1", "--key", "k") == done("append", "x", "n=1", "--key", "k") == "1\n"
    assert run("append", "x", "n=2", "--key", "k").exit_code == 4


def test_a_condition_holds_or_refuses(store: list[Event], done: Callable[..., str], run: Callable[..., Result]) -> None:
    condition = ["--if-none-after", "2", "--if-tag", "order:A1"]
    assert done("append", "orderCancelled", "--tag", "order:A1", *condition) == "7\n"
    assert run("append", "orderCancelled", "--tag", "order:A1", *condition).exit_code == 4
    assert done("append", "orderCancelled", *condition, "--if-cmd", "orderRefunded", "--if-cmd", "orderLost") == "8\n"


def test_a_condition_on_everything(store: list[Event], done: Callable[..., str], run: Callable[..., Result]) -> None:
    assert run("append", "x", "--if-none-after", "5").exit_code == 4
    assert done("append", "x", "--if-none-after", "6") == "7\n"


@pytest.mark.parametrize("options", [["--if-tag", "a"], ["--if-cmd", "x"]])
def test_half_a_condition_is_a_usage_error(options: list[str], run: Callable[..., Result]) -> None:
    result = run("append", "x", *options)
    assert result.exit_code == 2
    assert "--if-none-after" in result.stderr


def test_an_unknown_cause_is_refused(store: list[Event], run: Callable[..., Result]) -> None:
    result = run("append", "x", "--cause", "99")
    assert result.exit_code == 2
    assert "event 99" in result.stderr


def test_a_payload_of_any_depth_can_be_appended_and_shown(done: Callable[..., str]) -> None:
    deep = '{"a":' * 253 + "{}" + "}" * 253
    assert json.loads(done("append", "x", deep, "--json"))["data"] == json.loads(deep)
    for verb in (["get", "1"], ["log"], ["log", "--json"], ["tail", "--json"], ["trace", "1", "--json"]):
        assert '"a"' in done(*verb)
