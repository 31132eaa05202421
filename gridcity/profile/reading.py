"""The profile as people write it: TOML, read and held against what it may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gridcity.errors import CodeError, ProfileError
from gridcity.profile.choices import ACCURACY_M, COMPONENT_STEPS, EVENT_STEPS, STEPS, ExtensionClass, Profile

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["parse_profile", "read_profile"]

_TABLES: dict[str, frozenset[str]] = {
    "city": frozenset({"name", "area_code", "edition", "older_edition"}),
    "areas": frozenset({"digits", "community_of_street"}),
    "responsibility": frozenset({"component", "event", "accuracy", "steps"}),
}
_CLASS_KEYS = frozenset({"kind", "edition", "code", "name", "name_en", "geometry", "major_name"})


def read_profile(path: str | Path) -> Profile:
    """Read a profile from a TOML file.

    Raises
    ------
    ProfileError
        The file is missing, is not TOML, or contradicts itself; the message names the key.
    """
    from pathlib import Path

    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ProfileError(
            f"The profile {path} cannot be read: {error.strerror}.", hint="Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"The profile {path} is not UTF-8 text.", hint="Save it as UTF-8.") from error
    return parse_profile(text, where=str(path))


def parse_profile(text: str, *, where: str = "profile", stored: bool = False) -> Profile:
    r"""Read a profile from TOML text.

    Parameters
    ----------
    text : str
        TOML, as described at `gridcity.profile`.
    where : str, optional
        How error messages name the text.
    stored : bool, optional
        The text comes out of a city: its columns were held against the known fields when it went in,
        and a lookup need not load them again.

    Raises
    ------
    ProfileError
        The text is not TOML, has an unknown key, or a value that no code can have.

    Examples
    --------
    >>> parse_profile('[city]\nname = "东城区"\narea_code = "110101"').edition
    'gbt47678.5-2026'
    """
    import tomllib

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{where} is not TOML: {error}.", hint="Mend the line that is named.") from error
    _known(where, "the profile", data, {"city", "areas", "aliases", "columns", "classes", "responsibility"})
    city = _table(where, data, "city")
    areas = _table(where, data, "areas")
    responsibility = _table(where, data, "responsibility")
    own_edition = _text(where, "city.edition", city.get("edition", "")) or _default_edition()
    profile = Profile(
        name=_required(where, city, "name"),
        area_code=_required(where, city, "area_code"),
        edition=own_edition,
        older_edition=_text(where, "city.older_edition", city.get("older_edition", "")),
        digits=_texts(where, "areas.digits", areas.get("digits", {})),
        community_of_street=_text(where, "areas.community_of_street", areas.get("community_of_street", "")),
        aliases=_texts(where, "aliases", data.get("aliases", {})),
        columns=_texts(where, "columns", data.get("columns", {})),
        classes=tuple(
            _extension(where, i, entry, own_edition)
            for i, entry in enumerate(_list(where, "classes", data, ()), 1)
        ),
        component_steps=_steps(
            where, "component" if "component" in responsibility else "steps", responsibility, COMPONENT_STEPS
        ),
        event_steps=_steps(where, "event", responsibility, EVENT_STEPS),
        accuracy=_text(where, "responsibility.accuracy", responsibility.get("accuracy", "B")),
        text=text,
    )
    _check(where, profile)
    if not stored:
        _check_columns(where, profile)
    return profile


def _default_edition() -> str:
    from gridcity.codes import DEFAULT_EDITION

    return DEFAULT_EDITION


def _check(where: str, profile: Profile) -> None:
    from gridcity.codes import AreaCode, edition

    try:
        if len(AreaCode.parse(profile.area_code).text) != 6:
            raise ProfileError(
                f"{where}, city.area_code: {profile.area_code!r} is not six digits.",
                hint="Write the code of the district or city, for example 110101.",
            )
        for name in filter(None, (profile.edition, profile.older_edition)):
            edition(name)
    except CodeError as error:
        raise ProfileError(f"{where}, [city]: {error.message}", hint=error.hint) from error
    for name, digits in profile.digits.items():
        if not (_digits(digits) and len(digits) in (3, 9, 12)):
            raise ProfileError(
                f"{where}, [areas]: {name} = {digits!r} has neither 3, 9 nor 12 digits.",
                hint="Write the three digits, or the whole code.",
            )
    community = profile.community_of_street
    if community and not (_digits(community) and len(community) == 3):
        raise ProfileError(
            f"{where}, [areas]: community_of_street = {community!r} is not three digits.",
            hint='Write for example "001"; leave it out where communities are delivered.',
        )
    for c in profile.classes:
        if c.edition not in (profile.edition, profile.older_edition):
            raise ProfileError(
                f"{where}, [[classes]]: {c.name} is of {c.edition}, which is no edition of this city.",
                hint=f'Write older_edition = "{c.edition}" under [city].',
            )
    if profile.accuracy not in ACCURACY_M:
        raise ProfileError(
            f"{where}, responsibility.accuracy: {profile.accuracy!r} is no class of accuracy.",
            hint=f"Possible: {', '.join(f'{name} ({m:g} m)' for name, m in ACCURACY_M.items())}.",
        )


def _steps(where: str, key: str, table: Mapping[str, Any], default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the order of a chain; refuse a step that does not exist or stands twice."""
    place = f"responsibility.{key}"
    steps = tuple(_text(where, place, step) for step in _list(where, key, table, default))
    wrong = [step for step in steps if step not in STEPS]
    if wrong or len(set(steps)) != len(steps):
        raise ProfileError(
            f"{where}, {place}: {', '.join(wrong) or 'a step is named twice'}.",
            hint=f"Possible steps, each once: {', '.join(STEPS)}.",
        )
    return steps


def _check_columns(where: str, profile: Profile) -> None:
    """Refuse a column that is to fill a field no row has: it would be left out without a word."""
    if not profile.columns:
        return
    from gridcity.catalogue import fields

    kinds = ("component", "cell", "area", "party", "duty", "incident")
    possible = dict.fromkeys(name for kind in kinds for name in fields(kind).values())
    for column, name in profile.columns.items():
        if name not in possible:
            raise ProfileError(
                f"{where}, [columns]: {column!r} = {name!r} is no field.",
                hint=f"Possible: {', '.join(possible)}.",
            )


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _extension(where: str, number: int, entry: object, own_edition: str) -> ExtensionClass:
    place = f"[[classes]] number {number}"
    if not isinstance(entry, dict):
        raise ProfileError(f"{where}: {place} is not a table.", hint="Write [[classes]] and its keys below.")
    _known(where, place, entry, _CLASS_KEYS)
    texts = {key: _text(where, f"{place}.{key}", value) for key, value in entry.items()}
    if not texts.get("name"):
        raise ProfileError(f"{where}: {place} has no name.", hint='Write name = "…".')
    texts.setdefault("kind", "component")
    texts.setdefault("edition", own_edition)
    texts.setdefault("code", "")
    return ExtensionClass(**texts)


def _known(where: str, place: str, found: Mapping[str, Any], known: set[str] | frozenset[str]) -> None:
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise ProfileError(
            f"{where}: {place} has the unknown key {unknown[0]!r}.",
            hint=f"Possible: {', '.join(sorted(known))}.",
        )


def _table(where: str, data: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise ProfileError(f"{where}: {name} is not a table.", hint=f"Write [{name}] and its keys below.")
    _known(where, f"[{name}]", table, _TABLES[name])
    return table


def _list(where: str, name: str, table: Mapping[str, Any], default: Sequence[Any]) -> Sequence[Any]:
    found = table.get(name, default)
    if not isinstance(found, (list, tuple)):
        example = "[[classes]] and its keys below" if name == "classes" else f"{name} = [ … ]"
        raise ProfileError(f"{where}: {name} is not a list.", hint=f"Write {example}.")
    return found


def _required(where: str, city: Mapping[str, Any], name: str) -> str:
    text = _text(where, f"city.{name}", city.get(name, ""))
    if not text:
        raise ProfileError(f"{where}, [city]: {name} is missing.", hint=f'Write {name} = "…".')
    return text


def _text(where: str, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise ProfileError(
            f"{where}, {key}: {value!r} is not text.", hint="Codes are text: put the value into quotes."
        )
    return value.strip()


def _texts(where: str, key: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ProfileError(f"{where}: {key} is not a table.", hint=f"Write [{key}] and its keys below.")
    return {name: _text(where, f"{key}.{name}", text) for name, text in value.items()}
