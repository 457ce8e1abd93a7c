"""A store for a test and the programs beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def shared(sql_sections: dict[str, Any]) -> str:
    """On each storage that several processes can share: the keywords of `Kernel.from_profile`, as JSON."""
    return json.dumps(sql_sections)
