"""gzip and zstd: transparent both ways, and no way to fill the memory or the disk."""

from __future__ import annotations

import gzip
import importlib
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from eventlite_files import Settings, eventlite_formats, eventlite_make_bulk

from eventlite import BulkError, NewEvent, Query
from eventlite.contracts import Bulk, ExportOptions, Host, ImportOptions
from eventlite.testing.host import StorageHost, open_storage

MIB = 2**20


@pytest.fixture
def bulk() -> Bulk:
    return eventlite_make_bulk(Settings(max_line_bytes=MIB, max_total_bytes=64 * MIB), list(eventlite_formats()))


def compress(suffix: str, content: bytes) -> bytes:
    """One gzip member or zstd frame."""
    if suffix == ".gz":
        return gzip.compress(content, 1)
    return bytes(pytest.importorskip("zstandard").ZstdCompressor(level=1).compress(content))


BOTH = pytest.mark.parametrize("suffix", [".gz", ".zst"])


@BOTH
@pytest.mark.parametrize("inner", [".jsonl", ".csv"])
def test_a_suffix_compresses(bulk: Bulk, host: Host, tmp_path: Path, suffix: str, inner: str) -> None:
    compress(suffix, b"")
    host.append_many([NewEvent("a", {"text": "the same again and again " * 50}, user=f"u{n}") for n in range(500)])
    plain, small = tmp_path / f"a{inner}", tmp_path / f"a{inner}{suffix}"
    reports = [bulk.export_file(host, path, Query(), ExportOptions()) for path in (plain, small)]
    assert small.stat().st_size < plain.stat().st_size / 20
    with closing(open_storage()) as storage:
        reports.append(bulk.import_file(StorageHost(storage), small, ImportOptions()))
    assert len({report.digest for report in reports}) == 1


@BOTH
def test_equal_events_give_equal_files(bulk: Bulk, host: Host, tmp_path: Path, suffix: str) -> None:
    compress(suffix, b"")
    host.append_many([NewEvent("a")])
    for name in ("one", "two"):
        bulk.export_file(host, tmp_path / f"{name}.jsonl{suffix}", Query(), ExportOptions())
    assert (tmp_path / f"one.jsonl{suffix}").read_bytes() == (tmp_path / f"two.jsonl{suffix}").read_bytes()


@BOTH
def test_parts_put_together_are_read_as_one(bulk: Bulk, host: Host, tmp_path: Path, suffix: str) -> None:
    parts = [b"\xef\xbb\xbf", b'{"cmd":"a"}\n{"cm', b'd":"b"}\r\n', b"", b'{"cmd":"c"}']
    (tmp_path / f"a.jsonl{suffix}").write_bytes(b"".join(compress(suffix, part) for part in parts))
    assert bulk.import_file(host, tmp_path / f"a.jsonl{suffix}", ImportOptions()).count == 3


@BOTH
def test_an_empty_file_is_read(bulk: Bulk, host: Host, tmp_path: Path, suffix: str) -> None:
    for content in (b"", compress(suffix, b"")):
        (tmp_path / f"a.jsonl{suffix}").write_bytes(content)
        assert bulk.import_file(host, tmp_path / f"a.jsonl{suffix}", ImportOptions()).count == 0


@BOTH
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: b"something else altogether",
        lambda content: content + b"more",
    ],
)
def test_damaged_data_is_named_and_nothing_is_taken_for_complete(
    bulk: Bulk, host: Host, tmp_path: Path, suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    content = compress(suffix, b"".join(b'{"cmd":"a%d"}\n' % n for n in range(1000)))
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(damage(content))
    with pytest.raises(BulkError, match=rf"a\.jsonl\{suffix}, line \d+: .*(damaged or cut off|not valid JSON)"):
        bulk.import_file(host, path, ImportOptions())


@BOTH
def test_one_endless_line_stops_at_the_limit(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bomb.jsonl{suffix}"
    path.write_bytes(compress(suffix, bytes(16 * MIB)) * 64)  # 1 GiB
    assert path.stat().st_size < 8 * MIB
    import_in_little_memory(path, r"line 1: it is longer than 67,108,864 bytes")


@BOTH
def test_endless_lines_stop_at_the_limit(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bomb.jsonl{suffix}"
    path.write_bytes(compress(suffix, (b" " * (MIB - 1) + b"\n") * 16) * 64)
    import_in_little_memory(path, r"line 257: the file is larger than 268,435,456 bytes", max_total_bytes=256 * MIB)


def import_in_little_memory(path: Path, reason: str, **settings: int) -> None:
    """The import must be refused for this reason, in a process that may not take more than 400 MiB beyond its start."""
    script = f"""
        import resource
        from pathlib import Path
        from eventlite import BulkError
        from eventlite.contracts import ImportOptions
        from eventlite.testing.host import StorageHost, open_storage
        from eventlite_files import Settings, eventlite_formats, eventlite_make_bulk

        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + 400 * 2**20,) * 2)
        bulk = eventlite_make_bulk(Settings(**{settings!r}), list(eventlite_formats()))
        try:
            bulk.import_file(StorageHost(open_storage()), Path({str(path)!r}), ImportOptions())
        except BulkError as error:
            print(error)
    """
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc to measure memory")
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert reason in done.stdout


@pytest.mark.parametrize("limit", ["max_line_bytes", "max_total_bytes"])
def test_limits_count_the_bytes_of_plain_files_too(host: Host, tmp_path: Path, limit: str) -> None:
    line = b'{"cmd":"a"}\n'
    (tmp_path / "a.jsonl").write_bytes(line * 3)
    size = len(line) * (3 if limit == "max_total_bytes" else 1)
    for allowed, count in ((size, 3), (size - 1, None)):
        bulk = eventlite_make_bulk(Settings(**{limit: allowed}), list(eventlite_formats()))
        if count:
            assert bulk.import_file(host, tmp_path / "a.jsonl", ImportOptions()).count == count
        else:
            with pytest.raises(BulkError, match=rf"than {allowed} bytes\n.*`{limit}`"):
                bulk.import_file(host, tmp_path / "a.jsonl", ImportOptions(append=True))


def test_zstd_without_its_module_names_the_extra(
    bulk: Bulk, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ImportError):
        importlib.import_module("zstandard")
    (tmp_path / "a.jsonl.zst").write_bytes(b"whatever")
    with pytest.raises(BulkError, match=r"pip install \"eventlite-sourcing\[zstd\]\""):
        bulk.import_file(host, tmp_path / "a.jsonl.zst", ImportOptions())
    with pytest.raises(BulkError, match=r"eventlite-sourcing\[zstd\]"):
        bulk.export_file(host, tmp_path / "b.jsonl.zst", Query(), ExportOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl.zst"]
