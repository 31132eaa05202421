"""Reference systems by name: what a file declares, and what is refused.

A declaration is an EPSG code, PROJ or WKT text, the text of a ``.prj`` file, or one of the four
datums of `DATUMS`. What comes out is a `ReferenceSystem`, checked for the three things that PROJ
lets through without a word: systems that are tied to no place on Earth, the old Chinese datums, and
datum names that PROJ does not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from gridcity.errors import ReferenceSystemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyproj import CRS

DATUMS: dict[str, str] = {"cgcs2000": "CGCS2000", "wgs84": "WGS 84", "gcj02": "GCJ-02", "bd09": "BD-09"}
"""The datums that ``--datum`` takes, with their written names."""

SHIFTED = frozenset({"gcj02", "bd09"})
"""The datums that shift longitudes and latitudes and have no EPSG code."""

_HOW_TO_DECLARE = (
    "Declare it with --crs (an EPSG code such as EPSG:4548, or WKT), "
    f"or for longitude and latitude with --datum ({', '.join(DATUMS)})."
)


@dataclass(frozen=True, slots=True)
class ReferenceSystem:
    """A reference system that coordinates can be brought from.

    Attributes
    ----------
    name : str
        For people: ``EPSG:4548 CGCS2000 / 3-degree Gauss-Kruger CM 117E``.
    epsg : int or None
        The EPSG code, None where PROJ finds none with a confidence of 70 % or more.
    wkt : str
        The declaration as well-known text, as delivered if it was delivered so; empty for GCJ-02 and
        BD-09 alone, which have none.
    datum : str
        A key of `DATUMS`, or for other systems the datum's name in the authority's register.
    geographic : bool
        True for longitude and latitude in degrees, False for projected metres or feet.
    """

    name: str
    epsg: int | None
    wkt: str
    datum: str
    geographic: bool


# Written out so that one look-up in degrees does not load pyproj; a test holds them against EPSG.
_PLAIN = {
    "cgcs2000": ReferenceSystem(
        "EPSG:4490 China Geodetic Coordinate System 2000",
        4490,
        'GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",'
        'SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],'
        'UNIT["Degree",0.0174532925199433]]',
        "cgcs2000",
        True,
    ),
    "wgs84": ReferenceSystem(
        "EPSG:4326 WGS 84",
        4326,
        'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
        'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]',
        "wgs84",
        True,
    ),
    "gcj02": ReferenceSystem("GCJ-02 longitude and latitude", None, "", "gcj02", True),
    "bd09": ReferenceSystem("BD-09 longitude and latitude", None, "", "bd09", True),
}
PLAIN_CODES = {"EPSG:4490": "cgcs2000", "EPSG:4326": "wgs84"}

# Spellings of the two geocentric datums that PROJ does not recognise by itself.
_SPELLINGS = {
    "cgcs2000": 4490,
    "china2000": 4490,
    "chinageodeticcoordinatesystem2000": 4490,
    "wgs84": 4326,
    "wgs1984": 4326,
}
# WKT, PROJ, JSON, an address, or the code of an authority; any other text is a name.
_DESCRIBED = re.compile(
    r"[\[={]|://|^urn:|^(?!EPSG:)[A-Za-z]\w*:\w+$|^EPSG:\s*[0-9]+(?:\+[0-9]+)?$", re.I | re.A
)
_NUMBERS = re.compile("[0-9]+")
_OLD_DATUMS = frozenset({"beijing1954", "beijing54", "xian1980", "xian80", "newbeijing"})


def reference_system(
    crs: str | int | None = None,
    datum: str | None = None,
    *,
    wkt: str | None = None,
    where: str = "",
    guesses: Callable[[], object] | None = None,
) -> ReferenceSystem:
    """Return the reference system that is declared, or say why it cannot be used.

    Parameters
    ----------
    crs : str or int, optional
        ``EPSG:4548``, ``4548``, PROJ or WKT text. It stands above `wkt`.
    datum : str, optional
        A key of `DATUMS`. Alone: longitude and latitude in that datum. With a geographic system,
        ``gcj02`` and ``bd09`` say that the numbers are shifted whatever the file declares. With a
        system that names no datum, ``cgcs2000`` and ``wgs84`` supply it.
    wkt : str, optional
        The text of a ``.prj`` file.
    where : str, optional
        The name of the source, for messages.
    guesses : callable, optional
        Asked only where nothing usable is declared; its answer, such as a `gridcity.crs.Guess` of the
        coordinates, is added to the hint. It never decides.

    Returns
    -------
    ReferenceSystem
        The system; its `epsg` is filled also for WKT that names no code but means one.

    Raises
    ------
    ReferenceSystemError
        Nothing is declared; the declaration cannot be read; the system is not tied to the Earth (a
        local or engineering system); it stands on Beijing 1954 or Xian 1980 without parameters; or
        `datum` contradicts it.

    Examples
    --------
    >>> reference_system(datum="gcj02").name
    'GCJ-02 longitude and latitude'
    >>> reference_system(4548).name
    'EPSG:4548 CGCS2000 / 3-degree Gauss-Kruger CM 117E'
    """
    word = _datum_word(datum, where)
    text = str(crs).strip() if crs is not None else ""
    text = text or (wkt or "").strip("\ufeff\0 \t\r\n")
    if not text:
        if word is None:
            place = where or "the source"
            raise ReferenceSystemError(
                f"no reference system is declared in {place}", hint=_how_to_declare(guesses)
            )
        return _PLAIN[word]
    code = f"EPSG:{text}" if text.isdecimal() else text
    plain = PLAIN_CODES.get(code.upper())
    system = _PLAIN[plain] if plain else _described(code, word, where, guesses)
    if word in SHIFTED:
        return _shifted(system, str(word), where)
    if word and system.datum not in ("cgcs2000", "wgs84"):
        raise ReferenceSystemError(
            f"{_at(where)}the datum {DATUMS[word]} contradicts {system.name}, which stands on {system.datum}",
            hint="Give the one that is right: --crs or --datum.",
        )
    return system


@lru_cache(maxsize=64)
def parsed(text: str) -> CRS:
    """Return PROJ's reading of a declaration: horizontal, with the two known datums recognised.

    Raises
    ------
    pyproj.exceptions.CRSError, ValueError
        The text is no declaration.
    """
    from pyproj import CRS

    crs = CRS.from_user_input(text)
    # PROJ takes a name for the first that is like it: "Hong Kong" for Hong Kong 1980. ArcGIS spells the same
    # names otherwise, but with the same numbers.
    if not _DESCRIBED.search(text) and _NUMBERS.findall(text) != _NUMBERS.findall(crs.name):
        raise ValueError(f"{text!r} is not the name of {crs.name}")
    if crs.is_compound or (crs.is_geographic and len(crs.axis_info) == 3):
        crs = crs.to_2d()
    if crs.is_bound and crs.source_crs is not None and datum_of(crs.source_crs) in DATUMS:
        # A shift to WGS 84 that is stated for a datum which agrees with it says nothing new.
        crs = crs.source_crs
    known = _SPELLINGS.get(_plain_word(datum_of(crs)))
    return _on_datum(crs, known) if known and datum_of(crs) not in DATUMS else crs


def datum_of(crs: CRS) -> str:
    """Return the datum of a PROJ system: a key of `DATUMS`, or its registered name, or empty."""
    geodetic = crs.geodetic_crs
    if geodetic is None or geodetic.datum is None:
        return ""
    name: str = geodetic.datum.name
    if name == "China 2000":
        return "cgcs2000"
    return "wgs84" if name.startswith("World Geodetic System 1984") else name


def _described(
    text: str, datum: str | None, where: str, guesses: Callable[[], object] | None
) -> ReferenceSystem:
    """Return the system of a text that PROJ has to read."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        crs = parsed(text)
    except (CRSError, ValueError) as error:
        shown = " ".join(text.split())
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise ReferenceSystemError(
            f"{_at(where)}{shown!r} is no reference system that PROJ can read", hint=_how_to_declare(guesses)
        ) from error
    _refuse_untied(crs, where, guesses)
    _refuse_old_datum(crs, where)
    if datum in ("cgcs2000", "wgs84") and _plain_word(datum_of(crs)).startswith(("unknown", "notspecified")):
        supplied = _on_datum(crs, _SPELLINGS[datum])
        if supplied is not crs:
            crs, text = supplied, ""
    epsg = crs.to_epsg()
    name = f"EPSG:{epsg} {CRS.from_epsg(epsg).name}" if epsg else crs.name
    return ReferenceSystem(
        name=name,
        epsg=epsg,
        wkt=text if "[" in text else crs.to_wkt(),
        datum=datum_of(crs),
        geographic=crs.is_geographic,
    )


def _refuse_untied(crs: CRS, where: str, guesses: Callable[[], object] | None) -> None:
    """Refuse local systems, whose origin only their owner knows, and systems without x and y."""
    if crs.is_geographic or crs.is_projected:
        return
    raise ReferenceSystemError(
        f"{_at(where)}{crs.name!r} is a local or non-horizontal system ({crs.type_name}); "
        "it does not say where on the Earth its numbers lie",
        hint=_how_to_declare(guesses),
    )


def _refuse_old_datum(crs: CRS, where: str) -> None:
    """Refuse Beijing 1954 and Xian 1980 unless the parameters of their shift are stated."""
    datum = datum_of(crs)
    if _plain_word(datum) not in _OLD_DATUMS:
        return
    if crs.is_bound and crs.coordinate_operation is not None and any(crs.coordinate_operation.towgs84):
        return
    raise ReferenceSystemError(
        f"{_at(where)}{crs.name} stands on {datum}; EPSG has only a ballpark operation from there to "
        "CGCS2000, the parameters are not public, and without them everything would lie tens of metres off",
        hint="Have the data transformed to CGCS2000 by whoever holds the local parameters, "
        "or declare WKT that states them (TOWGS84).",
        code="E_DATUM",
    )


def _shifted(system: ReferenceSystem, datum: str, where: str) -> ReferenceSystem:
    if not system.geographic:
        raise ReferenceSystemError(
            f"{_at(where)}{DATUMS[datum]} shifts longitudes and latitudes; {system.name} is projected, "
            "and there are no metres in that datum",
            hint="Give --datum without a projected --crs if the numbers are degrees, else leave it out.",
        )
    return replace(system, name=f"{DATUMS[datum]} (declared {system.name})", epsg=None, datum=datum)


def _on_datum(crs: CRS, epsg: int) -> CRS:
    """Put a system on the datum of EPSG:4490 or 4326, unless its figure of the Earth is another."""
    from pyproj import CRS

    ellipsoid, meridian = crs.ellipsoid, crs.prime_meridian
    if crs.is_bound or ellipsoid is None or meridian is None or meridian.longitude != 0:
        return crs
    if (
        abs(ellipsoid.semi_major_metre - 6378137.0) > 0.01
        or abs(ellipsoid.inverse_flattening - 298.2572) > 1e-3
    ):
        return crs
    known = CRS.from_epsg(epsg)
    if crs.is_projected:
        described = crs.to_json_dict()
        described["base_crs"] = {
            key: value for key, value in known.to_json_dict().items() if key != "$schema"
        }
        return CRS.from_json_dict(described)
    degrees = all(axis.unit_name.casefold() == "degree" for axis in crs.axis_info)
    return known if crs.is_geographic and degrees else crs


def _datum_word(datum: str | None, where: str) -> str | None:
    if datum is None or not datum.strip():
        return None
    word = _plain_word(datum)
    if word not in DATUMS:
        raise ReferenceSystemError(
            f"{_at(where)}{datum!r} is no datum of gridcity", hint=f"Possible: {', '.join(DATUMS)}."
        )
    return word


def _how_to_declare(guesses: Callable[[], object] | None) -> str:
    return f"{guesses()} {_HOW_TO_DECLARE}" if guesses else _HOW_TO_DECLARE


def _plain_word(name: str) -> str:
    """Write ``D_Beijing_1954`` and ``Beijing 1954`` as the same word."""
    bare = name.casefold().removeprefix("d_")
    return "".join(character for character in bare if character.isalnum())


def _at(where: str) -> str:
    return f"{where}: " if where else ""
