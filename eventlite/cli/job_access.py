"""What the commands under `eventlite jobs` share: the dispatcher, and jobs that are or are not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from eventlite.cli.context import open_kernel
from eventlite.cli.errors import NotFoundError
from eventlite.contracts.jobs import undeclared

if TYPE_CHECKING:
    from eventlite.contracts import JobDispatcher, JobInfo


@contextmanager
def open_dispatcher(ctx: click.Context, create: bool = False) -> Iterator[JobDispatcher]:
    """The dispatcher of a profile whose jobs are kept in the store; others' end with the process that made them."""
    with open_kernel(ctx, create) as kernel:
        if not kernel.jobs.capabilities.durable:
            undeclared("durable", "jobs that another process could see")
        yield kernel.jobs


def known_job(dispatcher: JobDispatcher, id: str) -> JobInfo:
    """The job of that id; raises `NotFoundError` without one."""
    found = dispatcher.get(id)
    if found is None:
        raise NotFoundError(f"there is no job {id!r}", hint="Finished jobs are forgotten after a while.")
    return found
