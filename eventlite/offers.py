"""One installed plugin: found by its exact name, imported, and checked against its contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import TYPE_CHECKING, NamedTuple

import pluggy

from eventlite import contracts, hookspecs
from eventlite.contracts import CONTRACTS
from eventlite.errors import PluginError, did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel

#: The hook that makes each concern's component.
MAKERS: Mapping[str, str] = {
    "storage": "eventlite_make_storage",
    "indexing": "eventlite_make_indexing",
    "caching": "eventlite_make_cache",
    "bulk": "eventlite_make_bulk",
    "jobs": "eventlite_make_jobs",
}

#: The protocol of each concern's component, in `eventlite.contracts`.
_PROTOCOLS: Mapping[str, str] = {
    "storage": "Storage",
    "indexing": "Indexing",
    "caching": "Cache",
    "bulk": "Bulk",
    "jobs": "JobDispatcher",
}

#: What is asked of a component only if it declares it, or has its default in the contract.
_SPARED = frozenset({"backup", "create_index", "drop_index", "enqueue_many"})

#: Every hook.
HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("eventlite_"))


class Offer(NamedTuple):
    """What a distribution offers for a concern under one name."""

    concern: str
    entry: EntryPoint

    @property
    def distribution(self) -> Distribution:
        """Who offers it."""
        assert self.entry.dist is not None  # `entry_points()` always sets it
        return self.entry.dist

    def __str__(self) -> str:
        return f"plugin {self.concern}:{self.entry.name} ({release(self.distribution)})"


def release(distribution: Distribution) -> str:
    """The name and version of a distribution."""
    return f"{distribution.name} {distribution.version}"


def installed() -> dict[str, list[Offer]]:
    """Everything that is installed, for each concern by name; looks through the environment once."""
    everything = entry_points()
    return {
        concern: [
            Offer(concern, entry)
            for entry in sorted(everything.select(group=f"eventlite.{concern}"), key=lambda entry: entry.name)
        ]
        for concern in CONTRACTS
    }


def find(candidates: list[Offer], concern: str, name: str, where: str) -> Offer:
    """The one offer of exactly that name; `where` says in an error who asks for it. Raises `PluginError`."""
    found = [offer for offer in candidates if offer.entry.name == name]
    if not found:
        raise _not_found(f"{concern}:{name}", name, [offer.entry.name for offer in candidates], where)
    refuse_rivals(found[0], candidates)
    return found[0]


def refuse_rivals(offer: Offer, candidates: list[Offer]) -> None:
    """Raise `PluginError` if another distribution offers the same name."""
    rivals = [other for other in candidates if other.entry.name == offer.entry.name]
    if len(rivals) > 1:
        raise PluginError(
            f"{len(rivals)} distributions offer the plugin {offer.concern}:{offer.entry.name}: "
            + " and ".join(sorted(release(rival.distribution) for rival in rivals)),
            hint="Keep the one that you want: pip uninstall NAME removes another.",
        )


def import_plugin(offer: Offer) -> object:
    """The plugin itself. Raises `PluginError`, whatever goes wrong."""
    try:
        plugin: object = offer.entry.load()
    except ModuleNotFoundError as error:
        raise _lacks(offer, error.name or str(error)) from error
    except Exception as error:
        raise PluginError(
            f"{offer} fails when it is imported: {type(error).__name__}: {error}",
            hint=f"Another version may work: pip install --upgrade {offer.distribution.name}",
        ) from error
    return plugin


def check(offer: Offer, plugin: object) -> None:
    """Raise `PluginError` for a plugin of another contract, without a model of its settings, or not to be hashed."""
    _check_contract(offer, plugin)
    if type(plugin).__hash__ is None:
        raise PluginError(
            f"{offer} is an object of type {type(plugin).__name__}, which cannot be hashed",
            hint=f"Its author gives that class a __hash__, or lets {offer.entry.value} be a module.",
        )
    if offer.concern in MAKERS:
        settings_model(offer, plugin)


def settings_model(offer: Offer, plugin: object) -> type[BaseModel]:
    """The model of the plugin's section. Raises `PluginError` without one."""
    from pydantic import BaseModel

    model = getattr(plugin, "Settings", None)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return model
    raise PluginError(
        f"{offer} has no model of its settings",
        hint=f"Its author writes a pydantic model named Settings in {offer.entry.value}; it may be empty.",
    )


def lacking(concern: str, made: object) -> list[str]:
    """The methods of the concern's contract that a component does not have."""
    protocol: type = getattr(contracts, _PROTOCOLS[concern])
    needed = (name for base in protocol.__mro__ if base.__name__ != "JobExtras" for name in vars(base))
    return sorted({name for name in needed if name[0] != "_" and name not in _SPARED and not hasattr(made, name)})


def misfit(owner: str, error: pluggy.PluginValidationError) -> PluginError:
    """Pluggy's refusal of a hook implementation, in one line; `owner` names the plugin."""
    lines = [line for line in str(error).strip().splitlines() if not line.startswith("Plugin ")]
    reason = "; ".join(lines).partition(" in plugin ")[0]
    unknown = re.fullmatch(r"unknown hook '(\w+)'", reason)
    meant = did_you_mean(unknown[1], HOOKS) if unknown else None
    listed = f"The hooks and their arguments are listed in {hookspecs.__name__}."
    return PluginError(
        f"{owner} does not fit the hooks: {reason}", hint=listed if meant is None else f"{meant} {listed}"
    )


def _not_found(plugin: str, name: str, names: list[str], where: str) -> PluginError:
    meant = did_you_mean(name, names) or "Install the distribution that has it."
    installed = f"Installed: {', '.join(dict.fromkeys(names))}." if names else "None is installed."
    return PluginError(f"{where}: no installed distribution offers the plugin {plugin}", hint=f"{meant} {installed}")


def _lacks(offer: Offer, module: str) -> PluginError:
    name, extra = offer.distribution.name, _extra(offer, module)
    cure = f'pip install "{name}[{extra}]"' if extra else f"pip install --force-reinstall {name}"
    return PluginError(f"{offer} needs the module {module}, which is not installed", hint=cure)


def _extra(offer: Offer, module: str) -> str | None:
    """The extra of the distribution that is named like the plugin, or that brings the module."""
    extras = offer.distribution.metadata.get_all("Provides-Extra") or []
    if offer.entry.name in extras:
        return offer.entry.name
    wanted = _normal(module.partition(".")[0])
    for requirement in offer.distribution.requires or ():
        parts = re.match(r"([\w.-]+).*;.*\bextra\s*==\s*['\"]([^'\"]+)", requirement)
        if parts and _normal(parts[1]) == wanted:
            return parts[2]
    return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _check_contract(offer: Offer, plugin: object) -> None:
    needed, version = CONTRACTS[offer.concern], getattr(plugin, "CONTRACT", None)
    if type(version) is not int:
        raise PluginError(
            f"{offer} does not say which version of the {offer.concern} contract it was written for",
            hint=f"Its author writes CONTRACT = {needed} in {offer.entry.value}.",
        )
    if version != needed:
        older = offer.distribution.name if version < needed else "eventlite-sourcing"
        raise PluginError(
            f"{offer} was written for version {version} of the {offer.concern} contract, this EventLite has {needed}",
            hint=f"pip install --upgrade {older}",
        )
