"""A projection over real events: open cases per department and week, of the log of a permit process."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from typing import Any

import pytest

from eventlite import Kernel, Projection


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


@pytest.fixture
def kernel(sections: dict[str, Any]) -> Any:
    with Kernel.from_profile(**sections) as opened:
        yield opened


def test_imported_inline_followed_and_rebuilt_are_equal_and_every_day_can_be_gone_to(
    kernel: Kernel, permit_log: Any
) -> None:
    inline = open_cases()
    kernel.project(inline, "inline")
    report = kernel.import_file(permit_log.path, mapping=permit_log.mapping)
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


def test_made_up_events_do_where_the_log_is_not_there(kernel: Kernel, made_up_permit_log: Any) -> None:
    projection = open_cases()
    kernel.project(projection, "inline")
    assert kernel.import_file(made_up_permit_log.path, mapping=made_up_permit_log.mapping).count == 900
    assert cells(projection.state) == counted(kernel.read())
    assert kernel.rebuild(projection).equal
