from __future__ import annotations

import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlite.cli.output import safe, size, to_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\x1b\x9b\x00\x7f\n\r\u202e\u2028"))


def obeyed(character: str) -> bool:
    """Whether a terminal would do something else than show it."""
    return unicodedata.category(character) in {"Cc", "Zl", "Zp"} or unicodedata.bidirectional(character) in {
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    }  # fmt: skip


@given(TEXTS)
def test_safe_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    assert not any(map(obeyed, safe(text)))


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("\x1b[31mred", r"\x1b[31mred"), ("a\nb\tc", r"a\nb\tc"), ("\x9b2J", r"\x9b2J"), ("\udc80", r"\udc80")],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.dictionaries(TEXTS, TEXTS))
def test_json_keeps_every_value_and_holds_nothing_that_a_terminal_obeys(value: dict[str, str]) -> None:
    text = to_json(value)
    assert orjson.loads(text) == value
    assert not any(map(obeyed, text.decode()))


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (1023, "1,023 bytes"), (1024, "1.0 KiB"), (5 * 2**30, "5.0 GiB"), (2**50, "1,024.0 TiB")],
)
def test_sizes_are_for_people(count: int, shown: str) -> None:
    assert size(count) == shown
