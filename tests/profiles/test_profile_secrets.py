"""Secrets are given by reference, followed only when a plugin needs them, and never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, PostgresDsn, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from eventlite.profile import Profile, listing, load_profile, redacted, validated

Words = Callable[..., str]
Load = Callable[..., Profile]
Model = type[BaseModel]

SECRET = "hunter2/&'\"\\x"
REFERENCE = "[storage]\nplugin = 'acme'\ndsn = { env = 'DATABASE_URL' }\n"


def test_a_reference_is_followed_when_the_section_is_validated(load: Load, model: Model) -> None:
    environ: dict[str, str] = {}
    profile = load(REFERENCE, environ)
    environ["DATABASE_URL"] = SECRET
    assert validated(profile, "storage", model).model_dump()["dsn"] == SECRET
    assert profile.sections["storage"]["dsn"] == {"env": "DATABASE_URL"}


def test_without_an_environment_of_its_own_that_of_the_process_counts(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = load_profile("high-volume", {"storage": {"dsn": {"env": "DATABASE_URL"}}})
    monkeypatch.setenv("DATABASE_URL", SECRET)
    assert validated(profile, "storage", model).model_dump()["dsn"] == SECRET


def test_a_hidden_type_gets_the_secret_itself(load: Load, model: Model) -> None:
    profile = load("[storage]\npassword = { env = 'PW' }\n", {"PW": SECRET})
    assert validated(profile, "storage", model).model_dump()["password"] == SecretStr(SECRET)


def test_references_work_inside_of_lists_and_tables_and_as_numbers(load: Load, model: Model) -> None:
    text = """
        [storage]
        hosts = ["a", { env = "HOST" }]
        tables = { Big = { env = "TABLE" } }
        pool = { max_size = { env = "SIZE" } }
    """
    settings = validated(load(text, {"HOST": "b", "TABLE": "t", "SIZE": "7"}), "storage", model).model_dump()
    assert (settings["hosts"], settings["tables"], settings["pool"]["max_size"]) == (["a", "b"], {"Big": "t"}, 7)


def test_a_reference_replaces_a_value_and_a_value_a_reference(load: Load, model: Model) -> None:
    text = "[storage]\ndsn = { env = 'A' }\npassword = 'x'\n"
    overrides = {"dsn": "plain", "password": {"env": "B"}}
    settings = validated(load(text, {"A": "a", "B": "b"}, storage=overrides), "storage", model).model_dump()
    assert (settings["dsn"], settings["password"].get_secret_value()) == ("plain", "b")


def test_a_missing_variable_is_refused_with_file_key_and_variable(load: Load, model: Model, refusal: Words) -> None:
    words = refusal(validated, load(REFERENCE), "storage", model)
    assert "app.toml: storage.dsn: refers to the environment variable DATABASE_URL, which is not set" in words
    assert "Set DATABASE_URL" in words


@pytest.mark.parametrize(
    "value", ["{ env = 'DATABASE_URL', x = 1 }", "{ env = 5 }", "{ env = 'not a name' }", "{ file = 'x' }"]
)
def test_a_table_that_is_no_reference_is_refused(value: str, load: Load, model: Model, refusal: Words) -> None:
    profile = load(f"[storage]\ndsn = {value}\n", {"DATABASE_URL": SECRET})
    assert "app.toml: storage.dsn: should be a valid string" in refusal(validated, profile, "storage", model)


class Dsn(BaseModel):
    dsn: PostgresDsn


class Number(BaseModel):
    dsn: int


class Telltale(BaseModel):
    """Every way in which a plugin could say too much."""

    dsn: str
    other: str = "x"

    @field_validator("dsn")
    @classmethod
    def _custom(cls, dsn: str) -> str:
        raise PydanticCustomError("acme", "cannot use {dsn}", {"dsn": dsn.upper()})

    @field_validator("other")
    @classmethod
    def _plain(cls, other: str, info: Any) -> str:
        raise ValueError(f"{other} does not go with {info.data}")


class Whole(BaseModel):
    dsn: str

    @model_validator(mode="after")
    def _whole(self) -> Whole:
        raise ValueError(f"cannot use {self!r}, {self.dsn}")


class Plain(BaseModel):
    dsn: str

    @field_validator("dsn")
    @classmethod
    def _plain(cls, dsn: str) -> str:
        raise ValueError(f"{dsn[:8]} is not right")


@pytest.mark.parametrize("refusing", [Dsn, Number, Telltale, Whole, Plain])
@pytest.mark.parametrize(
    ("text", "environ"),
    [
        (REFERENCE, {"DATABASE_URL": f"postgres://me:{SECRET}@"}),
        (REFERENCE, {"DATABASE_URL": SECRET}),
        ("[storage]\nplugin = 'acme'\n", {"EVENTLITE_STORAGE__DSN": f"postgres://me:{SECRET}@"}),
        (f"[storage]\nplugin = 'acme'\ndsn = '''postgres://me:{SECRET}@'''\n", {}),
        (f"[storage]\nplugin = 'acme'\ndsn = ['''{SECRET}''']\n", {}),
    ],
)
def test_no_error_shows_a_secret(
    refusing: Model, text: str, environ: dict[str, str], load: Load, refusal: Words
) -> None:
    words = refusal(validated, load(text, {**environ, "EVENTLITE_STORAGE__OTHER": "y"}), "storage", refusing)
    assert "storage" in words
    assert "hunter2" not in words.lower()


def test_a_misspelt_key_shows_no_secret(load: Load, model: Model, refusal: Words) -> None:
    words = refusal(validated, load(f"[storage]\npasswrod = '''{SECRET}'''\n"), "storage", model)
    assert "Did you mean 'password'?" in words
    assert "hunter2" not in words


def test_no_listing_shows_a_secret(load: Load, model: Model) -> None:
    text = f"{REFERENCE}password = '''{SECRET}'''\nhosts = ['''redis://:{SECRET}@cache''']\n"
    profile = load(text, {"DATABASE_URL": SECRET})
    shown = listing(profile, {"storage": validated(profile, "storage", model)})
    values = {each.key: each.value for each in shown}
    assert values["storage.dsn"] == {"env": "DATABASE_URL"}
    assert values["storage.password"] == "***"
    assert values["storage.hosts"] == ["redis://:***@cache"]
    assert "hunter2" not in repr(shown)


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("storage.dsn", "postgres://app:pw@db:5432/x", "postgres://app:***@db:5432/x"),
        ("storage.dsn", "postgres://app@db/x?password=pw&sslmode=on", "postgres://app@db/x?password=***&sslmode=on"),
        ("storage.dsn", "postgres://a:p@w/x:y@db/x", "postgres://a:***@db/x"),
        ("storage.dsn", "postgres://a:p w\n@db/x", "postgres://a:***@db/x"),
        ("storage.dsn", "host=db password=pw", "***"),
        ("storage.url", "redis://:pw@cache", "redis://:***@cache"),
        ("storage.url", "https://h/?api_key=pw", "https://h/?api_key=***"),
        ("storage.token", "https://hooks.example.com/pw", "***"),
        ("storage.api_key", "pw", "***"),
        ("storage.password", 1234, "***"),
        ("storage.password", None, None),
        ("storage.passwords", ["pw", "pw"], ["***", "***"]),
        ("storage.secrets", {"a": "pw"}, {"a": "***"}),
        ("storage.auth", {"password": "pw", "user": "me"}, {"password": "***", "user": "me"}),
        ("storage.path", "./a.db", "./a.db"),
        ("storage.page_size", 4096, 4096),
        ("caching.key", "name", "name"),
    ],
)
def test_what_looks_secret_is_hidden(key: str, value: object, shown: object) -> None:
    assert redacted(key, value) == shown


@given(st.text(min_size=1).filter(lambda password: password not in "postgres://me:***@host/db"))
def test_no_password_of_a_url_is_shown(password: str) -> None:
    assert password not in redacted("storage.dsn", f"postgres://me:{password}@host/db")
