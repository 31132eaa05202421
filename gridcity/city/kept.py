"""The profile as a city keeps it: the text that people wrote, and beside it what was read from that text.

One lookup from a shell should not have to load a reader of TOML and the tables that the text is held against.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gridcity.profile import ExtensionClass, Profile

if TYPE_CHECKING:
    from gridcity.store.base import Store

__all__ = ["kept_as", "read_kept"]

# To be counted up when the same text comes to mean something else, or a text is taken that was refused: the
# reader of another number then reads the text itself.
_READING = 2
_FORM = [_READING, *Profile._fields, *ExtensionClass._fields]


def kept_as(profile: Profile) -> dict[str, str]:
    """Return what the metadata of a city say of its profile.

    Raises
    ------
    ProfileError
        The profile was not read from its text.
    """
    from gridcity.profile import parse_profile

    read = parse_profile(profile.text, stored=True)
    fields = {**read._asdict(), "classes": [local._asdict() for local in read.classes]}
    return {
        "profile": profile.text,
        "profile_read": json.dumps({"form": _FORM, **fields}, ensure_ascii=False),
        "name": profile.name,
    }


def read_kept(store: Store, meta: Mapping[str, str]) -> Profile:
    """Return the profile of a city.

    Parameters
    ----------
    store : Store
        The city's.
    meta : mapping of str to str
        What it says of itself.

    Raises
    ------
    ProfileError
        The text is no profile of this gridcity.
    """
    text = meta["profile"]
    try:
        read = json.loads(meta.get("profile_read", "{}"))
    except ValueError:
        read = {}
    # Another gridcity may have read the text, or another program may have changed it since.
    if not (isinstance(read, dict) and read.pop("form", None) == _FORM and read["text"] == text):
        from gridcity.profile import parse_profile

        return parse_profile(text, where=f"the profile in {store.path.name}", stored=True)
    classes = tuple(ExtensionClass(**local) for local in read["classes"])
    steps = {name: tuple(read[name]) for name in ("component_steps", "event_steps")}
    return Profile(**{**read, "classes": classes, **steps})
