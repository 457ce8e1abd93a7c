"""Text from the environment, read by pydantic-settings as the plugin's model wants it: JSON for a list or a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

_SECTION = "section"
_BETWEEN = "__"


def decoded(text: str, path: tuple[str, ...], model: type[BaseModel]) -> Any:
    """The value of the setting at `path` in the model; text stays text unless a list or a table is wanted.

    Raises `ValueError` for text that is not JSON then.
    """
    from pydantic import create_model
    from pydantic_settings import BaseSettings, EnvSettingsSource

    settings = create_model("Settings", __base__=BaseSettings, **{_SECTION: (model, ...)})  # type: ignore[call-overload]
    source = EnvSettingsSource(settings, case_sensitive=True, env_prefix="", env_nested_delimiter=_BETWEEN)
    source.env_vars = {_BETWEEN.join((_SECTION, *path)): text}  # one at a time, so that an error is about this one
    value = source()
    for key in (_SECTION, *path):
        value = value[key]
    return value
