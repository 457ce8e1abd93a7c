"""A section against its plugin's model: strictly, and everything that is wrong in one error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from eventlite import PluginError
from eventlite.profile import Profile, validated

Words = Callable[..., str]
Load = Callable[..., Profile]
Model = type[BaseModel]


def test_the_settings_are_an_instance_of_the_plugins_model(load: Load, model: Model) -> None:
    text = """
        [storage]
        path = "a.db"
        page_size = 8192
        busy_timeout = 5
        hosts = ["a", "b"]
        tables = { a = "b" }
        pool = { max_size = 9 }
    """
    settings = validated(load(text), "storage", model)
    assert isinstance(settings, model)
    assert settings.model_dump(exclude_unset=True) == {
        "path": Path("a.db"),
        "page_size": 8192,
        "busy_timeout": 5.0,
        "hosts": ["a", "b"],
        "tables": {"a": "b"},
        "pool": {"max_size": 9},
    }


def test_an_unknown_key_is_refused_with_file_key_and_suggestion(
    load: Load, model: Model, refusal: Words, folder: Path
) -> None:
    words = refusal(validated, load("[storage]\npagesize = 8192\n"), "storage", model)
    assert words == (
        f"{folder / 'app.toml'}: storage.pagesize: not a setting of the storage plugin 'sqlite'\n"
        "  Did you mean 'page_size'?"
    )


def test_an_unknown_key_that_is_like_no_other_is_refused_with_the_list(
    load: Load, model: Model, refusal: Words
) -> None:
    words = refusal(validated, load("[storage]\nzzz = 1\n"), "storage", model)
    assert "Known: path, synchronous, page_size, " in words


def test_an_unknown_key_of_an_inner_table_is_refused_with_a_suggestion(
    load: Load, model: Model, refusal: Words
) -> None:
    words = refusal(validated, load("[storage.pool]\nmaxsize = 1\n"), "storage", model)
    assert "app.toml: storage.pool.maxsize: not a setting of the storage plugin 'sqlite'" in words
    assert "Did you mean 'max_size'?" in words


def test_a_plugin_without_settings_says_so(load: Load, refusal: Words) -> None:
    class Nothing(BaseModel):
        model_config = ConfigDict(extra="forbid")

    words = refusal(validated, load("[caching]\nplugin = 'none'\nttl = 1.0\n"), "caching", Nothing)
    assert "app.toml: caching.ttl: not a setting of the caching plugin 'none'\n  There is nothing to set." in words


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("path = 5", "storage.path: should be a valid string, not 5"),
        ("page_size = '4096'", 'storage.page_size: should be 4096 or 8192, not "4096"'),
        ("page_size = true", "storage.page_size: should be 4096 or 8192, not true"),
        ("busy_timeout = '5'", 'storage.busy_timeout: should be a valid number, not "5"'),
        ("busy_timeout = true", "storage.busy_timeout: should be a valid number, not true"),
        ("busy_timeout = 0", "storage.busy_timeout: should be greater than 0, not 0"),
        ("create = 'yes'", 'storage.create: should be a valid boolean, not "yes"'),
        ("create = 1", "storage.create: should be a valid boolean, not 1"),
        ("synchronous = 'off'", "storage.synchronous: should be 'normal' or 'full', not \"off\""),
        ("hosts = 'a'", 'storage.hosts: should be a valid array, not "a"'),
        ("hosts = ['a', 5]", "storage.hosts.1: should be a valid string, not 5"),
        ("tables = { a = 5 }", "storage.tables.a: should be a valid string, not 5"),
        ("pool = 5", "storage.pool: should be an object, not 5"),
        ("pool = { max_size = 1.5 }", "storage.pool.max_size: should be a valid integer, not 1.5"),
    ],
)
def test_a_wrong_value_is_refused_with_file_and_key(
    setting: str, complaint: str, load: Load, model: Model, refusal: Words, folder: Path
) -> None:
    words = refusal(validated, load(f"[storage]\n{setting}\n"), "storage", model)
    assert words.startswith(f"{folder / 'app.toml'}: {complaint}")


def test_a_date_is_text_to_a_plugin(load: Load, model: Model) -> None:
    assert validated(load("[storage]\ndsn = 1979-05-27\n"), "storage", model).model_dump()["dsn"] == "1979-05-27"


def test_a_long_value_is_not_repeated(load: Load, model: Model, refusal: Words) -> None:
    words = refusal(validated, load(f"[storage]\nsynchronous = '{'x' * 500}'\n"), "storage", model)
    assert words.endswith("storage.synchronous: should be 'normal' or 'full'")


def test_a_control_character_in_a_value_is_not_passed_on(load: Load, model: Model, refusal: Words) -> None:
    words = refusal(validated, load('[storage]\nsynchronous = "\\u001b[31m"\n'), "storage", model)
    assert "\x1b" not in words


def test_a_missing_setting_is_said_of_the_file_that_names_the_plugin(load: Load, refusal: Words, folder: Path) -> None:
    class Server(BaseModel):
        dsn: str

    words = refusal(validated, load("[storage]\nplugin = 'postgres'\n"), "storage", Server)
    assert words == f"{folder / 'app.toml'}: storage.dsn: missing, and the storage plugin 'postgres' needs it"


def test_everything_that_is_wrong_is_said_at_once_each_with_its_own_origin(
    load: Load, model: Model, refusal: Words, folder: Path
) -> None:
    profile = load(
        "[storage]\npagesize = 1\nsynchronous = 'off'\ndsn = { env = 'NO_SUCH' }\n",
        {"EVENTLITE_STORAGE__BUSY_TIMEOUT": "soon", "EVENTLITE_STORAGE__HOSTS": "a"},
        storage={"create": "yes"},
    )
    words = refusal(validated, profile, "storage", model)
    assert words.startswith("6 settings cannot be used:")
    for where, key in [
        (folder / "app.toml", "pagesize"),
        (folder / "app.toml", "synchronous"),
        (folder / "app.toml", "dsn"),
        ("environment variable EVENTLITE_STORAGE__BUSY_TIMEOUT", "busy_timeout"),
        ("environment variable EVENTLITE_STORAGE__HOSTS", "hosts"),
        ("keyword argument storage", "create"),
    ]:
        assert f"\n  {where}: storage.{key}: " in words
    assert "Did you mean 'page_size'?" in words


def test_what_a_validator_of_the_plugin_says_is_passed_on(load: Load, refusal: Words) -> None:
    class Picky(BaseModel):
        n: int

        @field_validator("n")
        @classmethod
        def _even(cls, n: int) -> int:
            if n % 2:
                raise ValueError("must be even")
            return n

    words = refusal(validated, load("[storage]\nn = 3\n"), "storage", Picky)
    assert words.endswith("app.toml: storage.n: must be even")


def test_what_is_wrong_with_the_section_as_a_whole_is_said_of_it(load: Load, refusal: Words) -> None:
    class Either(BaseModel):
        a: int | None = None
        b: int | None = None

        @model_validator(mode="after")
        def _one(self) -> Either:
            if (self.a is None) == (self.b is None):
                raise ValueError("set a or b")
            return self

    words = refusal(validated, load("[storage]\nplugin = 'acme'\na = 1\nb = 2\n"), "storage", Either)
    assert words.endswith("app.toml: storage: set a or b")


def test_a_model_that_fails_is_the_plugins_fault(load: Load) -> None:
    class Broken(BaseModel):
        password: str

        @field_validator("password")
        @classmethod
        def _fail(cls, password: str) -> str:
            raise KeyError(password)

    with pytest.raises(PluginError) as caught:
        validated(load("[storage]\nplugin = 'acme'\npassword = 'hunter2'\n"), "storage", Broken)
    assert str(caught.value) == "the storage plugin 'acme' fails with KeyError when it checks its settings"
    assert caught.value.__context__ is None


def test_one_of_several_types_is_explained_at_the_key_itself(load: Load, refusal: Words) -> None:
    class Loose(BaseModel):
        size: int | list[int] = 1

    words = refusal(validated, load("[storage]\nsize = 'x'\n"), "storage", Loose)
    assert "app.toml: storage.size: should be a valid integer" in words


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_numbers_that_are_none_reach_the_model_as_they_are(number: str, load: Load) -> None:
    class Any_(BaseModel):
        n: float

    settings = validated(load(f"[storage]\nn = {number}\n"), "storage", Any_)
    assert str(settings.n) == number


def test_a_table_with_the_one_key_env_may_be_a_table(load: Load, model: Model) -> None:
    profile = load("[storage.tables]\nenv = 'data.environment'\n")
    assert validated(profile, "storage", model).model_dump()["tables"] == {"env": "data.environment"}


def test_a_section_with_the_one_key_env_is_a_section(load: Load, model: Model, refusal: Words) -> None:
    words = refusal(validated, load("[storage]\nenv = 'HOME'\n", {"HOME": "/root"}), "storage", model)
    assert "app.toml: storage.env: not a setting of the storage plugin 'sqlite'" in words
