from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlite import EventLiteError
from eventlite.bench.compare import compare, differences
from eventlite.bench.html_page import page
from eventlite.bench.plots import curve_plots, throughput_plots
from eventlite.bench.results import Results, load, save
from eventlite.bench.surroundings import look_around
from eventlite.bench.svg import short, spaced, standalone, ticks

Made = Callable[..., Results]


def test_results_survive_their_file(results: Made, tmp_path: Path) -> None:
    made = results(balanced=[1.0, 2.0, 3.5], other=[7.0])
    save(made, tmp_path / "results.json")
    assert load(tmp_path / "results.json") == made


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "eventlite-bench-2"}'])
def test_what_is_no_file_of_results_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(text, encoding="utf-8")
    with pytest.raises(EventLiteError, match=r"other\.json does not hold results"):
        load(tmp_path / "other.json")
    with pytest.raises(EventLiteError, match="there is no file"):
        load(tmp_path / "none.json")


def test_the_surroundings_are_looked_at(tmp_path: Path) -> None:
    here = look_around(tmp_path)
    assert here.cores >= 1
    assert here.sqlite.count(".") == 2
    assert 0 < here.sync <= here.slow_sync
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([100, 100, 100], [100, 100, 100], "same"),
        ([100, 100, 100], [104, 104, 104], "same"),  # beyond the noise, but by less than 5 %
        ([100, 100, 100], [106, 106, 106], "faster"),
        ([100, 100, 100], [94, 94, 94], "slower"),
        ([90, 100, 130], [110, 120, 130], "same"),  # more than 5 %, but the quartiles overlap
        ([90, 100, 110], [110, 120, 130], "faster"),
    ],
)
def test_a_change_is_one_beyond_the_noise(results: Made, before: list[float], after: list[float], verdict: str) -> None:
    [change, *points] = compare(results(one=before), results(one=after))
    assert (change.workload, change.contestant, change.verdict) == ("append", "one", verdict)
    assert {(point.workload, point.verdict) for point in points} == {
        ("index-cost at 0", verdict),
        ("index-cost at 8", verdict),
    }


def test_what_only_one_run_has_is_gone_or_new(results: Made) -> None:
    changes = compare(results(old=[1.0]), results(young=[1.0]))
    assert {(change.contestant, change.verdict, change.ratio) for change in changes} == {
        ("old", "gone", None),
        ("young", "new", None),
    }


def test_what_makes_runs_hard_to_compare_is_said(results: Made) -> None:
    one = results(balanced=[1.0])
    other = replace(one, events=200, surroundings=replace(one.surroundings, sqlite="3.51.3"))
    assert differences(one, one) == []
    assert differences(one, other) == [
        "the number of events differs: 100, then 200",
        "SQLite differs: 3.40.1, then 3.51.3",
    ]
    slower = replace(one, contestants=[replace(one.contestants[0], durability="none")])
    assert differences(one, slower) == ["the settings of balanced differ"]


def test_every_plot_is_well_formed(results: Made) -> None:
    made = results(balanced=[1.0, 2.0, 3.0], other=[5_000.0])
    plots = {**throughput_plots(made), **curve_plots(made)}
    assert set(plots) == {"append", "index-cost"}
    for plot in plots.values():
        tags = [element.tag.rpartition("}")[2] for element in ET.fromstring(standalone(plot)).iter()]
        assert tags.count("rect") == 2 or tags.count("polyline") == 2


def test_the_page_is_whole_by_itself_and_shows_names_as_text(results: Made) -> None:
    text = page(results(**{"<script>alert(1)</script>": [1.0], "plain": [2.0]}), {"append": "a & b"})
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "a &amp; b" in text
    assert text.count("<svg") == 2
    assert not re.search(r"""(?:src|href)=|url\(|@import""", text)
    assert set(re.findall(r"https?://[^\"]+", text)) <= {"http://www.w3.org/2000/svg"}


def test_a_page_without_figures_is_still_a_page(results: Made) -> None:
    assert "<svg" not in page(results(), {})


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_ticks_are_few_and_reach_the_largest_value(most: float) -> None:
    steps = ticks(most)
    assert steps[0] == 0
    assert steps[-1] >= most * (1 - 1e-6)
    assert 3 <= len(steps) <= 10


def test_numbers_on_an_axis_are_short() -> None:
    assert [short(value) for value in (8, 31_623, 1_000_000)] == ["8", "31.6k", "1M"]


@given(st.lists(st.floats(0, 300), max_size=7).map(sorted), st.floats(200, 300))
def test_names_of_lines_stand_apart_and_above_the_axis(wanted: list[float], lowest: float) -> None:
    placed = spaced(wanted, lowest)
    assert len(placed) == len(wanted)
    assert all(later - y >= 15 - 1e-9 for y, later in pairwise(placed))
    assert all(y <= lowest for y in placed)


def test_a_busy_machine_is_said(results: Made) -> None:
    made = results(balanced=[1.0])
    busy = replace(made, surroundings=replace(made.surroundings, cores=2, load=2.5))
    assert "Others kept the machine busy" in page(busy, {})
    assert "Others kept" not in page(replace(made, surroundings=replace(made.surroundings, cores=2, load=1.5)), {})
