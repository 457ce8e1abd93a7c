"""Profiles in a directory of their own, away from the settings of whoever runs the tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from eventlite import ProfileError
from eventlite.profile import Profile, load_profile


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the test; no variable of EventLite is set."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith("EVENTLITE_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Callable[[str, str], Path]:
    """Write a profile into the working directory: `write("app.toml", text)`."""

    def made(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return made


@pytest.fixture
def load(write: Callable[[str, str], Path]) -> Callable[..., Profile]:
    """Load `app.toml` with the given text, an environment and keyword arguments."""

    def made(text: str, environ: Mapping[str, str] | None = None, **overrides: Any) -> Profile:
        return load_profile(write("app.toml", text), overrides, {} if environ is None else environ)

    return made


@pytest.fixture
def refusal() -> Callable[..., str]:
    """The words of the one `ProfileError` that a call ends in; nothing else hangs on to it."""

    def words(call: Callable[..., object], *arguments: Any, **named: Any) -> str:
        with pytest.raises(ProfileError) as caught:
            call(*arguments, **named)
        cause = caught.value.__cause__ or (None if caught.value.__suppress_context__ else caught.value.__context__)
        assert cause is None
        return str(caught.value)

    return words


class Pool(BaseModel):
    model_config = ConfigDict(extra="forbid")

    max_size: int = 4
    min_size: int = 1


class Settings(BaseModel):
    """What a storage plugin might have, one setting of each kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Path("eventlite.db")
    synchronous: Literal["normal", "full"] = "full"
    page_size: Literal[4096, 8192] = 4096
    checkpoint_pages: int = 1000
    busy_timeout: float = Field(30.0, gt=0)
    create: bool = True
    hosts: list[str] = []
    tables: dict[str, str] = {}
    pool: Pool = Pool()
    workers: int = 4
    dsn: str | None = None
    password: SecretStr | None = None


@pytest.fixture
def model() -> type[BaseModel]:
    """The model of a storage plugin."""
    return Settings
