"""The list of areas: names of administrative codes, and codes of delivered names.

The list is that of the National Bureau of Statistics, edition of 2023: provinces, cities,
districts and streets (towns) of the whole country, communities (villages) of Beijing and Shenzhen.
An area that is not in it is not wrong: codes change every year, and cities outside China have none.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gridcity.catalogue.tables import normal
from gridcity.codes.standards import STANDARDS
from gridcity.errors import ArgumentError

_LENGTHS = {"province": 2, "city": 4, "district": 6, "street": 9, "community": 12}
_PARENTS = {2: 0, 4: 2, 6: 4, 9: 6, 12: 9}
_BELOW = {parent: child for child, parent in _PARENTS.items()}

# Longest first: what kind of unit a name is, not which one.
_SUFFIX = re.compile(
    "(?<=.)(社区居民委员会|社区居委会|居民委员会|村民委员会|街道办事处|地区办事处|"
    "居委会|村委会|办事处|社区|街道|地区|镇|乡)$"
)


@dataclass(frozen=True, slots=True)
class AreaMatch:
    """What the list of areas says to a delivered name.

    Attributes
    ----------
    code : str or None
        The code; None where no area, or more than one, has the name.
    name : str
        The listed name; empty without a code.
    how : str
        ``exact``; ``stem`` when only the kind of unit was written differently (街道, 社区居委会);
        ``alias``; ``ambiguous``; ``none``.
    nearest : tuple of (code, name)
        Without a code: the areas with this name where there are several, else up to three with
        similar names.
    """

    code: str | None
    name: str
    how: str
    nearest: tuple[tuple[str, str], ...] = ()


@functools.cache
def _stream(number: int) -> tuple[dict[str, tuple[str, str]], bytes]:
    """Unpack one of the three streams of the list: down to districts, streets, communities.

    Returns the digits and the names below each parent, and what is still packed.
    """
    import lzma

    packed = _stream(number - 1)[1] if number else Path(STANDARDS, "areas.tsv.xz").read_bytes()
    unpacker = lzma.LZMADecompressor()
    digits, _, names = unpacker.decompress(packed).decode("utf-8").partition("\n\n")
    below = {}
    for line, named in zip(digits.split("\n"), names.split("\n"), strict=True):
        parent, _, ends = line.partition("\t")
        below[parent] = (ends, named)
    return below, unpacker.unused_data


def _runs(ends: str) -> Iterator[str]:
    """Expand ``001-003 101`` to its four ends of codes."""
    for run in ends.split(" "):
        first, _, last = run.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield f"{number:0{len(first)}d}"


@functools.lru_cache(maxsize=4096)
def _children(parent: str) -> Mapping[str, str]:
    below = _stream({6: 1, 9: 2}.get(len(parent), 0))[0].get(parent)
    if below is None:
        return {}
    ends, names = below
    return {parent + end: name for end, name in zip(_runs(ends), names.split(" "), strict=True)}


def area_name(code: str) -> str | None:
    """Return the listed name of a province (2 digits), city (4), district (6), street (9) or community (12).

    Returns
    -------
    str or None
        None where the list does not have the code.

    Examples
    --------
    >>> area_name("110101"), area_name("999001")
    ('东城区', None)
    """
    if len(code) not in _PARENTS:
        return None
    return _children(code[: _PARENTS[len(code)]]).get(code)


def areas_below(code: str) -> tuple[tuple[str, str], ...]:
    """Return code and name of the areas directly below one, in order of their codes.

    Parameters
    ----------
    code : str
        A province, city, district or street; empty for the provinces.

    Examples
    --------
    >>> areas_below("110101")[:2]
    (('110101001', '东华门街道'), ('110101002', '景山街道'))
    """
    return tuple(_children(code).items())


def match_area(
    name: str, within: str, aliases: Mapping[str, str] | None = None, *, level: str | None = None
) -> AreaMatch:
    """Find the code of a delivered area name.

    Names are compared without full-width forms and blanks; first whole, then without the kind of unit at
    their end (街道, 镇, 社区居委会 …). Two areas with one name are no match.

    Parameters
    ----------
    name : str
        As delivered.
    within : str
        Code of the area to look in.
    aliases : Mapping, optional
        Delivered name: listed name. A pair holds with and without the kind of unit, and both ways.
    level : str, optional
        ``district``, ``street`` or ``community``; by default the level directly below ``within``.
        A community can so be looked for in a whole district.

    Raises
    ------
    ArgumentError
        There is no such level, or it does not lie below ``within``.

    Examples
    --------
    >>> match_area("崇外街道", "110101", {"崇外": "崇文门外"})
    AreaMatch(code='110101012', name='崇文门外街道', how='alias', nearest=())
    >>> match_area("北宫厅", "110101", level="community").nearest
    (('110101005009', '北官厅社区居委会'),)
    """
    digits = _BELOW.get(len(within), 0) if level is None else _LENGTHS.get(level, 0)
    if digits <= len(within):
        raise ArgumentError(
            f"No {level or 'area'} can be looked for within {within!r}.",
            hint=f"Levels: {', '.join(_LENGTHS)}; within is the code of a higher one.",
        )
    listed, whole, stems = _index(within, digits)
    key = _key(name)
    stem = _stem(key)
    forth = {listed_name for given, listed_name in (aliases or {}).items() if _same(given, key, stem)}
    back = {given for given, listed_name in (aliases or {}).items() if _same(listed_name, key, stem)}
    # An alias is the city's own word and goes before what the list has under the same stem.
    steps = (
        ("alias", _codes(forth, whole, stems)),
        ("exact", whole.get(key, ())),
        ("stem", stems.get(stem, ()) if stem else ()),
        ("alias", _codes(back, whole, stems)),
    )
    for how, codes in steps:
        if len(codes) == 1:
            return AreaMatch(codes[0], listed[codes[0]], how)
        if codes:
            return AreaMatch(None, "", "ambiguous", tuple((code, listed[code]) for code in codes))
    return AreaMatch(None, "", "none", _similar(stem, listed, stems))


def other_name(code: str, name: str, aliases: Mapping[str, str] | None = None) -> str:
    """Return the name the list has under a code, where a delivered name is not another form of it.

    Parameters
    ----------
    code : str
        6, 9 or 12 digits.
    name : str
        As delivered.
    aliases : Mapping, optional
        As for `match_area`.

    Returns
    -------
    str
        Empty where the names agree, or the list does not have the code.

    Examples
    --------
    >>> other_name("110101005", "北新桥"), other_name("110101005", "景山")
    ('', '北新桥街道')
    """
    listed = area_name(code)
    if listed is None:
        return ""
    given, known = _key(name), _key(listed)
    names = {given} | {_key(to) for alias, to in (aliases or {}).items() if _same(alias, given, _stem(given))}
    return "" if any(_same(listed, one, _stem(one)) for one in names) or known == given else listed


def area_names(name: str, aliases: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return all names of an area in the form in which names are compared.

    Parameters
    ----------
    name : str
        As delivered.
    aliases : Mapping, optional
        As for `match_area`; without any, the one name itself.

    Examples
    --------
    >>> sorted(area_names("崇文门外街道", {"崇外": "崇文门外"}))
    ['崇外', '崇外街道', '崇文门外', '崇文门外街道']
    >>> area_names(" 东四　街道 ")
    frozenset({'东四街道'})
    """
    key = _key(name)
    stem = _stem(key)
    unit = key[len(stem) :]
    pairs = [pair for pair in (aliases or {}).items() if any(_same(one, key, stem) for one in pair)]
    stems = {_stem(_key(one)) for pair in pairs for one in pair}
    return frozenset({key, *stems, *(one + unit for one in stems)})


def _key(name: str) -> str:
    return "".join(normal(name).split())


def _stem(key: str) -> str:
    return _SUFFIX.sub("", key)


def _same(name: str, key: str, stem: str) -> bool:
    other = _key(name)
    return other == key or _stem(other) == stem


@functools.lru_cache(maxsize=64)
def _index(
    within: str, digits: int
) -> tuple[Mapping[str, str], Mapping[str, tuple[str, ...]], Mapping[str, tuple[str, ...]]]:
    """Return the areas of one length below another: names by code, codes by whole name, codes by stem."""
    level = [within]
    while level and len(level[0]) < digits:
        level = [code for parent in level for code in _children(parent)]
    listed = {code: _children(code[: _PARENTS[digits]])[code] for code in level}
    whole: dict[str, tuple[str, ...]] = {}
    stems: dict[str, tuple[str, ...]] = {}
    for code, name in listed.items():
        key = _key(name)
        whole[key] = (*whole.get(key, ()), code)
        stems[_stem(key)] = (*stems.get(_stem(key), ()), code)
    return listed, whole, stems


def _codes(
    names: Iterable[str], whole: Mapping[str, tuple[str, ...]], stems: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in names:
        key = _key(name)
        found |= dict.fromkeys(whole.get(key) or stems.get(_stem(key), ()))
    return tuple(sorted(found))


def _similar(
    stem: str, listed: Mapping[str, str], stems: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, str], ...]:
    import difflib

    close = difflib.get_close_matches(stem, stems, n=3, cutoff=0.5)
    return tuple((code, listed[code]) for match in close for code in stems[match])[:3]
