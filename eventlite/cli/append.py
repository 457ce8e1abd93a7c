"""`append`: one event into the store."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from eventlite.cli.context import open_kernel, options_of
from eventlite.cli.events import event_json
from eventlite.cli.filters import pair, unique
from eventlite.cli.output import print_json, print_line
from eventlite.jsontext import MAX_BYTES
from eventlite.query import Condition, Query


def json_object(text: str | bytes) -> dict[str, Any]:
    """The dict of a JSON object, exactly as it is written."""
    try:
        found = json.loads(text)  # unlike orjson, it keeps integers beyond 64 bits, which are then refused
    except RecursionError:
        raise click.BadParameter("the JSON is nested too deeply") from None
    except ValueError as error:
        raise click.BadParameter(f"this is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.BadParameter("the JSON must be an object, {...}")
    return found


@click.command("append")
@click.argument("cmd")
@click.argument("data", nargs=-1, metavar="[JSON | - | NAME=VALUE...]")
@click.option("--user", default="", help="Who.")
@click.option("--ip", default="", help="From where.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="What it is about, such as order:A1; repeatable.")
@click.option("--key", help="Idempotency key: the same event is stored once.")
@click.option("--cause", type=click.IntRange(min=1), metavar="ID", help="The event that led to this one.")
@click.option("--correlation", "correlation_id", metavar="ID", help="The business transaction; else the cause's.")
@click.option("--metadata", type=json_object, metavar="JSON", help="Whatever else is worth recording.")
@click.option(
    "--event-version", "version", type=click.IntRange(min=1), metavar="N", default=1, help="Schema version of the data."
)
@click.option("--if-none-after", type=click.IntRange(min=0), metavar="ID", help="Only if no event after this id ...")
@click.option("--if-tag", multiple=True, metavar="TAG", help="... has this tag; several: all of them.")
@click.option("--if-cmd", multiple=True, metavar="CMD", help="... and this command; several: any.")
@click.pass_context
def append(
    ctx: click.Context,
    /,
    cmd: str,
    data: tuple[str, ...],
    if_none_after: int | None,
    if_tag: tuple[str, ...],
    if_cmd: tuple[str, ...],
    **fields: Any,
) -> None:
    """Append an event and print its id.

    The data is a JSON object, - to read one from stdin, or NAME=VALUE pairs. With --if-none-after the event is refused
    if another one got in first: exit code 4.

    Example: eventlite append orderPaid order=A1 amount=12.5 --tag order:A1
    """
    condition = _condition(if_none_after, if_tag, if_cmd)
    payload = json_data(data)
    with open_kernel(ctx, create=True) as kernel:
        event = kernel.append(cmd, payload, condition=condition, **fields)
    if options_of(ctx).json:
        print_json(event_json(event))
    else:
        print_line(str(event.id))


def json_data(words: Sequence[str]) -> dict[str, Any]:
    """What the words on the command line say: a JSON object, - for one on stdin, or NAME=VALUE pairs."""
    if list(words) == ["-"]:
        return json_object(_standard_input())
    if len(words) == 1 and words[0].lstrip().startswith("{"):
        return json_object(words[0])
    return dict(unique([pair(word) for word in words]))


def _standard_input() -> bytes:
    """What stdin holds, or as much as shows that it is too large."""
    text = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise click.UsageError(f"the JSON on stdin is larger than {MAX_BYTES:,} bytes")
    return text


def _condition(after: int | None, tags: Sequence[str], cmds: Sequence[str]) -> Condition | None:
    if after is not None:
        return Condition(Query(tags=tags or None, cmd=cmds or None), after=after)
    if tags or cmds:
        raise click.UsageError("--if-tag and --if-cmd need --if-none-after, the id of the last event you have seen")
    return None
