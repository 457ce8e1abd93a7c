"""Pages: by offset, and by a cursor that costs the same at any depth and never skips or repeats an event."""

from __future__ import annotations

import base64

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventlite import Kernel, NewEvent, Query
from eventlite.errors import InvalidQueryError


@pytest.fixture
def filled(kernel):
    kernel.append_many([NewEvent("odd" if n % 2 else "even", {"n": n}) for n in range(1, 26)])
    return kernel


def ids(page):
    return [event.id for event in page.events]


def by_cursor(kernel, query=Query(), meanwhile=lambda: None, **arguments):  # noqa: B008
    """All pages of a query, by cursor."""
    pages = [kernel.page(query, **arguments)]
    while pages[-1].next_cursor is not None:
        meanwhile()
        pages.append(kernel.page(query, cursor=pages[-1].next_cursor, **arguments))
    return pages


# --- by offset


def test_pages_by_offset(filled):
    first = filled.page(limit=10)
    assert (ids(first), first.total_count, first.has_more, first.next_offset) == (list(range(1, 11)), 25, True, 10)
    second = filled.page(limit=10, offset=first.next_offset)
    assert (ids(second), second.total_count, second.has_more, second.next_offset) == (list(range(11, 21)), 25, True, 20)
    last = filled.page(limit=10, offset=second.next_offset)
    assert (ids(last), last.has_more, last.next_offset, last.next_cursor) == ([21, 22, 23, 24, 25], False, None, None)


def test_an_offset_beyond_the_end_is_an_empty_page(filled):
    page = filled.page(limit=10, offset=1000)
    assert (ids(page), page.total_count, page.has_more, page.next_cursor) == ([], 25, False, None)


def test_a_page_that_ends_at_the_last_event_has_no_more(filled):
    page = filled.page(limit=25)
    assert (len(page.events), page.has_more, page.next_offset, page.next_cursor) == (25, False, None, None)


def test_a_page_of_an_empty_store(kernel):
    page = kernel.page()
    assert (page.events, page.total_count, page.has_more, page.next_offset, page.next_cursor) == (
        [],
        0,
        False,
        None,
        None,
    )


def test_an_offset_page_leads_on_by_cursor_too(filled):
    page = filled.page(Query(cmd="odd"), limit=3, offset=2)
    assert ids(page) == [5, 7, 9]
    assert ids(filled.page(Query(cmd="odd"), limit=3, cursor=page.next_cursor)) == [11, 13, 15]


def test_backwards_by_offset(filled):
    assert ids(filled.page(Query(cmd="even"), limit=3, offset=1, backwards=True)) == [22, 20, 18]


# --- by cursor


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("limit", [1, 4, 5, 12, 13, 100])
def test_pages_by_cursor_are_the_whole_in_order(filled, limit, backwards):
    query = Query(cmd="odd")
    pages = by_cursor(filled, query, limit=limit, backwards=backwards)
    whole = [event.id for event in filled.read(query, backwards=backwards)]
    assert [id for page in pages for id in ids(page)] == whole
    assert [page.total_count for page in pages] == [13] * len(pages)
    assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False]
    assert all(len(page.events) == limit for page in pages[:-1])


def test_a_cursor_page_has_no_offset(filled):
    page = filled.page(limit=5, cursor=filled.page(limit=5).next_cursor)
    assert page.next_offset is None
    assert page.next_cursor is not None


def test_later_pages_count_what_was_appended_above_the_head(filled):
    query = Query(cmd="odd")
    first = filled.page(query, limit=5)
    filled.append_many([NewEvent("odd"), NewEvent("even"), NewEvent("odd")])
    second = filled.page(query, limit=5, cursor=first.next_cursor)
    assert (first.total_count, second.total_count) == (13, 15)
    filled.append("odd")
    third = filled.page(query, limit=100, cursor=second.next_cursor)
    assert third.total_count == 16
    assert ids(first) + ids(second) + ids(third) == [event.id for event in filled.read(query)]


def test_backwards_pages_never_show_what_came_later(filled):
    pages = by_cursor(filled, limit=10, backwards=True, meanwhile=lambda: filled.append("later"))
    assert [id for page in pages for id in ids(page)] == list(range(25, 0, -1))
    assert [page.total_count for page in pages] == [25, 26, 27]


def test_a_page_without_its_count(filled):
    first = filled.page(limit=10, count=False)
    second = filled.page(limit=10, cursor=first.next_cursor)
    assert first.total_count is second.total_count is None
    assert ids(second) == list(range(11, 21))


def test_the_same_page_can_be_asked_for_again(filled):
    cursor = filled.page(limit=10).next_cursor
    assert filled.page(limit=10, cursor=cursor) == filled.page(limit=10, cursor=cursor)


def test_the_limit_may_change_from_page_to_page(filled):
    cursor = filled.page(limit=10).next_cursor
    assert ids(filled.page(limit=3, cursor=cursor)) == [11, 12, 13]


# --- what is refused


def test_a_cursor_of_another_query_or_direction_is_refused(filled):
    cursor = filled.page(Query(cmd="odd"), limit=5).next_cursor
    for query, backwards in [
        (Query(cmd="even"), False),
        (Query(), False),
        (Query(cmd="odd", user="u"), False),
        (Query(cmd="odd") | Query(cmd="even"), False),
        (Query(cmd="odd"), True),
    ]:
        with pytest.raises(InvalidQueryError, match="another query or direction"):
            filled.page(query, limit=5, cursor=cursor, backwards=backwards)


def test_an_equal_query_written_otherwise_is_the_same_query(filled):
    cursor = filled.page(Query(cmd=["odd", "even"]), limit=5).next_cursor
    assert ids(filled.page(Query(cmd=("even", "odd", "even")), limit=5, cursor=cursor)) == [6, 7, 8, 9, 10]


def test_an_offset_and_a_cursor_are_refused_together(filled):
    cursor = filled.page(limit=5).next_cursor
    with pytest.raises(InvalidQueryError, match="not at both"):
        filled.page(limit=5, offset=5, cursor=cursor)


def encoded(*values):
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


NO_CURSORS = [
    "", "x", "ä", "=====", "A" * 10_000, "eyJhIjogMX0", 7, b"x", str,
    encoded(), encoded(1, 2, 3), encoded(1, "2", 3, False, 5), encoded(-1, 2, 3, False, 5),
    encoded(True, 2, 3, False, 5), encoded({}, [], 3, False, 5),
]  # fmt: skip


@pytest.mark.parametrize("cursor", NO_CURSORS)
def test_what_is_no_cursor_is_refused(filled, cursor):
    with pytest.raises(InvalidQueryError):
        filled.page(limit=5, cursor=cursor)


@pytest.mark.parametrize("number", [2**53 + 5, 2**63, 2**64 - 1])
def test_a_cursor_with_positions_beyond_all_ids_is_refused(filled, number):
    genuine = filled.page(limit=5).next_cursor
    last, total, head, backwards, query = orjson.loads(base64.urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4)))
    for forged in (encoded(number, total, head, backwards, query), encoded(last, total, number, backwards, query)):
        with pytest.raises(InvalidQueryError, match="is not a cursor"):
            filled.page(limit=5, cursor=forged)


# --- any history


@st.composite
def histories(draw):
    """Commands appended before the first page, and after each further page; page sizes; and a query."""
    commands = st.lists(st.sampled_from("abc"), max_size=6)
    return (
        draw(st.lists(st.sampled_from("abc"), max_size=30)),
        draw(st.lists(commands, max_size=6)),
        draw(st.integers(1, 7)),
        draw(st.sampled_from([Query(), Query(cmd="a"), Query(cmd=["a", "b"]), Query(cmd="a") | Query(cmd="c")])),
        draw(st.booleans()),
    )


@settings(max_examples=60)
@given(histories())
def test_pages_equal_the_whole_whatever_is_appended_meanwhile(history):
    before, later, limit, query, backwards = history
    with Kernel.from_profile(storage={"plugin": "memory"}) as kernel:
        kernel.append_many([NewEvent(cmd) for cmd in before])
        expected = [event.id for event in kernel.read(query, backwards=backwards)]
        arriving = iter(later)
        seen, page = [], kernel.page(query, limit=limit, backwards=backwards)
        while True:
            seen += ids(page)
            assert page.total_count == kernel.count(query)
            assert page.has_more == (page.next_cursor is not None)
            if page.next_cursor is None:
                break
            kernel.append_many([NewEvent(cmd) for cmd in next(arriving, [])])
            page = kernel.page(query, limit=limit, cursor=page.next_cursor, backwards=backwards)
        if not backwards:
            expected = [event.id for event in kernel.read(query)]
        assert seen == expected


@settings(max_examples=60)
@given(histories())
def test_offsets_slice_the_whole(history):
    before, _, limit, query, backwards = history
    with Kernel.from_profile(storage={"plugin": "memory"}) as kernel:
        kernel.append_many([NewEvent(cmd) for cmd in before])
        whole = [event.id for event in kernel.read(query, backwards=backwards)]
        for offset in range(len(whole) + 2):
            page = kernel.page(query, limit=limit, offset=offset, backwards=backwards)
            assert ids(page) == whole[offset : offset + limit]
            assert page.has_more == (len(whole) > offset + limit)
            assert page.next_offset == (offset + limit if page.has_more else None)
