"""A profile is data: nothing in it is ever run, opened or looked up, but the entry points and files it names."""

from __future__ import annotations

import builtins
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from eventlite import EventLiteError, PluginError, ProfileError
from eventlite.plugins import load_plugins
from eventlite.profile import listing, load_profile, profile_from, validated

HOSTILE = [
    "os:system",
    "os.system('touch pwned')",
    "__import__('os').system('touch pwned')",
    "../../evil",
    "evil.py",
    "eventlite_sqlite",
    "sqlite; touch pwned",
    "$(touch pwned)",
    "{0.__class__}",
    "!!python/object/apply:os.system ['touch pwned']",
]


#: Names that mean something somewhere, and any others.
NAMES = st.sampled_from(["env", "plugin", "name", "extends", "extensions", "verify_reads", "n"]) | st.text(max_size=3)


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")

    n: int = 1


@pytest.fixture
def evil(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that would leave a trace if it were imported or run."""
    monkeypatch.syspath_prepend(str(folder))
    (folder / "evil.py").write_text("from pathlib import Path\nPath('pwned').touch()\n")
    return folder / "pwned"


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("concern", ["storage", "indexing", "caching", "bulk", "jobs"])
def test_a_plugin_is_named_by_its_entry_point_only(name: str, concern: str, evil: Path) -> None:
    Path("app.toml").write_text(f'[{concern}]\nplugin = "{name}"\n')
    with pytest.raises(PluginError, match="offers the plugin"):
        load_plugins(load_profile("app.toml", environ={}))
    assert not evil.exists()


@pytest.mark.parametrize("name", HOSTILE)
def test_an_extension_is_named_by_its_entry_point_only(name: str, evil: Path) -> None:
    Path("app.toml").write_text(f'[profile]\nextensions = ["{name}"]\n')
    with pytest.raises(PluginError, match="offers the plugin"):
        load_plugins(load_profile("app.toml", environ={}))
    assert not evil.exists()


@pytest.mark.parametrize("name", [*HOSTILE, "http://example.com/x.toml", "file:///etc/passwd", "/dev/null/x.toml"])
def test_extends_names_files_and_built_in_profiles_only(name: str, evil: Path) -> None:
    Path("app.toml").write_text(f'[profile]\nextends = "{name}"\n')
    with pytest.raises(ProfileError, match=r"profile\.extends"):
        load_profile("app.toml", environ={})
    assert not evil.exists()


def test_values_are_neither_expanded_nor_run(
    evil: Path, model: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_arguments: object, **_named: object) -> object:
        raise AssertionError("a profile ran something")

    for owner, name in ((builtins, "eval"), (os, "system"), (os, "popen"), (subprocess, "Popen")):
        monkeypatch.setattr(owner, name, forbidden)
    lines = "\n".join(f'[[storage.values]]\nv = "{name}"' for name in HOSTILE)
    Path("app.toml").write_text(f'[storage]\npath = "$HOME/~/$(touch pwned)`touch pwned`"\n{lines}\n')
    profile = load_profile("app.toml", environ={"HOME": "/root"})
    assert profile.sections["storage"]["path"] == "$HOME/~/$(touch pwned)`touch pwned`"
    with pytest.raises(ProfileError, match=r"storage\.values"):
        validated(profile, "storage", model)  # type: ignore[type-var]
    assert not evil.exists()


def test_a_device_that_never_ends_is_not_read_for_ever() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("there is no /dev/zero here")
    with pytest.raises(ProfileError, match="at most 65,536 bytes"):
        load_profile(Path("/dev/zero"), environ={})


def test_loading_a_profile_imports_no_plugin() -> None:
    code = (
        "import sys; from eventlite.profile import load_profile; load_profile('query-optimized', environ={});"
        "print([m for m in sys.modules if m.startswith('eventlite_') or m == 'pydantic_settings'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@given(
    st.dictionaries(
        st.sampled_from(["profile", "storage", "caching", "jobs"]) | st.text(max_size=3),
        st.recursive(
            st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
            max_leaves=12,
        ),
        max_size=4,
    )
)
def test_nothing_but_typed_errors_comes_out_of_any_content(content: dict[str, Any]) -> None:
    with suppress(EventLiteError):
        profile = profile_from(content, Path("app.toml"), {"HOME": "/root"})
        assert all(isinstance(section["plugin"], str) for section in profile.sections.values())
        settings = {"storage": validated(profile, "storage", Loose), "jobs": validated(profile, "jobs", Loose)}
        json.dumps([shown.value for shown in listing(profile, settings)], default=str)


def test_nothing_but_typed_errors_comes_out_of_random_bytes(folder: Path) -> None:
    for content in (b"\0", b"\xff\xfe", b"[storage]\n\x00=1", b"PK\x03\x04", b"SQLite format 3\0", b"\x1b[31m"):
        (folder / "app.toml").write_bytes(content)
        with pytest.raises(EventLiteError):
            load_profile("app.toml", environ={})
