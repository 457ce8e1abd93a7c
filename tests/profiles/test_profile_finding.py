"""A profile is found by name, by path or by EVENTLITE_PROFILE, or the error says what may have been meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eventlite.profile import builtin_profiles, load_profile, naming

Words = Callable[..., str]
Write = Callable[[str, str], Path]


def test_without_a_name_it_is_balanced() -> None:
    assert load_profile(environ={}).name == "balanced"


def test_a_name_is_that_of_a_built_in_profile() -> None:
    assert load_profile("high-volume", environ={}).sections["storage"]["page_size"] == 8192


@pytest.mark.parametrize("given", ["app.toml", "./app.toml", "conf/../app.toml", Path("app.toml")])
def test_a_path_is_a_file(given: str | Path, folder: Path, write: Write) -> None:
    (folder / "conf").mkdir()
    write("app.toml", "[storage]\npath = 'mine.db'\n")
    assert load_profile(given, environ={}).sections["storage"]["path"] == "mine.db"


def test_a_file_without_the_suffix_is_found_by_a_path_with_a_slash(write: Write) -> None:
    write("app", "[profile]\nname = 'mine'\n")
    assert load_profile("./app", environ={}).name == "mine"


def test_a_path_may_start_at_home(write: Write, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    write("app.toml", "")
    assert load_profile("~/app.toml", environ={}).name == "app"


def test_a_profile_is_called_after_its_file_unless_it_says_otherwise(write: Write) -> None:
    assert load_profile(write("app.toml", ""), environ={}).name == "app"
    assert load_profile(write("app.toml", "[profile]\nname = 'other'\n"), environ={}).name == "other"


@pytest.mark.parametrize("variable", ["EVENTLITE_PROFILE", "eventlite_profile"])
def test_the_environment_names_a_profile(variable: str, write: Write) -> None:
    write("app.toml", "")
    assert load_profile(environ={variable: "high-volume"}).name == "high-volume"
    assert load_profile(environ={variable: "./app.toml"}).name == "app"


def test_an_argument_comes_before_the_environment() -> None:
    assert load_profile("balanced", environ={"EVENTLITE_PROFILE": "no such profile"}).name == "balanced"


def test_an_empty_variable_names_nothing() -> None:
    assert load_profile(environ={"EVENTLITE_PROFILE": ""}).name == "balanced"


def test_an_unknown_name_is_refused_with_a_suggestion_and_the_list(refusal: Words) -> None:
    words = refusal(load_profile, "balancd", environ={})
    assert words.startswith("keyword argument profile: no profile is named 'balancd'")
    assert "Did you mean 'balanced'?" in words
    assert all(name in words for name in builtin_profiles())


def test_an_unknown_name_in_the_environment_is_refused_with_the_variable(refusal: Words) -> None:
    words = refusal(load_profile, environ={"EVENTLITE_PROFILE": "hi-volume"})
    assert words.startswith("environment variable EVENTLITE_PROFILE: no profile is named 'hi-volume'")
    assert "Did you mean 'high-volume'?" in words


@pytest.mark.parametrize("name", ["", "..", "balanced\n", "balanced\0", "x" * 10_000, "BALANCED"])
def test_a_strange_name_is_refused_like_any_unknown_one(name: str, refusal: Words) -> None:
    assert f"no profile is named {name!r}" in refusal(load_profile, name, environ={})


def test_a_missing_file_is_refused_with_the_one_that_was_meant(refusal: Words, write: Write) -> None:
    write("production.toml", "")
    write("staging.toml", "")
    words = refusal(load_profile, "./prodution.toml", environ={})
    assert "there is no file 'prodution.toml'" in words
    assert "Did you mean 'production.toml'?" in words


def test_a_missing_file_is_refused_with_those_that_are_there(refusal: Words, write: Write) -> None:
    write("staging.toml", "")
    assert "Profiles there: staging.toml." in refusal(load_profile, "./xyz.toml", environ={})
    assert "Profiles there: none." in refusal(load_profile, "nowhere/xyz.toml", environ={})


def test_the_name_of_a_built_in_profile_with_a_suffix_is_refused_with_the_name(refusal: Words) -> None:
    assert "Did you mean 'balanced'?" in refusal(load_profile, "balanced.toml", environ={})


@pytest.mark.parametrize("path", ["./x\0.toml", f"./{'x' * 10_000}.toml"])
def test_a_path_that_cannot_be_one_is_refused(path: str, refusal: Words) -> None:
    assert "keyword argument profile: " in refusal(load_profile, path, environ={})


def test_a_directory_is_refused(refusal: Words, folder: Path) -> None:
    (folder / "app.toml").mkdir()
    assert "app.toml: the profile cannot be read: Is a directory" in refusal(load_profile, "./app.toml", environ={})


def test_a_default_that_is_not_there_is_not_blamed_on_the_environment(
    refusal: Words, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "builtin_folder", lambda: folder)
    assert refusal(load_profile, environ={}).startswith("the default profile: no profile is named 'balanced'")
