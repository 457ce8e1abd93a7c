"""`eventlite profiles list|show|new|check|diff`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from eventlite import EventLiteError, PluginError, ProfileError
from eventlite.cli.context import Options, with_shared_options
from eventlite.cli.profiles import profiles
from eventlite.profile import builtin_profiles, load_profile

Run = Callable[..., Result]
Write = Callable[[str, str], Path]

SECRET = "hunter2"


@pytest.fixture
def run() -> Run:
    """Run a command of the group."""

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(with_shared_options(profiles), arguments, obj=Options())

    return invoke


@pytest.fixture
def answer(run: Run) -> Callable[..., Any]:
    """The JSON that a command prints."""

    def parsed(*arguments: str) -> Any:
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return parsed


def shown(answer: Any) -> dict[str, tuple[Any, str, str]]:
    return {each["key"]: (each["value"], *each["origin"].values()) for each in answer["settings"]}


def test_list_names_every_profile_and_marks_the_default(run: Run) -> None:
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == builtin_profiles()
    assert [line for line in lines if "(default)" in line] == [line for line in lines if line.startswith("balanced")]


def test_list_as_json(answer: Callable[..., Any]) -> None:
    found = answer("list")
    assert [each["name"] for each in found] == builtin_profiles()
    assert [each["name"] for each in found if each["default"]] == ["balanced"]
    assert all(set(each) == {"name", "description", "extends", "default"} for each in found)


def test_show_prints_every_setting_with_its_value_and_origin(
    answer: Callable[..., Any], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = write("app.toml", "[profile]\nextends = 'edge-device'\n[storage]\ncache_size = 1000000\n")
    monkeypatch.setenv("EVENTLITE_CACHING__TTL", "5")
    found = answer("show", "./app.toml", "--db", "mine.db")
    settings = shown(found)
    assert settings["storage.path"] == ("mine.db", "argument", "storage")
    assert settings["caching.ttl"] == (5.0, "environment", "EVENTLITE_CACHING__TTL")
    assert settings["storage.cache_size"] == (1_000_000, "file", app.name)
    assert settings["caching.max_size"][:2] == (100, "file")
    assert settings["caching.max_size"][2].endswith("edge-device.toml")
    assert settings["storage.synchronous"][2].endswith("balanced.toml")
    assert settings["storage.poll_interval"] == (0.005, "default", "default")
    assert found["extends"] == ["edge-device", "balanced"]


def test_show_is_for_people_too(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("app.toml", "[profile]\nextends = 'balanced'\ndescription = 'Mine.'\n[indexing.paths]\norder = 'data.id'\n")
    monkeypatch.setenv("EVENTLITE_STORAGE__PATH", "mine.db")
    lines = [" ".join(line.split()) for line in run("show", "app.toml").stdout.splitlines()]
    assert lines[0] == "app: Mine."
    assert "Extends balanced." in lines
    assert 'storage.path "mine.db" environment variable EVENTLITE_STORAGE__PATH' in lines
    assert 'indexing.paths.order "data.id" app.toml' in lines
    assert 'storage.synchronous "full" balanced (built in)' in lines
    assert "jobs.workers 4 default" in lines


@pytest.mark.parametrize(
    ("name", "words"), [("balanced", "survives a power cut"), ("high-volume", "may lose the last")]
)
def test_show_says_what_the_durability_means(name: str, words: str, run: Run, answer: Callable[..., Any]) -> None:
    assert words in run("show", name).stdout
    assert words in answer("show", name)["durability"]


def test_show_says_so_when_the_storage_has_no_words_for_it(answer: Callable[..., Any], write: Write) -> None:
    write("app.toml", "[storage]\nplugin = 'memory'\n")
    assert "'memory'" in answer("show", "app.toml")["durability"]


def test_show_without_a_name_is_about_the_profile_that_would_be_used(
    answer: Callable[..., Any], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("app.toml", "")
    assert answer("show")["name"] == "balanced"
    monkeypatch.setenv("EVENTLITE_PROFILE", "./app.toml")
    assert answer("show")["name"] == "app"
    assert answer("show", "--profile", "high-volume")["name"] == "high-volume"
    assert answer("show", "ingest", "--profile", "high-volume")["name"] == "ingest"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_nothing_that_show_prints_is_secret(
    form: tuple[str, ...], run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE", f"postgres://me:{SECRET}@host/db")
    monkeypatch.setenv("EVENTLITE_BULK__FORMATS", f'["https://me:{SECRET}@host"]')
    write("app.toml", "[storage]\npath = { env = 'STORE' }\n")
    result = run("show", "app.toml", *form)
    assert result.exit_code == 0
    assert "STORE" in result.stdout
    assert SECRET not in result.output


def test_text_of_a_profile_cannot_steer_the_terminal(run: Run, write: Write) -> None:
    write("app.toml", '[profile]\ndescription = "\\u001b[31mred"\n[storage]\npath = "\\u001b[2J.db"\n')
    assert "\x1b" not in run("show", "app.toml").output


def test_check_says_that_a_profile_can_be_used(run: Run, answer: Callable[..., Any]) -> None:
    assert run("check", "balanced").stdout.startswith("balanced can be used: storage sqlite, indexing declared")
    assert answer("check", "high-volume") == {
        "name": "high-volume",
        "ok": True,
        "plugins": {
            "storage": "sqlite",
            "indexing": "declared",
            "caching": "none",
            "bulk": "files",
            "jobs": "durable",
        },
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[storage\n", "app.toml, line 1, column 9: not TOML"),
        ("[storge]\n", "Did you mean 'storage'?"),
        ("[profile]\nextends = 'balancd'\n", "Did you mean 'balanced'?"),
        ("[storage]\npagesize = 4096\n", "app.toml: storage.pagesize: not a setting of the storage plugin 'sqlite'"),
        ("[storage]\npagesize = 4096\n", "Did you mean 'page_size'?"),
        ("[storage]\npage_size = 'big'\n", 'app.toml: storage.page_size: should be a valid integer, not "big"'),
        ("[storage]\nsynchronous = 'off'\n", "app.toml: storage.synchronous: should be 'normal' or 'full'"),
        ("[indexing]\nindexes = ['cmmd']\n", "app.toml: indexing.indexes.0: unknown index 'cmmd'"),
        ("[caching]\nmaxsize = 1\n", "Did you mean 'max_size'?"),
        ("[bulk]\nbatch = 1\n", "Did you mean 'batch_size'?"),
        ("[jobs]\nworkers = 'four'\n", "app.toml: jobs.workers: should be a valid integer"),
    ],
)
def test_check_refuses_what_is_wrong(text: str, words: str, run: Run, write: Write) -> None:
    write("app.toml", text)
    error = run("check", "./app.toml").exception
    assert isinstance(error, ProfileError)
    assert words in str(error)


def test_check_refuses_an_unknown_plugin_with_its_key(run: Run, write: Write) -> None:
    write("app.toml", "[storage]\nplugin = 'sqllite'\n")
    error = run("check", "app.toml").exception
    assert isinstance(error, PluginError)
    assert "storage.plugin" in str(error)
    assert "app.toml" in str(error)
    assert "'sqlite'" in str(error)


def test_diff_shows_what_differs_and_nothing_else(answer: Callable[..., Any], write: Write) -> None:
    write("app.toml", "[profile]\nextends = 'balanced'\nverify_reads = false\n[jobs]\nworkers = 8\nhistory = 10000\n")
    assert answer("diff", "balanced", "app.toml") == [
        {"key": "profile.verify_reads", "left": True, "right": False},
        {"key": "jobs.workers", "left": 4, "right": 8},
    ]


def test_diff_shows_settings_that_only_one_of_them_has(answer: Callable[..., Any], run: Run) -> None:
    found = {each["key"]: (each["left"], each["right"]) for each in answer("diff", "high-volume", "balanced")}
    assert found["caching.plugin"] == ("none", "dogpile")
    assert found["caching.max_size"] == (None, 1000)
    assert "caching.max_size - 1000" in " ".join(run("diff", "high-volume", "balanced").stdout.split())


def test_diff_is_about_what_is_written(answer: Callable[..., Any], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTLITE_STORAGE__SYNCHRONOUS", "full")
    assert "storage.synchronous" in {each["key"] for each in answer("diff", "balanced", "high-volume")}
    assert answer("diff", "balanced", "balanced") == []
    assert run("diff", "balanced", "balanced").stderr == "Nothing differs.\n"


def test_diff_tells_that_secrets_differ_without_showing_them(answer: Callable[..., Any], write: Write) -> None:
    write("a.toml", f"[storage]\npath = 'x://me:{SECRET}a@host'\n")
    write("b.toml", f"[storage]\npath = 'x://me:{SECRET}b@host'\n")
    assert answer("diff", "a.toml", "b.toml") == [
        {"key": "storage.path", "left": "x:/me:***@host", "right": "x:/me:***@host"}
    ]


def test_new_writes_a_profile_that_can_be_used(run: Run) -> None:
    result = run(
        *("new", "shop", "--extends", "high-volume"),
        *("--set", "storage.path=shop.db", "--set", "storage.cache_size=1000000", "--set", "profile.verify_reads=true"),
        *("--set", "indexing.indexes=['cmd']", "--set", "indexing.paths.order=data.order", "--set", "jobs.workers = 2"),
    )
    assert (result.exit_code, result.stdout) == (0, "shop.toml\n")
    assert tomllib.loads(Path("shop.toml").read_text()) == {
        "profile": {"name": "shop", "extends": "high-volume", "verify_reads": True},
        "storage": {"path": "shop.db", "cache_size": 1_000_000},
        "indexing": {"indexes": ["cmd"], "paths": {"order": "data.order"}},
        "jobs": {"workers": 2},
    }
    profile = load_profile("shop.toml", environ={})
    assert (profile.name, profile.extends, profile.verify_reads) == ("shop", ("high-volume",), True)


def test_new_extends_balanced_and_says_how_to_use_it(run: Run, answer: Callable[..., Any], folder: Path) -> None:
    (folder / "conf").mkdir()
    assert answer("new", "shop", "--output", "conf/shop.toml") == {"name": "shop", "path": "conf/shop.toml"}
    assert load_profile("conf/shop.toml", environ={}).extends == ("balanced",)
    assert "--profile other.toml" in run("new", "other").stderr


def test_new_writes_references_and_looks_at_what_they_refer_to(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = ("new", "shop", "--set", "storage.path={env='SHOP_DB'}")
    assert "SHOP_DB, which is not set" in str(run(*reference).exception)
    monkeypatch.setenv("SHOP_DB", SECRET)
    assert run(*reference).exit_code == 0
    assert SECRET not in Path("shop.toml").read_text()


def test_new_is_not_swayed_by_settings_in_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTLITE_STORAGE__PAGE_SIZE", "big")
    assert run("new", "shop").exit_code == 0


def test_new_keeps_a_file_that_exists(run: Run, write: Write) -> None:
    path = write("shop.toml", "# mine\n")
    result = run("new", "shop")
    assert isinstance(result.exception, EventLiteError)
    assert "shop.toml exists already\n  --force" in str(result.exception)
    assert path.read_text() == "# mine\n"
    assert run("new", "shop", "--force").exit_code == 0
    assert load_profile(path, environ={}).extends == ("balanced",)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--set", "storage.pth=a.db"), "shop.toml: storage.pth: not a setting"),
        (("--set", "storge.path=a.db"), "Did you mean 'storage'?"),
        (("--set", "caching.max_size=many"), 'shop.toml: caching.max_size: should be a valid integer, not "many"'),
        (("--set", "storage.plugin=sqllite"), "storage.plugin"),
        (("--extends", "balancd"), "shop.toml: profile.extends: no profile is named 'balancd'"),
        (("--extends", "./shop.toml"), "there is no file 'shop.toml'"),
    ],
)
def test_new_writes_nothing_that_could_not_be_used(arguments: tuple[str, ...], words: str, run: Run) -> None:
    error = run("new", "shop", *arguments).exception
    assert isinstance(error, EventLiteError)
    assert words in str(error)
    assert not Path("shop.toml").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("balanced",),
        ("../shop",),
        ("",),
        ("a\nb",),
        ("shop", "--set", "storage.path"),
        ("shop", "--set", "path=a.db"),
        ("shop", "--set", "storage..path=a.db"),
        ("shop", "--set", "jobs.workers=1", "--set", "jobs.workers.x=1"),
    ],
)
def test_new_refuses_what_it_cannot_write(arguments: tuple[str, ...], run: Run, folder: Path) -> None:
    assert run("new", *arguments).exit_code == 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("text", ["1\nplugin = 'memory'", "a]b", "'unclosed", "[" * 5000])
def test_a_value_that_is_not_toml_is_text(text: str, run: Run) -> None:
    assert run("new", "shop", "--set", f"storage.path={text}").exit_code == 0
    assert tomllib.loads(Path("shop.toml").read_text())["storage"] == {"path": text}


def test_new_takes_a_name_with_the_suffix(answer: Callable[..., Any], folder: Path, run: Run) -> None:
    assert answer("new", "shop.toml") == {"name": "shop", "path": "shop.toml"}
    assert [path.name for path in folder.glob("*.toml")] == ["shop.toml"]
    assert run("new", "balanced.toml").exit_code == 2
