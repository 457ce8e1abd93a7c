"""Every profile that comes with EventLite is right, documented, and what the design says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from eventlite.contracts import INDEXES
from eventlite.plugins import load_plugins
from eventlite.profile import builtin_profiles, load_profile
from eventlite.profile.naming import builtin_folder

THE_THREE = ("high-volume", "balanced", "query-optimized")
READY_MADE = ("edge-device", "web-application", "audit-log", "ingest", "analytics", "postgres")


def settings(name: str) -> dict[str, dict[str, Any]]:
    loaded = load_plugins(load_profile(name, environ={}))
    return {concern: model.model_dump() for concern, model in loaded.settings.items()}


def test_these_are_shipped() -> None:
    assert builtin_profiles() == sorted([*THE_THREE, *READY_MADE])


@pytest.mark.parametrize("name", builtin_profiles())
def test_its_plugins_take_its_settings(name: str) -> None:
    assert set(settings(name)) == {"storage", "indexing", "caching", "bulk", "jobs"}


@pytest.mark.parametrize("name", builtin_profiles())
def test_it_opens_with_a_comment_that_says_who_it_is_for(name: str) -> None:
    assert re.match(r"# For \w+", (builtin_folder() / f"{name}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", builtin_profiles())
def test_it_is_called_like_its_file_and_says_who_it_is_for(name: str) -> None:
    profile = load_profile(name, environ={})
    assert profile.name == name
    assert profile.description.startswith("For ")


@pytest.mark.parametrize("name", READY_MADE)
def test_a_ready_made_one_extends_one_of_the_three(name: str) -> None:
    extends = load_profile(name, environ={}).extends
    assert len(extends) == 1
    assert extends[0] in THE_THREE


@pytest.mark.parametrize(
    ("name", "indexes", "cache", "synchronous", "page_size", "verify_reads"),
    [
        ("high-volume", ["correlation_id", "causation_id"], ("none", None, None), "normal", 8192, False),
        (
            "balanced",
            ["correlation_id", "causation_id", "cmd", "datetime"],
            ("dogpile", 1000, 300.0),
            "full",
            4096,
            True,
        ),
        ("query-optimized", list(INDEXES), ("dogpile", 5000, 600.0), "full", 4096, True),
    ],
)
def test_the_three_are_what_they_promise(
    name: str, indexes: list[str], cache: tuple[str, Any, Any], synchronous: str, page_size: int, verify_reads: bool
) -> None:
    profile, found = load_profile(name, environ={}), settings(name)
    assert (profile.sections["storage"]["plugin"], profile.sections["indexing"]["plugin"]) == ("sqlite", "declared")
    assert found["storage"]["path"] == Path("eventlite.db")
    assert (found["storage"]["synchronous"], found["storage"]["page_size"]) == (synchronous, page_size)
    assert found["indexing"]["indexes"] == indexes
    caching = found["caching"]
    assert (profile.sections["caching"]["plugin"], caching.get("max_size"), caching.get("ttl")) == cache
    assert profile.verify_reads is verify_reads
