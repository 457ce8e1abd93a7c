"""Loads the plugins that a profile names, and no others, and puts them behind the hooks.

A plugin is a module (or any object) that an installed distribution offers as an entry point of the group
`eventlite.storage`, `.indexing`, `.caching`, `.bulk`, `.jobs` or `.extensions`. It has `CONTRACT`, hook implementations
and, unless it is an extension, a pydantic model `Settings`. What comes with EventLite enters by this door too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pluggy

from eventlite import hookspecs
from eventlite.errors import EventLiteError, PluginError
from eventlite.offers import (
    HOOKS,
    MAKERS,
    Offer,
    check,
    find,
    import_plugin,
    installed,
    lacking,
    misfit,
    refuse_rivals,
    settings_model,
)
from eventlite.profile import validated

if TYPE_CHECKING:
    from pydantic import BaseModel

    from eventlite.profile import Profile

#: An offer, and the plugin that was imported from it.
_Choice: TypeAlias = tuple[Offer, object]


@dataclass(frozen=True, slots=True)
class Plugins:
    """The plugins of one kernel; the keys are the concerns."""

    manager: pluggy.PluginManager
    #: Each section of the profile, as an instance of its plugin's `Settings`.
    settings: Mapping[str, BaseModel]
    #: The name that the profile gives.
    names: Mapping[str, str]
    #: The plugin itself.
    chosen: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """An installed plugin; `problem` says what is wrong with it and the cure, None when it works."""

    concern: str
    name: str
    distribution: str
    version: str
    contract: int | None
    problem: str | None
    summary: str


def load_plugins(profile: Profile) -> Plugins:
    """Import and check the plugins that the profile names, and validate their sections.

    Raises `PluginError` for a plugin that is missing, ambiguous, broken or made for another contract, and
    `ProfileError` for a section that its `Settings` refuses.
    """
    candidates = installed()
    names = {concern: profile.sections[concern]["plugin"] for concern in MAKERS}
    chosen = {concern: _choose(candidates, profile, concern, name) for concern, name in names.items()}
    extensions = [_choose(candidates, profile, "extensions", name) for name in profile.extensions]
    manager = _assemble(list(chosen.values()), extensions)
    settings = {concern: validated(profile, concern, settings_model(*choice)) for concern, choice in chosen.items()}
    return Plugins(manager, settings, names, {concern: plugin for concern, (_, plugin) in chosen.items()})


def make(plugins: Plugins, concern: str, hook_name: str, **arguments: Any) -> Any:
    """Call the maker of the plugin chosen for a concern, inside the wrappers of all plugins.

    An `EventLiteError` passes; any other exception, and an answer of None, becomes a `PluginError`.
    """
    maker, involved = _maker(plugins, concern, hook_name)
    try:
        made = maker(**arguments)
    except EventLiteError:
        raise
    except Exception as error:
        raise PluginError(f"{involved} failed in {hook_name}: {type(error).__name__}: {error}") from error
    if made is None:
        raise PluginError(f"{involved} returned nothing from {hook_name}", hint="It must return what it made.")
    return made


def component(plugins: Plugins, concern: str, **arguments: Any) -> Any:
    """What the plugin chosen for a concern makes.

    Raises `PluginError` as `make` does, and for an object that lacks methods of its contract.
    """
    hook_name = MAKERS[concern]
    made = make(plugins, concern, hook_name, **arguments)
    if missing := lacking(concern, made):
        _, involved = _maker(plugins, concern, hook_name)
        raise PluginError(
            f"{involved} returned from {hook_name} an object of type {type(made).__name__}, which lacks "
            + ", ".join(missing),
            hint=f"Its author writes them as the {concern} contract says, in eventlite.contracts.",
        )
    return made


def scratch_stores(plugins: Plugins) -> Callable[[Path], AbstractContextManager[Mapping[str, Any]]] | None:
    """What makes a store of its own for each directory, as `eventlite_scratch_store`; None where nothing does.

    A storage with a setting `path` has its store there, and needs no hook for that.
    """
    settings = plugins.settings["storage"]
    if _makes(plugins.manager, "eventlite_scratch_store", plugins.chosen["storage"]):
        maker, _ = _maker(plugins, "storage", "eventlite_scratch_store")
        return lambda place: cast("AbstractContextManager[Mapping[str, Any]]", maker(settings=settings, place=place))
    if "path" in type(settings).model_fields:
        return lambda place: nullcontext({"path": str(place / "store")})
    return None


def listeners(manager: pluggy.PluginManager, hook_name: str) -> tuple[tuple[str, Callable[..., Any]], ...]:
    """Who implements a hook, in calling order: the plugin's name, and a function of the hook's keyword arguments.

    A tuple resolved once costs less per batch than the hook call. Raises `PluginError` for a wrapper: only makers can
    be wrapped.
    """
    hook: pluggy.HookCaller = getattr(manager.hook, hook_name)
    assert hook.spec is not None
    return tuple(_listener(impl, hook_name, hook.spec.argnames) for impl in reversed(hook.get_hookimpls()))


def ask(manager: pluggy.PluginManager, hook_name: str, **arguments: Any) -> list[Any]:
    """Call everyone who implements a hook, in order, and return all that they answer in one list.

    An `EventLiteError` passes; any other exception becomes a `PluginError` that names the plugin.
    """
    answers: list[Any] = []
    for plugin, listener in listeners(manager, hook_name):
        try:
            answers.extend(listener(**arguments) or ())
        except EventLiteError:
            raise
        except Exception as error:
            raise PluginError(f"{plugin} failed in {hook_name}: {type(error).__name__}: {error}") from error
    return answers


def available() -> list[PluginInfo]:
    """Every installed plugin, imported and checked; what is wrong is reported, not raised."""
    return [_info(offer, candidates) for candidates in installed().values() for offer in candidates]


def _asked(profile: Profile, concern: str) -> str:
    """Where the profile asks for a plugin, for an error."""
    key = "profile.extensions" if concern == "extensions" else f"{concern}.plugin"
    return f"{key} ({profile.origins.get(key, profile.name)})"


def _choose(candidates: Mapping[str, list[Offer]], profile: Profile, concern: str, name: str) -> _Choice:
    """The plugin that the profile names for a concern, imported and checked."""
    offer = find(candidates[concern], concern, name, _asked(profile, concern))
    plugin = import_plugin(offer)
    check(offer, plugin)
    return offer, plugin


def _assemble(chosen: Sequence[_Choice], extensions: Sequence[_Choice]) -> pluggy.PluginManager:
    """The hooks, with these plugins behind them. Raises `PluginError` for one that does not fit."""
    manager = pluggy.PluginManager("eventlite")
    manager.add_hookspecs(hookspecs)
    # pluggy calls the last one first: in reverse, so that the first extension of the profile is the outermost
    for offer, plugin in [*chosen, *reversed(extensions)]:
        _register(manager, offer, plugin)
    _check_hooks(manager)
    for offer, plugin in chosen:
        _check_maker(manager, offer, plugin)
    for offer, plugin in extensions:
        if not any(plugin is other for _, other in chosen):
            _refuse_makers(manager, offer, plugin)
    return manager


def _register(manager: pluggy.PluginManager, offer: Offer, plugin: object) -> None:
    """Register a plugin, once even if it serves several concerns."""
    if manager.is_registered(plugin):
        return
    try:
        manager.register(plugin, str(offer))
    except pluggy.PluginValidationError as error:
        raise misfit(str(offer), error) from error


def _check_hooks(manager: pluggy.PluginManager) -> None:
    """Raise `PluginError` for an implementation of a hook that does not exist or must not be wrapped."""
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise misfit(str(manager.get_name(error.plugin)), error) from error
    for hook_name in HOOKS:
        if hook_name not in MAKERS.values():
            listeners(manager, hook_name)


def _check_maker(manager: pluggy.PluginManager, offer: Offer, plugin: object) -> None:
    hook_name = MAKERS[offer.concern]
    if not _makes(manager, hook_name, plugin):
        raise PluginError(
            f"{offer} makes nothing: it has no {hook_name}, or only a wrapper",
            hint=f"Its author writes the function {hook_name} under @hookimpl in {offer.entry.value}.",
        )


def _refuse_makers(manager: pluggy.PluginManager, offer: Offer, plugin: object) -> None:
    """An extension wraps what the profile chose, it never takes its place unseen."""
    for hook_name in MAKERS.values():
        if _makes(manager, hook_name, plugin):
            raise PluginError(
                f"{offer} is named as an extension, but its {hook_name} is not a wrapper",
                hint="Its author writes @hookimpl(wrapper=True), or offers it as a plugin of that concern.",
            )


def _makes(manager: pluggy.PluginManager, hook_name: str, plugin: object) -> bool:
    """Whether the plugin implements a hook itself, not as a wrapper."""
    return any(impl.plugin is plugin and not _wraps(impl) for impl in getattr(manager.hook, hook_name).get_hookimpls())


def _maker(plugins: Plugins, concern: str, hook_name: str) -> tuple[pluggy.HookCaller, str]:
    """The hook without the makers of plugins that serve another concern; and who takes part, for an error."""
    chosen = plugins.chosen[concern]
    impls: list[pluggy.HookImpl] = getattr(plugins.manager.hook, hook_name).get_hookimpls()
    others = [impl.plugin for impl in impls if impl.plugin is not chosen and not _wraps(impl)]
    wrappers = [impl.plugin_name for impl in impls if _wraps(impl)]
    involved = " wrapped by ".join([str(plugins.manager.get_name(chosen)), *wrappers])
    return plugins.manager.subset_hook_caller(hook_name, others), involved


def _wraps(impl: pluggy.HookImpl) -> bool:
    return impl.wrapper or impl.hookwrapper


def _listener(impl: pluggy.HookImpl, hook_name: str, given: tuple[str, ...]) -> tuple[str, Callable[..., Any]]:
    if _wraps(impl):
        raise PluginError(
            f"{impl.plugin_name} wraps {hook_name}, but only the makers can be wrapped",
            hint="Its author removes wrapper=True.",
        )
    if set(impl.argnames) == set(given):
        return impl.plugin_name, impl.function
    return impl.plugin_name, partial(_call_with, impl.function, impl.argnames)


def _call_with(function: Callable[..., Any], names: tuple[str, ...], **arguments: Any) -> Any:
    """Call an implementation that takes only some of the hook's arguments."""
    return function(*(arguments[name] for name in names))


def _info(offer: Offer, candidates: list[Offer]) -> PluginInfo:
    plugin, problem = None, None
    try:
        plugin = import_plugin(offer)
        refuse_rivals(offer, candidates)
        check(offer, plugin)
        choice = [(offer, plugin)]
        _assemble([], choice) if offer.concern == "extensions" else _assemble(choice, [])
    except PluginError as error:
        problem = str(error)
    contract = getattr(plugin, "CONTRACT", None)
    return PluginInfo(
        concern=offer.concern,
        name=offer.entry.name,
        distribution=offer.distribution.name,
        version=offer.distribution.version,
        contract=contract if type(contract) is int else None,
        problem=problem,
        summary=_summary(plugin),
    )


def _summary(plugin: object) -> str:
    """The first line of a plugin's docstring."""
    return (inspect.getdoc(plugin) or "").partition("\n")[0] if plugin is not None else ""
