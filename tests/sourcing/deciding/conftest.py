"""Kernels of both kinds on every storage, and programs that run beside a test."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any


def _fixtures(room: str) -> Any:
    """The fixtures of another directory of tests."""
    path = Path(__file__).parents[2] / room / "conftest.py"
    spec = importlib.util.spec_from_file_location(f"{room}_fixtures", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_kernels, _programs = _fixtures("kernel"), _fixtures("faults")

sections, kernel = _kernels.sections, _kernels.kernel
path, open_kernel = _programs.path, _programs.open_kernel
