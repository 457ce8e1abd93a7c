"""`eventlite profiles`: which profiles there are, what each of them sets, and making one's own."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from eventlite.cli.context import options_of
from eventlite.cli.output import note, print_json, print_line, safe, stdout, table
from eventlite.cli.verbs import Verbs
from eventlite.errors import EventLiteError
from eventlite.plugins import Plugins, load_plugins
from eventlite.profile import (
    DEFAULT_PROFILE,
    Origin,
    Profile,
    builtin_name,
    builtin_profiles,
    differences,
    listing,
    load_profile,
    profile_from,
)


@click.group(cls=Verbs)
def profiles() -> None:
    """List, show, make, check and compare profiles.

    Example: eventlite profiles list
    """


@profiles.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """Show the profiles that come with EventLite, and who each is for.

    Example: eventlite profiles list
    """
    found = [_summary(load_profile(name, environ={})) for name in builtin_profiles()]
    if options_of(ctx).json:
        print_json(found)
        return
    shown = table("profile", "extends", "who it is for")
    for each in found:
        mark = " (default)" if each["default"] else ""
        shown.add_row(each["name"] + mark, ", ".join(each["extends"]) or "-", each["description"])
    stdout().print(shown)


@profiles.command()
@click.argument("name", required=False)
@click.pass_context
def show(ctx: click.Context, name: str | None) -> None:
    """Show every setting, and where it comes from.

    NAME is a name or a path; without it, the profile that would be used here. Secrets are not shown.

    Example: eventlite profiles show ./shop.toml
    """
    profile = load_profile(name or options_of(ctx).profile, options_of(ctx).overrides)
    plugins = load_plugins(profile)
    if options_of(ctx).json:
        print_json(_as_json(profile, plugins))
    else:
        _show(profile, plugins)


@profiles.command()
@click.argument("name", required=False)
@click.pass_context
def check(ctx: click.Context, name: str | None) -> None:
    """Check a profile, its plugins and their settings.

    NAME is a name or a path; without it, the profile that would be used here. The environment counts as it would then.

    Example: eventlite profiles check ./shop.toml
    """
    profile = load_profile(name or options_of(ctx).profile, options_of(ctx).overrides)
    plugins = load_plugins(profile)
    if options_of(ctx).json:
        print_json({"name": profile.name, "ok": True, "plugins": dict(plugins.names)})
    else:
        named = ", ".join(f"{concern} {plugin}" for concern, plugin in plugins.names.items())
        print_line(safe(f"{profile.name} can be used: {named}"))


@profiles.command()
@click.argument("left")
@click.argument("right")
@click.pass_context
def diff(ctx: click.Context, left: str, right: str) -> None:
    """Show the settings that differ between two profiles.

    LEFT and RIGHT are names or paths; they are compared as they are written, whatever the environment says.

    Example: eventlite profiles diff balanced high-volume
    """
    one, other = (load_profile(name, environ=_without_settings(os.environ)) for name in (left, right))
    found = differences(one, load_plugins(one).settings, other, load_plugins(other).settings)
    if options_of(ctx).json:
        print_json([each._asdict() for each in found])
        return
    shown = table("setting", safe(left), safe(right))
    for each in found:
        shown.add_row(safe(each.key), _value(each.left), _value(each.right))
    if found:
        stdout().print(shown)
    else:
        note("Nothing differs.")


@profiles.command()
@click.argument("name")
@click.option("--extends", metavar="NAME|PATH", default=DEFAULT_PROFILE, show_default=True, help="What to build on.")
@click.option("--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="A setting; may be repeated.")
@click.option("--output", type=click.Path(path_type=Path), help="Where to write it, instead of NAME.toml.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@click.pass_context
def new(
    ctx: click.Context, name: str, extends: str, settings: tuple[str, ...], output: Path | None, force: bool
) -> None:
    """Write a profile of your own, to NAME.toml.

    Everything in it is checked first. A value is written as in TOML; what is not TOML is taken as text.

    Example: eventlite profiles new shop --set storage.path=shop.db --set caching.max_size=2000
    """
    name = name.removesuffix(".toml")
    _check_name(name)
    path = output or Path(f"{name}.toml")
    content = _content(name, extends, settings)
    load_plugins(profile_from(content, path, _without_settings(os.environ)))
    _write(path, content, force)
    if options_of(ctx).json:
        print_json({"name": name, "path": str(path)})
    else:
        print_line(safe(str(path)))
        note(f"Use it with --profile {path if path.suffix == '.toml' else path.resolve()}")


def _summary(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "description": profile.description,
        "extends": list(profile.extends),
        "default": profile.name == DEFAULT_PROFILE,
    }


def _as_json(profile: Profile, plugins: Plugins) -> dict[str, Any]:
    settings = [
        {"key": key, "value": value, "origin": {"kind": origin.kind, "where": origin.where}}
        for key, value, origin in listing(profile, plugins.settings)
    ]
    return {
        "name": profile.name,
        "description": profile.description,
        "extends": list(profile.extends),
        "durability": _durability(plugins),
        "settings": settings,
    }


def _show(profile: Profile, plugins: Plugins) -> None:
    print_line(safe(f"{profile.name}: {profile.description}" if profile.description else profile.name))
    if profile.extends:
        print_line(safe(f"Extends {', then '.join(profile.extends)}."))
    print_line(safe(_durability(plugins)))
    print_line()
    shown = table("setting", "value", "from")
    for key, value, origin in listing(profile, plugins.settings):
        shown.add_row(safe(key), _value(value), safe(_source(origin)))
    stdout().print(shown)


def _durability(plugins: Plugins) -> str:
    """What an acknowledged append survives, as the storage plugin says it of these settings."""
    words = getattr(plugins.chosen["storage"], "durability", None)
    if not callable(words):
        return f"The storage {plugins.names['storage']!r} does not say beforehand what an acknowledged append survives."
    return str(words(plugins.settings["storage"]))


def _value(value: Any) -> str:
    return "-" if value is None else safe(json.dumps(value, ensure_ascii=False))


def _source(origin: Origin) -> str:
    """Where a setting comes from; a profile that comes with EventLite by its name."""
    name = builtin_name(origin.where) if origin.kind == "file" else None
    return f"{name} (built in)" if name else str(origin)


def _without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with whatever secrets refer to, and without settings of EventLite."""
    return {name: text for name, text in environ.items() if not name.upper().startswith("EVENTLITE_")}


def _check_name(name: str) -> None:
    """Refuse a name that a new profile, and its file, cannot have."""
    if name in builtin_profiles():
        raise click.BadParameter(f"{name!r} is built in; choose another name", param_hint="NAME")
    if not name or Path(name).name != name or not name.isprintable():
        raise click.BadParameter(f"{name!r} cannot be the name of a file", param_hint="NAME")


def _content(name: str, extends: str, settings: tuple[str, ...]) -> dict[str, Any]:
    content: dict[str, Any] = {"profile": {"name": name, "extends": extends}}
    for setting in settings:
        dotted, equals, text = setting.partition("=")
        keys = dotted.strip().split(".")
        if not equals or len(keys) < 2 or "" in keys:
            raise click.BadParameter(f"{setting!r} is not SECTION.KEY=VALUE", param_hint="--set")
        _put(content, keys, _parsed(text))
    return content


def _put(content: dict[str, Any], keys: list[str], value: Any) -> None:
    table = content
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise click.BadParameter(f"{'.'.join(keys)} is inside of a value that is set too", param_hint="--set")
    table[keys[-1]] = value


def _parsed(text: str) -> Any:
    """The TOML value that a text is, or else the text."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if list(parsed) == ["value"] else text


def _write(path: Path, content: dict[str, Any], force: bool) -> None:
    import tomli_w

    written = tomli_w.dumps(content).encode()
    try:
        with path.open("wb" if force else "xb") as file:
            file.write(written)
    except FileExistsError:
        raise EventLiteError(f"{path} exists already", hint="--force replaces it.") from None
