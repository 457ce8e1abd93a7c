"""Profiles: which plugin serves each concern, and with which settings.

A profile is TOML, found by name (built in), by path, or by EVENTLITE_PROFILE. What counts, the strongest first: keyword
arguments, environment variables (`EVENTLITE_STORAGE__PATH`), the profile, what it extends, EventLite's defaults. Tables
merge key by key, everything else replaces what is inherited; a section that names another `plugin` than the one it
inherits replaces the inherited section whole.
"""

from __future__ import annotations

from eventlite.profile.listing import Difference, Shown, differences, listing
from eventlite.profile.loading import load_profile, profile_from
from eventlite.profile.model import DEFAULT_PROFILE, SECTIONS, Origin, Profile
from eventlite.profile.naming import builtin_name, builtin_profiles
from eventlite.profile.redaction import redacted
from eventlite.profile.validating import validated

__all__ = [
    "DEFAULT_PROFILE",
    "SECTIONS",
    "Difference",
    "Origin",
    "Profile",
    "Shown",
    "builtin_name",
    "builtin_profiles",
    "differences",
    "listing",
    "load_profile",
    "profile_from",
    "redacted",
    "validated",
]
