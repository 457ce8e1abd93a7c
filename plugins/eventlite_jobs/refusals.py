"""What every dispatcher refuses in the same words."""

from __future__ import annotations

from eventlite import JobError

#: The hint of whatever is refused because a dispatcher has ended.
EARLIER = "Use it before its kernel is closed."


def closed() -> JobError:
    """The error of a dispatcher that is used after its end."""
    return JobError("the job dispatcher is closed", hint=EARLIER)


def inline_after() -> JobError:
    """The error of an inline trigger that is to serve events of the past."""
    return JobError("an inline trigger serves the appends to come", hint="Leave out `after` or `inline`.")
