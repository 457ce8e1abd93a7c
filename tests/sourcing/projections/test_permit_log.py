"""A projection over real events: open cases per department and week, of the log of a permit process.

Where the log is not there, events of the same shape are made up.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from eventlite import Kernel, Projection

#: It lies beside the checkout, or nowhere.
_LOGS = [folder / "shared" / "data" / "permit-applications.csv" for folder in Path(__file__).parents]
_MAPPING = {
    "correlation_id": "case:concept:name",
    "cmd": "concept:name",
    "user": "org:resource",
    "datetime": "time:timestamp",
}


def week_of(moment: dt.datetime) -> dt.date:
    """The Monday of its week."""
    return moment.date() - dt.timedelta(days=moment.weekday())


def weeks(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=days) for days in range(0, (last - first).days + 1, 7)]


def open_cases() -> Projection:
    """How many cases of a department were open in a week, as "department week"; a case is from its first event on."""
    projection = Projection("open-cases")

    @projection.on()
    def note(event: Any, state: Any) -> None:
        case, week = f"case {event.correlation_id}", week_of(event.datetime)
        known = state.get(case)
        start = week if known is None else dt.date.fromisoformat(known) + dt.timedelta(days=7)
        for each in weeks(start, week):
            cell = f"{event.data['case:department']} {each}"
            state[cell] = state.get(cell, 0) + 1
            state[case] = each.isoformat()

    return projection


def counted(events: Any) -> Counter[str]:
    """The same, by plain Python."""
    cases: dict[str, list[Any]] = defaultdict(list)
    for event in events:
        cases[event.correlation_id].append(event)
    counts: Counter[str] = Counter()
    for case in cases.values():
        spent = [week_of(event.datetime) for event in case]
        counts.update(f"{case[0].data['case:department']} {week}" for week in weeks(min(spent), max(spent)))
    return counts


def cells(state: Any) -> dict[str, int]:
    return {key: value for key, value in state.items() if not key.startswith("case ")}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = [path for path in _LOGS if path.is_file()]
    return found[0] if found else _made_up(tmp_path_factory.mktemp("log") / "permits.csv")


def _made_up(path: Path) -> Path:
    dice = random.Random(3)
    moments = sorted(
        dt.datetime(2011, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=dice.randrange(4_000)) for _ in range(900)
    )
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*_MAPPING.values(), "case:department"])
        for moment in moments:
            case = dice.randrange(120)
            writer.writerow(
                [f"case-{case}", f"T{dice.randrange(20)}", "r", moment.isoformat(), ("General", "Other")[case % 2]]
            )
    return path


@pytest.fixture
def kernel(sections: dict[str, Any]) -> Any:
    with Kernel.from_profile(**sections) as opened:
        yield opened


def test_imported_inline_followed_and_rebuilt_are_equal_and_every_day_can_be_gone_to(kernel: Kernel, log: Path) -> None:
    inline = open_cases()
    kernel.project(inline, "inline")
    report = kernel.import_file(log, mapping=_MAPPING)
    followed = open_cases()
    followed.name = "followed"
    kernel.project(followed)
    kernel.run_until_idle()
    events = list(kernel.read())
    assert len(events) == report.count > 0
    assert cells(inline.state) == cells(followed.state) == counted(events)
    assert inline.state == followed.state
    rebuilt = kernel.rebuild("open-cases")
    assert rebuilt.equal and rebuilt.live.rows == len(inline.state)
    assert kernel.verify_projection("followed").equal
    first, last = min(event.datetime for event in events), max(event.datetime for event in events)
    for part in (0.1, 0.5, 0.9):
        day = (first + (last - first) * part).replace(hour=0, minute=0, second=0, microsecond=0)
        assert cells(kernel.project_at("open-cases", day)) == counted(e for e in events if e.datetime <= day)
    assert kernel.project_at("open-cases", last) == inline.state
    assert kernel.project_at("open-cases", first - dt.timedelta(days=1)) == {}


def test_made_up_events_do_where_the_log_is_not_there(kernel: Kernel, tmp_path: Path) -> None:
    projection = open_cases()
    kernel.project(projection, "inline")
    assert kernel.import_file(_made_up(tmp_path / "permits.csv"), mapping=_MAPPING).count == 900
    assert cells(projection.state) == counted(kernel.read())
    assert kernel.rebuild(projection).equal
