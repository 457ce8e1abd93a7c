"""A profile builds on others, by name or path, in a chain without circles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eventlite.profile import Profile, load_profile

Words = Callable[..., str]
Load = Callable[..., Profile]
Write = Callable[[str, str], Path]


def test_what_a_profile_does_not_say_it_inherits(load: Load) -> None:
    profile = load("[profile]\nextends = 'high-volume'\n[storage]\npath = 'mine.db'\n")
    assert profile.sections["storage"] == {
        "plugin": "sqlite",
        "path": "mine.db",
        "synchronous": "normal",
        "page_size": 8192,
        "checkpoint_pages": 8000,
    }
    assert profile.sections["caching"] == {"plugin": "none"}
    assert (profile.verify_reads, profile.extends) == (False, ("high-volume",))


def test_its_name_and_description_are_its_own(load: Load) -> None:
    profile = load("[profile]\nextends = 'balanced'\n")
    assert (profile.name, profile.description) == ("app", "")


def test_a_chain_is_followed_to_its_end_the_nearest_winning(write: Write) -> None:
    write("base.toml", "[profile]\nextends = 'balanced'\n[caching]\nmax_size = 1\nttl = 1.0\n")
    write("middle.toml", "[profile]\nextends = './base.toml'\n[caching]\nmax_size = 2\n")
    profile = load_profile(write("top.toml", "[profile]\nextends = 'middle.toml'\n"), environ={})
    assert profile.sections["caching"] == {"plugin": "dogpile", "max_size": 2, "ttl": 1.0}
    assert [Path(each).name for each in profile.extends] == ["middle.toml", "base.toml", "balanced"]


def test_a_path_is_relative_to_the_file_that_names_it(write: Write) -> None:
    write("shared/base.toml", "[profile]\nextends = '../root.toml'\n")
    write("root.toml", "[storage]\npath = 'root.db'\n")
    top = write("teams/app.toml", "[profile]\nextends = '../shared/base.toml'\n")
    assert load_profile(top, environ={}).sections["storage"]["path"] == "root.db"


def test_a_file_may_have_the_name_of_the_built_in_profile_it_extends(write: Write) -> None:
    mine = write("balanced.toml", "[profile]\nextends = 'balanced'\n[storage]\npath = 'mine.db'\n")
    profile = load_profile(mine, environ={})
    assert (profile.sections["storage"]["path"], profile.extends) == ("mine.db", ("balanced",))


def test_another_plugin_replaces_the_inherited_section_whole(load: Load) -> None:
    profile = load("[profile]\nextends = 'balanced'\n[storage]\nplugin = 'memory'\n[caching]\nplugin = 'acme'\nx = 1\n")
    assert profile.sections["storage"] == {"plugin": "memory"}
    assert profile.sections["caching"] == {"plugin": "acme", "x": 1}


def test_the_same_plugin_named_again_replaces_nothing(load: Load) -> None:
    profile = load("[profile]\nextends = 'balanced'\n[caching]\nplugin = 'dogpile'\nttl = 1.0\n")
    assert profile.sections["caching"] == {"plugin": "dogpile", "max_size": 1000, "ttl": 1.0}


def test_tables_merge_and_lists_replace(write: Write) -> None:
    write("base.toml", "[indexing]\nindexes = ['cmd', 'user']\n[indexing.paths]\norder = 'data.order'\nx = 'data.x'\n")
    text = "[profile]\nextends = './base.toml'\n[indexing]\nindexes = ['version']\npaths = { x = 'data.y', z = 'a' }\n"
    indexing = load_profile(write("top.toml", text), environ={}).sections["indexing"]
    assert indexing["indexes"] == ["version"]
    assert indexing["paths"] == {"order": "data.order", "x": "data.y", "z": "a"}


def test_a_value_replaces_a_table_and_a_table_a_value(write: Write) -> None:
    write("base.toml", "[storage]\na = 1\n[storage.b]\nc = 2\n")
    text = "[profile]\nextends = './base.toml'\n[storage]\nb = 3\na = { d = 4 }\n"
    profile = load_profile(write("top.toml", text), environ={})
    assert profile.sections["storage"] == {"plugin": "sqlite", "a": {"d": 4}, "b": 3}
    assert "storage.b.c" not in profile.origins


def test_extensions_and_verify_reads_are_inherited(write: Write) -> None:
    write("base.toml", "[profile]\nextensions = ['metrics', 'audit']\nverify_reads = false\n")
    inherited = load_profile(write("same.toml", "[profile]\nextends = './base.toml'\n"), environ={})
    assert (inherited.extensions, inherited.verify_reads) == (("metrics", "audit"), False)
    text = "[profile]\nextends = './base.toml'\nextensions = []\nverify_reads = true\n"
    replaced = load_profile(write("other.toml", text), environ={})
    assert (replaced.extensions, replaced.verify_reads) == ((), True)


def test_without_extends_there_are_only_the_defaults(load: Load) -> None:
    profile = load("")
    assert {name: dict(section) for name, section in profile.sections.items()} == {
        "storage": {"plugin": "sqlite"},
        "indexing": {"plugin": "declared"},
        "caching": {"plugin": "dogpile"},
        "bulk": {"plugin": "files"},
        "jobs": {"plugin": "durable"},
    }
    assert (profile.extends, profile.extensions, profile.verify_reads) == ((), (), True)
    assert profile.origins["storage.plugin"].kind == "default"


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_circle_is_refused_and_shown(names: list[str], write: Write, refusal: Words) -> None:
    for name, following in zip(names, [*names[1:], names[0]], strict=True):
        write(f"{name}.toml", f"[profile]\nextends = './{following}.toml'\n")
    words = refusal(load_profile, "./a.toml", environ={})
    assert f"{names[-1]}.toml: profile.extends: the profiles extend one another in a circle: " in words
    assert words.endswith(" -> ".join(f"{name}.toml" for name in [*names, "a"]))


def test_a_circle_is_seen_through_a_link(folder: Path, write: Write, refusal: Words) -> None:
    write("a.toml", "[profile]\nextends = './link.toml'\n")
    (folder / "link.toml").symlink_to(folder / "a.toml")
    assert "in a circle" in refusal(load_profile, "./a.toml", environ={})


def test_an_unknown_name_is_refused_with_file_key_and_suggestion(load: Load, refusal: Words, folder: Path) -> None:
    words = refusal(load, "[profile]\nextends = 'querry-optimized'\n")
    assert words.startswith(f"{folder / 'app.toml'}: profile.extends: no profile is named 'querry-optimized'\n")
    assert "Did you mean 'query-optimized'?" in words


def test_a_missing_file_is_refused_with_file_key_and_suggestion(load: Load, refusal: Words, write: Write) -> None:
    write("base.toml", "")
    words = refusal(load, "[profile]\nextends = './bsae.toml'\n")
    assert "app.toml: profile.extends: there is no file " in words
    assert "Did you mean 'base.toml'?" in words


def test_what_is_wrong_further_up_is_said_of_that_file(write: Write, load: Load, refusal: Words) -> None:
    write("base.toml", "[cachng]\n")
    words = refusal(load, "[profile]\nextends = './base.toml'\n")
    assert "base.toml: cachng: there is no such section" in words
    assert "app.toml" not in words
