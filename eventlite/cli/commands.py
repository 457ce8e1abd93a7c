"""Which commands there are and where; a command's module is imported when the command is used, not before."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """A built-in command: the module that defines it, and what the list of commands says about it."""

    module: str
    help: str


#: The built-in commands under their headings, in the order of the help text.
COMMANDS: dict[str, dict[str, Entry]] = {
    "Start": {
        "demo": Entry("demo", "See the main job done in ten seconds."),
    },
    "Events": {
        "append": Entry("append", "Append an event."),
        "get": Entry("reading", "Show one event."),
        "log": Entry("reading", "List events, the newest last."),
        "tail": Entry("reading", "Show the last events; -f waits for more."),
        "trace": Entry("trace", "Draw what an event was caused by, and what it caused."),
        "stats": Entry("stats", "Count events by command, user and more."),
    },
    "Files": {
        "import": Entry("transfer", "Read events from a file."),
        "export": Entry("transfer", "Write events to a file."),
        "backup": Entry("backup", "Copy the store, while it is in use."),
        "restore": Entry("backup", "Put a backup in the store's place."),
    },
    "Sourcing": {
        "waits": Entry("waits", "List events that wait for others, or cancel them."),
        "projections": Entry("projections", "List, verify, rebuild, pause and resume projections."),
        "subscriptions": Entry("subscriptions", "See, pause, resume and reset who follows the events."),
        "jobs": Entry("jobs", "Run background jobs, look at them, retry, cancel, pause."),
    },
    "Upkeep": {
        "profiles": Entry("profiles", "List, show, make, check and compare profiles."),
        "plugins": Entry("plugins", "List the plugins that are installed."),
        "indexes": Entry("indexes", "List indexes, or build those the profile asks for."),
        "upcasters": Entry("upcasters", "Check that every old event can be read as a new one."),
        "verify": Entry("verify", "Check every event and the store itself."),
        "doctor": Entry("doctor", "Check the surroundings: versions, disk, profile, plugins."),
        "bench": Entry("bench", "Measure profiles on this machine's disk."),
    },
}

_ENTRIES = {name: entry for section in COMMANDS.values() for name, entry in section.items()}


def builtin_names() -> list[str]:
    """The names of the built-in commands, in the order of the help text."""
    return list(_ENTRIES)


def load_builtin(name: str) -> click.Command | None:
    """The built-in command of that name, or None."""
    if name not in _ENTRIES:
        return None
    module = import_module(f"eventlite.cli.{_ENTRIES[name].module}")
    found = (thing for thing in vars(module).values() if isinstance(thing, click.Command))
    return next(command for command in found if command.name == name)
