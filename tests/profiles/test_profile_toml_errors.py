"""What is wrong with the file itself is said with file, line and column, or with file and dotted key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eventlite.profile import Profile, load_profile

Words = Callable[..., str]
Load = Callable[..., Profile]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("[storage]\npath = \n", 2, 8),
        ("[storage]\n\npath = 'a' 'b'\n", 3, 12),
        ("[storage\n", 1, 9),
        ("[storage]\npath = 'a'\npath = 'b'\n", 3, 11),
        ("[storage]\n[storage]\n", 2, 9),
        ("[storage]\nhosts = [1,", 2, 12),
        ('[storage]\npath = """never closed\n', 3, 1),
    ],
)
def test_bad_toml_is_refused_with_file_line_and_column(
    text: str, line: int, column: int, load: Load, refusal: Words, folder: Path
) -> None:
    assert refusal(load, text).startswith(f"{folder / 'app.toml'}, line {line}, column {column}: not TOML: ")


def test_what_is_not_utf_8_is_refused_with_line_and_column(folder: Path, refusal: Words) -> None:
    (folder / "app.toml").write_bytes(b"[storage]\npath = 'caf\xe9'\n")
    words = refusal(load_profile, "./app.toml", environ={})
    assert words == "app.toml, line 2, column 12: not TOML: not UTF-8 text"


def test_a_byte_order_mark_and_windows_line_ends_are_fine(folder: Path) -> None:
    (folder / "app.toml").write_bytes(b"\xef\xbb\xbf[storage]\r\npath = 'a.db'\r\n")
    assert load_profile("./app.toml", environ={}).sections["storage"]["path"] == "a.db"


@pytest.mark.parametrize(
    "text",
    [
        f"[storage]\nn = {'9' * 5000}\n",
        "[storage]\nn = 0000-01-01\n",
        f"[storage]\nn = {'[' * 100_000}\n",
        f"[storage.{'.'.join('a' * 5000)}]\n",
        f"[storage]\n{'.'.join('a' * 2_000)} = 1\n",
        f"[storage]\nn = {'[' * 100}{']' * 100}\n",
        "#" * (2**16 + 1),
    ],
    ids=["digits", "year 0", "brackets", "deep section", "deep key", "deep list", "large file"],
)
def test_what_would_break_a_parser_is_refused(text: str, load: Load, refusal: Words) -> None:
    assert "app.toml" in refusal(load, text)


def test_an_unknown_section_is_refused_with_a_suggestion(load: Load, refusal: Words, folder: Path) -> None:
    words = refusal(load, "[storge]\npath = 'a.db'\n")
    assert words == f"{folder / 'app.toml'}: storge: there is no such section\n  Did you mean 'storage'?"


def test_a_control_character_in_a_name_is_not_passed_on(load: Load, refusal: Words) -> None:
    words = refusal(load, '["\\u001b[31m\\n"]\n')
    assert "app.toml: '\\x1b[31m\\n': there is no such section" in words


def test_an_unknown_section_that_is_like_no_other_is_refused_with_the_list(load: Load, refusal: Words) -> None:
    assert "Known: profile, storage, indexing, caching, bulk, jobs." in refusal(load, "[zzz]\n")


@pytest.mark.parametrize("text", ["storage = 'app.db'\n", "storage = []\n", "[[storage]]\npath = 'app.db'\n"])
def test_a_section_that_is_no_table_is_refused(text: str, load: Load, refusal: Words) -> None:
    words = refusal(load, text)
    assert "app.toml: storage: should be a table" in words
    assert "[storage]" in words


@pytest.mark.parametrize("plugin", ["5", "''", "['sqlite']", "{ env = 'PLUGIN' }"])
def test_a_plugin_that_is_no_name_is_refused(plugin: str, load: Load, refusal: Words) -> None:
    words = refusal(load, f"[storage]\nplugin = {plugin}\n")
    assert "app.toml: storage.plugin: should be the name of a plugin, as text" in words


def test_an_unknown_key_of_the_header_is_refused_with_a_suggestion(load: Load, refusal: Words, folder: Path) -> None:
    words = refusal(load, "[profile]\nextend = 'balanced'\n")
    assert words.startswith(f"{folder / 'app.toml'}: profile.extend: not a setting of [profile]\n")
    assert words.endswith("Did you mean 'extends'?")


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("name = 5", "profile.name: should be a valid string, not 5"),
        ("name = ''", "profile.name: String should have at least 1 character"),
        ("extends = ['balanced']", "profile.extends: should be a valid string"),
        ("extensions = 'acme'", 'profile.extensions: should be a valid array, not "acme"'),
        ("extensions = [1]", "profile.extensions.0: should be a valid string, not 1"),
        ("verify_reads = 'yes'", 'profile.verify_reads: should be a valid boolean, not "yes"'),
        ("verify_reads = 1", "profile.verify_reads: should be a valid boolean, not 1"),
        ("description = { env = 'HOME' }", "profile.description: should be a valid string"),
    ],
)
def test_a_wrong_type_in_the_header_is_refused(setting: str, complaint: str, load: Load, refusal: Words) -> None:
    assert f"app.toml: {complaint}" in refusal(load, f"[profile]\n{setting}\n")


def test_a_setting_of_the_header_above_it_is_told_where_it_belongs(load: Load, refusal: Words) -> None:
    words = refusal(load, "extends = 'balanced'\n")
    assert "app.toml: extends: stands outside of every section" in words
    assert "below [profile]" in words


def test_everything_that_is_wrong_is_said_at_once(load: Load, refusal: Words) -> None:
    words = refusal(load, "jobs = 1\n[profile]\nnam = 'x'\nverify_reads = 'no'\n[storge]\n[caching]\nplugin = 1\n")
    keys = ("jobs", "profile.nam", "profile.verify_reads", "storge", "caching.plugin")
    assert words.startswith("5 settings cannot be used:")
    assert all(f"app.toml: {key}: " in words for key in keys)
    assert "Did you mean 'name'?" in words
    assert "Did you mean 'storage'?" in words
