"""What goes wrong in the database of jobs, as errors of EventLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from procrastinate.exceptions import ConnectorException
from psycopg import errors

from eventlite import JobError

_OTHER_VERSION = (errors.UndefinedTable, errors.UndefinedFunction, errors.UndefinedObject, errors.UndefinedColumn)


@contextmanager
def told() -> Iterator[None]:
    """Raise `JobError` for what the database refuses in the block."""
    try:
        yield
    except (psycopg.Error, ConnectorException) as error:
        cause = error.__cause__ if isinstance(error, ConnectorException) else error
        raise _told(cause or error) from error


def _told(error: BaseException) -> JobError:
    if isinstance(error, errors.UntranslatableCharacter):
        return JobError("data must hold no NUL character: PostgreSQL keeps none in jsonb")
    text = (str(error).strip() or type(error).__name__).partition("\n")[0]
    if isinstance(error, _OTHER_VERSION):
        return JobError(
            f"procrastinate's tables are of another version: {text}",
            hint="Apply procrastinate's migrations; its documentation says how.",
        )
    if isinstance(error, psycopg.OperationalError):
        return JobError(
            f"the database of jobs cannot be reached: {text}", hint="Check `dsn` in [jobs], and the server."
        )
    return JobError(f"the database of jobs refused: {text}")
