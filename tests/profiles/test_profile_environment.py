"""Environment variables set what a profile sets, as text that the plugin's model reads; a misspelt one is an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from eventlite.profile import Profile, load_profile, validated

Words = Callable[..., str]
Model = type[BaseModel]


def loaded(environ: dict[str, str]) -> Profile:
    return load_profile("balanced", environ=environ)


@pytest.fixture
def setting(load: Callable[..., Profile], model: Model) -> Callable[[str, str], Any]:
    """What a variable of the storage section makes of one setting."""

    def read(variable: str, text: str) -> Any:
        profile = load("", {f"EVENTLITE_STORAGE__{variable}": text})
        return getattr(validated(profile, "storage", model), variable.partition("__")[0].lower())

    return read


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("PATH", "app.db", Path("app.db")),
        ("PATH", "123", Path("123")),
        ("PATH", '{"odd": 1}', Path('{"odd": 1}')),
        ("PATH", "", Path()),
        ("SYNCHRONOUS", "normal", "normal"),
        ("WORKERS", "8", 8),
        ("BUSY_TIMEOUT", "5", 5.0),
        ("BUSY_TIMEOUT", "0.5", 0.5),
        ("CREATE", "false", False),
        ("CREATE", "0", False),
        ("CREATE", "on", True),
        ("HOSTS", '["a", "b"]', ["a", "b"]),
        ("TABLES", '{"a": "b"}', {"a": "b"}),
        ("TABLES__A", "b", {"a": "b"}),
    ],
)
def test_text_is_read_as_what_the_model_wants(
    variable: str, text: str, value: object, setting: Callable[[str, str], Any]
) -> None:
    assert setting(variable, text) == value


def test_a_table_inside_a_model_is_reached(setting: Callable[[str, str], Any]) -> None:
    assert setting("POOL__MAX_SIZE", "9").model_dump() == {"max_size": 9, "min_size": 1}


@pytest.mark.parametrize("name", ["EVENTLITE_STORAGE__PATH", "eventlite_storage__path", "Eventlite_Storage__Path"])
def test_a_name_may_be_in_any_case(name: str) -> None:
    assert load_profile(environ={name: "a.db"}).sections["storage"]["path"] == "a.db"


def test_a_variable_adds_to_a_table_and_json_replaces_it(load: Callable[..., Profile], model: Model) -> None:
    text = "[storage.tables]\na = 'file'\n"
    added = validated(load(text, {"EVENTLITE_STORAGE__TABLES__B": "x"}), "storage", model)
    replaced = validated(load(text, {"EVENTLITE_STORAGE__TABLES": '{"b": "x"}'}), "storage", model)
    assert added.model_dump()["tables"] == {"a": "file", "b": "x"}
    assert replaced.model_dump()["tables"] == {"b": "x"}


def test_the_header_can_be_set_as_far_as_it_is_inherited() -> None:
    environ = {"EVENTLITE_PROFILE__VERIFY_READS": "off", "EVENTLITE_PROFILE__EXTENSIONS": '["metrics"]'}
    profile = load_profile("balanced", environ=environ)
    assert (profile.verify_reads, profile.extensions) == (False, ("metrics",))


@pytest.mark.parametrize(
    "name",
    ["EVENTLITE_PROFILE", "EVENTLITE_DEBUG", "EVENTLITE_MY_OWN_THING", "EVENTLITE_TEST_SEED", "EVENTLITE_TEST__X",
     "EVENTLITE_TEST_A__B", "OTHER_EVENTLITE_STORGE__X", "EVENTLITESTORGE__X"],
)  # fmt: skip
def test_other_names_are_left_alone(name: str) -> None:
    assert load_profile("balanced", environ={name: "balanced"}).sections["storage"]["path"] == "./eventlite.db"


def test_an_unknown_section_is_refused_with_the_variable_and_a_suggestion(refusal: Words) -> None:
    words = refusal(loaded, {"EVENTLITE_STORGE__PATH": "a.db"})
    assert words == (
        "environment variable EVENTLITE_STORGE__PATH: storge: there is no such section\n  Did you mean 'storage'?"
    )


def test_an_unknown_key_is_refused_with_the_variable_and_a_suggestion(refusal: Words, model: Model) -> None:
    profile = load_profile("balanced", environ={"EVENTLITE_STORAGE__PAGESIZE": "8192"})
    words = refusal(validated, profile, "storage", model)
    assert words == (
        "environment variable EVENTLITE_STORAGE__PAGESIZE: storage.pagesize: not a setting of the storage plugin "
        "'sqlite'\n  Did you mean 'page_size'?"
    )


def test_a_key_of_the_header_that_is_a_files_own_is_refused(refusal: Words) -> None:
    words = refusal(loaded, {"EVENTLITE_PROFILE__VERIFY_READ": "off"})
    assert "EVENTLITE_PROFILE__VERIFY_READ: profile.verify_read: cannot be set from outside of a profile" in words
    assert "Did you mean 'verify_reads'?" in words


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("maybe", 'EVENTLITE_PROFILE__VERIFY_READS: profile.verify_reads: should be a valid boolean'),
        ("", 'EVENTLITE_PROFILE__VERIFY_READS: profile.verify_reads: should be a valid boolean'),
    ],
)  # fmt: skip
def test_a_wrong_value_for_the_header_is_refused(text: str, complaint: str, refusal: Words) -> None:
    assert complaint in refusal(loaded, {"EVENTLITE_PROFILE__VERIFY_READS": text})


@pytest.mark.parametrize(
    ("variable", "text", "complaint"),
    [
        ("BUSY_TIMEOUT", "soon", "storage.busy_timeout: should be a valid number"),
        ("BUSY_TIMEOUT", "-1", "storage.busy_timeout: should be greater than 0"),
        ("PAGE_SIZE", "8193", "storage.page_size: should be 4096 or 8192"),
        ("SYNCHRONOUS", "of", "storage.synchronous: should be 'normal' or 'full', not \"of\""),
        ("HOSTS", "a, b", 'storage.hosts: should be JSON\n  For example ["a", "b"] for a list'),
        ("HOSTS", "[1]", "storage.hosts.0: should be a valid string, not 1"),
        ("HOSTS", "[" * 100_000, "storage.hosts: should be JSON"),
        ("POOL__MAX_SIZ", "1", "storage.pool.max_siz: not a setting of the storage plugin 'sqlite'\n  Did you mean"),
    ],
)
def test_a_wrong_value_is_refused_with_the_variable(
    variable: str, text: str, complaint: str, refusal: Words, model: Model
) -> None:
    profile = load_profile("high-volume", environ={f"EVENTLITE_STORAGE__{variable}": text})
    words = refusal(validated, profile, "storage", model)
    assert words.startswith(f"environment variable EVENTLITE_STORAGE__{variable}: {complaint}")


@pytest.mark.parametrize("name", ["EVENTLITE_STORAGE__", "EVENTLITE_STORAGE__A____B", f"EVENTLITE_JOBS{'__A' * 9999}"])
def test_a_name_without_a_setting_is_refused(name: str, refusal: Words) -> None:
    words = refusal(loaded, {name: "x"})
    assert f"environment variable {name}: " in words
    assert "names no setting" in words
    assert "EVENTLITE_SECTION__KEY" in words


@pytest.mark.parametrize(
    "pair",
    [
        ("EVENTLITE_STORAGE__PATH", "eventlite_storage__path"),
        ("EVENTLITE_STORAGE__TABLES", "EVENTLITE_STORAGE__TABLES__A"),
        ("EVENTLITE_STORAGE__TABLES__A__B", "EVENTLITE_STORAGE__TABLES"),
    ],
)
def test_two_variables_that_say_the_same_are_refused(pair: tuple[str, str], refusal: Words) -> None:
    words = refusal(loaded, dict.fromkeys(pair, "x"))
    assert f"environment variable {pair[1]}: " in words
    assert f"clashes with environment variable {pair[0]}" in words


@pytest.mark.parametrize(("variable", "text"), [("PLUGIN", ""), ("PLUGIN__NAME", "sqlite")])
def test_a_plugin_that_is_no_name_is_refused(variable: str, text: str, refusal: Words) -> None:
    words = refusal(loaded, {f"EVENTLITE_STORAGE__{variable}": text})
    assert (
        f"environment variable EVENTLITE_STORAGE__{variable}: storage.plugin: should be the name of a plugin" in words
    )


def test_every_wrong_variable_is_said_at_once(refusal: Words) -> None:
    words = refusal(loaded, {"EVENTLITE_STORGE__A": "1", "EVENTLITE_CACHE__TTL": "1", "EVENTLITE_JOBS__": "1"})
    assert words.startswith("3 settings cannot be used:")
    assert all(key in words for key in ("storge: ", "cache: ", "jobs.: ", "'storage'?", "'caching'?"))
