"""Keyword arguments are settings by section; what is not is refused with its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from eventlite.profile import load_profile, validated

Words = Callable[..., str]


def loaded(overrides: Any) -> object:
    return load_profile("balanced", overrides, {})


def test_a_path_object_is_a_path(model: type[BaseModel]) -> None:
    profile = load_profile("high-volume", {"storage": {"path": Path("a") / "b.db"}}, {})
    assert validated(profile, "storage", model).model_dump()["path"] == Path("a/b.db")


def test_the_header_can_be_set_as_far_as_it_is_inherited() -> None:
    profile = load_profile("balanced", {"profile": {"verify_reads": False, "extensions": ["metrics"]}}, {})
    assert (profile.verify_reads, profile.extensions) == (False, ("metrics",))


def test_an_unknown_section_is_refused_with_a_suggestion(refusal: Words) -> None:
    words = refusal(loaded, {"storge": {"path": "a.db"}})
    assert words == "keyword argument storge: storge: there is no such section\n  Did you mean 'storage'?"


@pytest.mark.parametrize("section", ["app.db", None, 5, ["path"]])
def test_a_section_that_is_no_mapping_is_refused(section: object, refusal: Words) -> None:
    words = refusal(loaded, {"storage": section})
    kind = type(section).__name__
    assert words.startswith(f"keyword argument storage: storage: should be a mapping, not {kind}\n")
    assert "storage={" in words


@pytest.mark.parametrize("plugin", [None, 5, "", ["sqlite"]])
def test_a_plugin_that_is_no_name_is_refused(plugin: object, refusal: Words) -> None:
    words = refusal(loaded, {"storage": {"plugin": plugin}})
    assert "keyword argument storage: storage.plugin: should be the name of a plugin, as text" in words


def test_the_name_of_a_setting_must_be_text(refusal: Words) -> None:
    words = refusal(loaded, {"storage": {5: "x"}})
    assert "keyword argument storage: storage.5: the name of a setting is text, not int" in words


def test_a_key_of_the_header_that_is_a_files_own_is_refused(refusal: Words) -> None:
    words = refusal(loaded, {"profile": {"extend": "balanced"}})
    assert "keyword argument profile: profile.extend: cannot be set from outside of a profile" in words
    assert "Did you mean 'extensions'?" in words


def test_an_unknown_key_is_refused_with_a_suggestion(refusal: Words, model: type[BaseModel]) -> None:
    profile = load_profile("balanced", {"storage": {"pagesize": 8192}}, {})
    words = refusal(validated, profile, "storage", model)
    assert words.startswith("keyword argument storage: storage.pagesize: not a setting of the storage plugin 'sqlite'")
    assert "Did you mean 'page_size'?" in words


@pytest.mark.parametrize(
    "value", [object(), "\ud800", len, 10**5000], ids=["object", "surrogate", "function", "digits"]
)
def test_a_value_that_no_profile_could_hold_is_refused(value: object, refusal: Words, model: type[BaseModel]) -> None:
    profile = load_profile("high-volume", {"storage": {"path": value}}, {})
    words = refusal(validated, profile, "storage", model)
    assert f"keyword argument storage: storage.path: a profile cannot hold this {type(value).__name__}" in words


def test_a_mapping_that_holds_itself_is_refused(refusal: Words) -> None:
    endless: dict[str, Any] = {}
    endless["x"] = endless
    assert "keyword argument storage: storage.x: has more than 20 levels" in refusal(loaded, {"storage": endless})


def test_what_is_given_is_not_changed() -> None:
    overrides = {"storage": {"path": "a.db", "tables": {"a": "b"}}}
    load_profile("balanced", overrides, {"EVENTLITE_STORAGE__TABLES__C": "d"})
    assert overrides == {"storage": {"path": "a.db", "tables": {"a": "b"}}}
