"""The class that a question names, as the city's tables have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gridcity.errors import ArgumentError
from gridcity.profile import ACCURACY_M
from gridcity.responsibility import Klass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridcity.catalogue import Catalogue, ClassEntry
    from gridcity.profile import Profile

__all__ = ["NOTHING", "Wanted", "accuracy_m", "classes_named", "wanted"]


class Wanted(NamedTuple):
    """What a question asks for.

    Attributes
    ----------
    classes : tuple of ClassEntry
        The classes of components or events that the text names; several where it is a part of their
        names, none where nothing was asked.
    label : str
        The text as it was given.
    """

    classes: tuple[ClassEntry, ...] = ()
    label: str = ""

    @property
    def components(self) -> frozenset[tuple[str, str]]:
        """Edition and code of the component classes."""
        return frozenset((c.edition, c.code) for c in self.classes if c.kind == "component")

    @property
    def single(self) -> Klass | None:
        """The class itself where the text names exactly one, in however many editions."""
        if len({entry.zh for entry in self.classes}) != 1:
            return None
        first = self.classes[0]
        return Klass(first.kind, first.edition, first.code, first.zh)


NOTHING = Wanted()


def accuracy_m(accuracy: str | float | None, profile: Profile) -> float:
    """Return in metres how far the true place of what is asked about may be away.

    Parameters
    ----------
    accuracy : str, float or None
        A class of positional accuracy (A, B, C; see `gridcity.profile.ACCURACY_M`) or metres; None for the
        profile's class.
    profile : Profile
        The city's.

    Raises
    ------
    ArgumentError
        There is no such class, or the metres are negative or not finite.
    """
    given = profile.accuracy if accuracy is None else accuracy
    try:
        metres = ACCURACY_M.get(given) if isinstance(given, str) else None
        metres = float(given) if metres is None else metres
    except (TypeError, ValueError):
        metres = float("nan")
    # Also false for what is no number.
    if not 0 <= metres < float("inf"):
        classes = ", ".join(f"{name} ({m:g} m)" for name, m in ACCURACY_M.items())
        raise ArgumentError(
            f"{accuracy!r} is no accuracy.", hint=f"It is one of {classes}, or a number of metres."
        )
    return metres


def wanted(text: str, profile: Profile) -> Wanted:
    """Return the classes a text names in a city.

    Parameters
    ----------
    text : str
        A class code, a Chinese or English name, or a part of a name (井盖 names every kind of cover).
        The city's edition is asked first, then its older one; component classes before event classes.
    profile : Profile
        The city's.

    Raises
    ------
    ArgumentError
        No class of the city's editions matches; the nearest names are listed.
    """
    text = text.strip()
    if not text:
        return NOTHING
    catalogues = profile.catalogues()
    found = classes_named(text, catalogues)
    if found is not None:
        return found
    near = (entry for catalogue in catalogues for entry in catalogue.nearest(text, "component"))
    nearest = list(dict.fromkeys(f"{entry.zh} ({entry.code})" for entry in near))
    raise ArgumentError(
        f"{text!r} is no class of {' or '.join(c.edition for c in catalogues)}.",
        hint=f"Nearest: {', '.join(nearest)}." if nearest else "Look one up: gridcity catalogue TEXT.",
        code="E_CLASS",
    )


def classes_named(text: str, catalogues: Sequence[Catalogue]) -> Wanted | None:
    """Return the classes a text names in the tables of a city, None where it names none; see `wanted`."""
    text = text.strip()
    if not text:
        return NOTHING
    for kind in ("component", "event"):
        coded = next(filter(None, (catalogue.find(text, kind) for catalogue in catalogues)), None)
        if coded is not None:
            return Wanted((coded,), text)
        # A city may mix editions: the name means the class of each of them. A matter that is called after a
        # component (路灯异常) is about that component, and has its chain.
        named = tuple(
            catalogue.subject(entry) for catalogue in catalogues for entry in catalogue.named(text, kind)
        )
        if named:
            return Wanted(named, text)
        parts = tuple(
            catalogue.subject(entry)
            for catalogue in catalogues
            for entry in catalogue.of(kind)
            if text in entry.zh or text.casefold() in entry.en.casefold()
        )
        if parts:
            return Wanted(parts, text)
    return None
