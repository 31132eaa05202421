"""The classes of components and events, per edition, with a city's local ones."""

from __future__ import annotations

import functools
import warnings
from typing import Final, NamedTuple

from gridcity.catalogue.tables import normal
from gridcity.codes import ProvisionalEditionWarning, edition
from gridcity.codes.standards import rows
from gridcity.errors import CodeError, ProfileError

KINDS: Final = ("component", "event")
GEOMETRIES: Final = ("point", "line", "polygon")
FIRST_LOCAL_MAJOR: Final = 21
"""New major classes are numbered from here, as two deployed systems do (扩展部件, 扩展事件)."""


class ClassEntry(NamedTuple):
    """One minor class (小类) of components or events in one edition.

    Attributes
    ----------
    kind : str
        ``component`` or ``event``; an event of the 2026 edition is what it calls a matter (事项).
        The same code can be both a component class and an event class.
    edition : str
        The edition whose code it is.
    code : str
        Major and minor code together, 4 or 5 digits.
    zh, en : str
        Name of the minor class.
    geometry : str
        ``point``, ``line`` or ``polygon``: the usual shape. No standard gives it; it is gridcity's own
        guess. Empty where unknown.
    status : str
        ``confirmed``, ``one source``, ``inferred``, ``provisional``, or ``local`` for a city's own.
    source, note : str
        Where the row was read, and what else is known about how sure it is.
    """

    kind: str
    edition: str
    code: str
    major_code: str
    major_zh: str
    major_en: str
    minor_code: str
    zh: str
    en: str
    geometry: str
    status: str
    source: str
    note: str


class _Kind:
    """The classes of one kind, found by code and by name."""

    def __init__(self, entries: tuple[ClassEntry, ...]) -> None:
        self.entries = entries

    @functools.cached_property
    def by_code(self) -> dict[str, ClassEntry]:
        return {entry.code: entry for entry in self.entries}

    @functools.cached_property
    def by_name(self) -> dict[str, tuple[ClassEntry, ...]]:
        found: dict[str, tuple[ClassEntry, ...]] = {}
        for entry in self.entries:
            for name in {normal(entry.zh), normal(entry.en)} - {""}:
                found[name] = (*found.get(name, ()), entry)
        return found


class Catalogue:
    """The classes of one edition, those of a kind read when they are asked for.

    Parameters
    ----------
    edition : str
        Name of the edition.
    local : tuple of ClassEntry, optional
        A city's own classes of this edition.
    """

    def __init__(self, edition: str, local: tuple[ClassEntry, ...] = ()) -> None:
        self.edition: Final = edition
        self._local = local
        self._kinds: dict[str, _Kind] = {}

    def __repr__(self) -> str:
        return f"<Catalogue {self.edition}: {len(self.entries)} classes, {len(self._local)} of them local>"

    @property
    def entries(self) -> tuple[ClassEntry, ...]:
        """All classes, components before events, in order of their codes."""
        return tuple(entry for kind in KINDS for entry in self.of(kind))

    def of(self, kind: str) -> tuple[ClassEntry, ...]:
        """Return the classes of a kind, in order of their codes."""
        return self._of(kind).entries

    def _of(self, kind: str) -> _Kind:
        if kind not in self._kinds:
            local = [entry for entry in self._local if entry.kind == kind]
            entries = _standard_classes(self.edition, kind)
            self._kinds[kind] = _Kind(
                tuple(sorted((*entries, *local), key=lambda e: e.code)) if local else entries
            )
        return self._kinds[kind]

    def find(self, code: str, kind: str = "component") -> ClassEntry | None:
        """Return the class with this code, None where there is none."""
        return self._of(kind).by_code.get(code)

    def named(self, text: str, kind: str | None = None) -> tuple[ClassEntry, ...]:
        """Return the classes with exactly this Chinese or English name.

        Case, outer blanks and full-width forms do not count.

        Examples
        --------
        >>> [entry.code for entry in catalogue("cjt214-2007").named("燃气调压站(箱)")]
        ['0135']
        """
        key = normal(text)
        kinds = KINDS if kind is None else (kind,)
        return tuple(entry for one in kinds for entry in self._of(one).by_name.get(key, ()))

    def subject(self, entry: ClassEntry) -> ClassEntry:
        """Return the class of components that a matter is about, the class itself where it is about none.

        The matters 01 to 05 of GB/T 47678.5-2026 mirror its components one for one, each called after its
        component and 异常 (one source).

        Examples
        --------
        >>> table = catalogue("gbt47678.5-2026")
        >>> [table.subject(table.named(text)[0]).zh for text in ("路灯异常", "暴露垃圾")]
        ['路灯', '暴露垃圾']
        """
        component = self.find(entry.code, "component") if entry.kind == "event" else None
        return component if component and component.zh + "异常" == entry.zh else entry

    def search(self, text: str, kind: str | None = None) -> tuple[ClassEntry, ...]:
        """Return the classes that contain every word of a text in their names, code or major class.

        The best come first: equal, then beginning with the text, then containing it, then the others.

        Examples
        --------
        >>> [entry.zh for entry in catalogue("gbt47678.5-2026").search("路灯", "component")]
        ['路灯', '路灯井盖', '路灯配电箱']
        """
        key = normal(text)
        words = key.split()
        if not words:
            return ()
        ranked = []
        for entry in self.entries if kind is None else self.of(kind):
            names = [normal(name) for name in (entry.code, entry.zh, entry.en)]
            everything = "\n".join([*names, normal(entry.major_zh), normal(entry.major_en)])
            if all(word in everything for word in words):
                tests = (
                    key in names,
                    any(name.startswith(key) for name in names),
                    any(key in name for name in names),
                    True,
                )
                ranked.append((tests.index(True), entry))
        ranked.sort(key=lambda pair: pair[0])  # stable: ties stay in order of kind and code
        return tuple(entry for _, entry in ranked)

    def nearest(self, text: str, kind: str, n: int = 3) -> tuple[ClassEntry, ...]:
        """Return up to n classes whose name, or code where the text is digits, resembles the text."""
        import difflib

        key = normal(text)
        candidates: dict[str, ClassEntry] = {}
        for entry in self.of(kind):
            for word in (entry.code,) if key.isdigit() else (entry.zh, entry.en):
                candidates.setdefault(normal(word), entry)
        close = difflib.get_close_matches(key, candidates, n=2 * n, cutoff=0.4)
        found = [candidates[word] for word in close]
        return tuple(dict.fromkeys([*found, *self.search(text, kind)]))[:n]

    def majors(self, kind: str) -> tuple[tuple[str, str, str], ...]:
        """Return the major classes (大类) of a kind: code, Chinese name, English name."""
        found = {entry.major_code: entry for entry in reversed(self.of(kind))}
        return tuple((code, e.major_zh, e.major_en) for code, e in sorted(found.items()))

    def next_minor(self, major: str, kind: str) -> str:
        """Return the next free minor for a local class: counted down from 99, or 999 with 3 digits.

        Local classes are numbered downwards in three deployed systems, away from the standard's own.

        Raises
        ------
        ProfileError
            The major class is full.

        Examples
        --------
        >>> catalogue("gbt47678.5-2026").next_minor("01", "component")
        '999'
        """
        digits = edition(self.edition).minor_digits
        for number in range(10**digits - 1, 0, -1):
            minor = f"{number:0{digits}d}"
            if self.find(major + minor, kind) is None:
                return minor
        raise ProfileError(f"Major class {major} of {self.edition} has no free minor class.")

    def next_major(self, kind: str) -> str:
        """Return the next free major for local classes, counted up from 21.

        Raises
        ------
        ProfileError
            None is free.
        """
        taken = {entry.major_code for entry in self.of(kind)}
        free = (f"{number}" for number in range(FIRST_LOCAL_MAJOR, 100))
        found = next((major for major in free if major not in taken), None)
        if found is None:
            raise ProfileError(f"{self.edition} has no free major class for a {kind}.")
        return found


def catalogue(edition: str, extensions: tuple[ClassEntry, ...] = ()) -> Catalogue:
    """Return the classes of an edition, with a city's local ones of that edition.

    Parameters
    ----------
    edition : str
        Name of the edition.
    extensions : tuple of ClassEntry, optional
        Local classes, as `extension` builds them; those of other editions are left aside.

    Raises
    ------
    CodeError
        The edition is unknown.
    ProfileError
        Two local classes have one code.

    Warns
    -----
    ProvisionalEditionWarning
        Once per run, where the edition's tables are a reconstruction.
    """
    standard = _standard(edition)
    added: dict[tuple[str, str], ClassEntry] = {}
    for entry in extensions:
        if entry.edition != edition or standard.find(entry.code, entry.kind) == entry:
            continue
        same = added.get((entry.kind, entry.code)) or standard.find(entry.code, entry.kind)
        if same is not None:
            raise ProfileError(
                f"The {entry.kind} class {entry.code} of {edition} is named twice: {same.zh} and {entry.zh}.",
                hint=f"Give {entry.zh} a code of its own.",
            )
        added[entry.kind, entry.code] = entry
    if not added:
        return standard
    return Catalogue(edition, tuple(added.values()))


@functools.cache
def _standard(name: str) -> Catalogue:
    layout = edition(name)
    if layout.status == "provisional":
        warnings.warn(
            f"The class tables of {name} are a reconstruction: the text of the standard was not found. "
            "Codes are read by them all the same; every class has status 'provisional'. Compare them with "
            "the standard before relying on a name.",
            ProvisionalEditionWarning,
            stacklevel=3,
        )
    return Catalogue(name)


@functools.cache
def _standard_classes(edition: str, kind: str) -> tuple[ClassEntry, ...]:
    """Return the classes of a kind as the standard lists them."""
    if kind not in KINDS:
        return ()
    entries = []
    for row in rows(edition, f"{kind}_classes.csv"):
        zh, en = row.pop("minor_zh"), row.pop("minor_en")
        code = row["major_code"] + row["minor_code"]
        entries.append(ClassEntry(kind=kind, edition=edition, code=code, zh=zh, en=en, **row))
    return tuple(entries)


def extension(
    kind: str,
    edition: str,
    code: str,
    name: str,
    name_en: str = "",
    geometry: str = "",
    major_name: str = "",
    *,
    others: tuple[ClassEntry, ...] = (),
) -> ClassEntry:
    """Build a local class from what a city's profile says about it.

    Parameters
    ----------
    kind : str
        ``component`` or ``event``.
    edition : str
        The edition it extends.
    code : str
        Major and minor code; 4 or 5 digits, as the edition has them.
    name, name_en : str
        Chinese and English name.
    geometry : str, optional
        ``point``, ``line`` or ``polygon``.
    major_name : str, optional
        Name of the major class where the class opens a new one.
    others : tuple of ClassEntry, optional
        Local classes there are already: their codes are not free either.

    Returns
    -------
    ClassEntry
        With status ``local``; the standard's own entry where code and name are its already.

    Raises
    ------
    ProfileError
        The code is missing, has the wrong width, or is another class of the edition; the message names
        a free code. Or the kind, the edition or the geometry is unknown.

    Examples
    --------
    >>> extension("component", "cjt214-2007", "0698", "文物古迹").major_zh
    '其他设施'
    """
    if kind not in KINDS:
        raise ProfileError(f"{name}: {kind!r} is no kind of class.", hint=f"Possible: {', '.join(KINDS)}.")
    if geometry and geometry not in GEOMETRIES:
        raise ProfileError(
            f"{name}: {geometry!r} is no geometry.", hint=f"Possible: {', '.join(GEOMETRIES)}."
        )
    try:
        standard = _standard(edition)
    except CodeError as error:
        raise ProfileError(f"{name}: {error.message}", hint=error.hint) from error
    free_in = catalogue(edition, others)
    _check_code(free_in, kind, code, name)
    major, minor = code[:2], code[2:]
    same = standard.find(code, kind)
    if same is not None:
        if normal(name) in (normal(same.zh), normal(same.en)):
            return same
        free = major + free_in.next_minor(major, kind)
        raise ProfileError(
            f"{name}: {code} is {same.zh} in {edition}.",
            hint=f"The next free code in major {major} is {free}.",
        )
    zh, en = next(((zh, en) for known, zh, en in standard.majors(kind) if known == major), (major_name, ""))
    return ClassEntry(
        kind=kind,
        edition=edition,
        code=code,
        major_code=major,
        major_zh=zh,
        major_en=en,
        minor_code=minor,
        zh=name,
        en=name_en,
        geometry=geometry,
        status="local",
        source="profile",
        note="",
    )


def _check_code(standard: Catalogue, kind: str, code: str, name: str) -> None:
    """Refuse a code that is missing or of the wrong width, and name those that are free."""
    digits = edition(standard.edition).class_digits
    if code.isascii() and code.isdigit() and len(code) == digits:
        return
    free = [
        f"{major} {zh}: {major}{standard.next_minor(major, kind)}" for major, zh, _ in standard.majors(kind)
    ]
    opened = standard.next_major(kind)
    found = f"{code!r} is no class code of {standard.edition}" if code else "the class has no code"
    raise ProfileError(
        f"{name}: {found}; it needs {digits} digits.",
        hint=f"Next free: {'; '.join(free)}; or {opened}{1:0{digits - 2}d} in a new major class.",
    )
