"""A section against its plugin's model: everything that is wrong is said at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from eventlite.errors import PluginError
from eventlite.profile.explaining import explained
from eventlite.profile.model import Origin, Profile
from eventlite.profile.problems import refusal
from eventlite.profile.section import Model, Path, Section, within

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from eventlite.profile.header import Header


def validated(profile: Profile, concern: str, model: type[Model]) -> Model:
    """The section of a profile as an instance of its plugin's model, secrets filled in.

    Values are taken strictly, as JSON is: `"10"` and `true` are no numbers; only text from the environment may mean
    one. Raises one `ProfileError` that lists everything that is wrong and shows no secret, and `PluginError` if the
    model itself fails.
    """
    settings = {key: value for key, value in profile.sections[concern].items() if key != "plugin"}
    owner = f"the {concern} plugin {profile.sections[concern]['plugin']!r}"
    section = Section(concern, owner, model, profile.origin, profile.environ)
    instance = examined(section, settings)
    if instance is None:
        raise refusal(section.problems)
    return instance


def header_section(origin: Callable[[str], Origin]) -> Section[Header]:
    """The `[profile]` section, which belongs to no plugin and holds no references."""
    from eventlite.profile.header import Header

    return Section("profile", "[profile]", Header, origin)


def examined(section: Section[Model], given: Mapping[str, Any]) -> Model | None:
    """An instance of the section's model, or None; then `section.problems` says what is wrong."""
    values = {key: section.value(value, (key,)) for key, value in given.items()}
    payload = _json(section, values)
    strict, refused_strictly = _attempt(section, payload, strict=True)
    if strict is not None and not section.problems:
        return strict
    lenient, refused = _attempt(section, payload, strict=False)
    errors = _relevant(section, refused_strictly, refused)
    section.problems.extend(explained(error, section, values) for error in errors)
    return None if section.problems else lenient


def _json(section: Section[Any], values: Mapping[str, Any]) -> bytes:
    """The values as JSON; those that are none are noted and left out."""
    from pydantic_core import to_json

    fit = {key: value for key, value in values.items() if _fits(section, key, value)}
    return to_json(fit, inf_nan_mode="constants")


def _fits(section: Section[Any], key: str, value: Any) -> bool:
    from pydantic_core import PydanticSerializationError, from_json, to_json

    try:
        from_json(to_json(value, inf_nan_mode="constants"))
    except (PydanticSerializationError, ValueError, RecursionError):
        section.fail((key,), f"a profile cannot hold this {type(value).__name__}", "It holds what TOML can say.")
        return False
    return True


def _attempt(section: Section[Model], payload: bytes, *, strict: bool) -> tuple[Model | None, list[ErrorDetails]]:
    from pydantic import ValidationError

    try:
        return section.model.model_validate_json(payload, strict=strict), []
    except ValidationError as error:
        return None, error.errors(include_url=False)
    except Exception as error:
        failure = type(error).__name__
    # Outside of the handler, so that the error does not carry the other one, which may hold a secret.
    raise PluginError(f"{section.owner} fails with {failure} when it checks its settings")


def _relevant(section: Section[Any], strict: list[ErrorDetails], lenient: list[ErrorDetails]) -> list[ErrorDetails]:
    """The errors worth telling: strict ones about values that have a type, lenient ones about all others."""
    untyped = section.texts | section.failed
    kept = [error for error in strict if error["loc"] and not within(error["loc"], untyped)]
    told: set[Path] = {error["loc"] for error in kept}
    rest = [error for error in lenient if not within(error["loc"], section.failed | told)]
    whole = [error for error in rest if error["loc"] or not (section.failed or kept)]
    return [*kept, *whole]
