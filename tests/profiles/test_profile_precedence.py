"""Keyword arguments come before the environment, before the profile, before what it extends, before the defaults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from eventlite.profile import Origin, Profile, load_profile, validated

Write = Callable[[str, str], Path]
Model = type[BaseModel]

BASE = "[storage]\npath = 'base.db'\n"
TOP = "[profile]\nextends = './base.toml'\n[storage]\npath = 'top.db'\n"
ENVIRON = {"EVENTLITE_STORAGE__PATH": "environment.db"}
ARGUMENTS = {"storage": {"path": "argument.db"}}


@pytest.mark.parametrize(
    ("base", "top", "environ", "arguments", "path", "kind"),
    [
        ("", TOP.partition("[storage]")[0], {}, {}, "eventlite.db", "default"),
        (BASE, TOP.partition("[storage]")[0], {}, {}, "base.db", "file"),
        (BASE, TOP, {}, {}, "top.db", "file"),
        (BASE, TOP, ENVIRON, {}, "environment.db", "environment"),
        (BASE, TOP, ENVIRON, ARGUMENTS, "argument.db", "argument"),
    ],
)
def test_the_strongest_wins(
    base: str, top: str, environ: Any, arguments: Any, path: str, kind: str, write: Write, model: Model
) -> None:
    write("base.toml", base)
    profile = load_profile(write("app.toml", top), arguments, environ)
    assert str(validated(profile, "storage", model).model_dump()["path"]) == path
    assert profile.origins.get("storage.path", Origin("default", "")).kind == kind


def test_each_setting_keeps_its_own_origin(write: Write) -> None:
    base = write("base.toml", "[storage]\nsynchronous = 'full'\nhosts = ['a']\ntables = { x = 'base' }\n")
    app = write("app.toml", "[profile]\nextends = './base.toml'\n[storage.tables]\ny = 'app'\n")
    environ = {"EVENTLITE_STORAGE__PAGE_SIZE": "8192", "eventlite_storage__tables__z": "environment"}
    profile = load_profile(app, {"storage": {"path": "x.db"}}, environ)
    where = {key: (origin.kind, origin.where) for key, origin in profile.origins.items() if key.startswith("storage.")}
    assert where == {
        "storage.plugin": ("default", "default"),
        "storage.synchronous": ("file", str(base)),
        "storage.hosts": ("file", str(base)),
        "storage.tables.x": ("file", str(base)),
        "storage.tables.y": ("file", str(app)),
        "storage.tables.z": ("environment", "eventlite_storage__tables__z"),
        "storage.page_size": ("environment", "EVENTLITE_STORAGE__PAGE_SIZE"),
        "storage.path": ("argument", "storage"),
    }


@pytest.mark.parametrize(
    ("environ", "arguments", "section"),
    [
        ({}, {"storage": {"plugin": "memory"}}, {"plugin": "memory"}),
        ({"EVENTLITE_STORAGE__PLUGIN": "memory"}, {}, {"plugin": "memory"}),
        (ENVIRON, {"storage": {"plugin": "memory"}}, {"plugin": "memory"}),
        ({**ENVIRON, "EVENTLITE_STORAGE__PLUGIN": "acme"}, {}, {"plugin": "acme", "path": "environment.db"}),
        ({"EVENTLITE_STORAGE__PLUGIN": "acme"}, ARGUMENTS, {"plugin": "acme", "path": "argument.db"}),
    ],
)
def test_another_plugin_replaces_the_section_in_every_layer(
    environ: Any, arguments: Any, section: dict[str, str]
) -> None:
    assert load_profile("balanced", arguments, environ).sections["storage"] == section


def test_a_profile_is_not_shown_with_its_settings() -> None:
    profile = load_profile("balanced", {"storage": {"dsn": "postgres://me:hunter2@host/db"}}, {"TOKEN": "hunter2"})
    assert isinstance(profile, Profile)
    assert "hunter2" not in repr(profile)
