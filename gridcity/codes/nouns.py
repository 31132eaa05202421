"""The four codes as records: text, edition, and their parts as properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, SupportsIndex, TypeAlias

from gridcity.codes.digits import LOST_ZERO, check_serial, layout_of, part, read_digits, shown, write_serial
from gridcity.codes.layouts import DEFAULT_EDITION

# Under another name: the methods below have a parameter `edition`, which would hide it.
from gridcity.codes.layouts import edition as layout_named
from gridcity.errors import CodeError

AREA_LENGTHS = (6, 9, 12)


@dataclass(frozen=True, slots=True)
class AreaCode:
    """A district, street or community (GB/T 2260, GB/T 10114 and the statistical 12 digits).

    The statistical list pads its codes to 12 digits, so 12 digits that end in zeros are read as the
    street or district they stand for; the text stays as it is.

    Examples
    --------
    >>> code = AreaCode.parse("110101005")
    >>> code.level, code.district, code.street, code.community
    ('street', '110101', '110101005', '')
    >>> AreaCode.parse("441900").level  # Dongguan, a city without counties
    'district'
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an area code of 6, 9 or 12 digits.

        Raises
        ------
        CodeError
            A character is no digit (``position`` names it), the province is 00, or the length is wrong.
        """
        digits = read_digits("area", text)
        if len(digits) not in AREA_LENGTHS:
            lost = LOST_ZERO if len(digits) + 1 in AREA_LENGTHS else ""
            raise CodeError(
                f"An area code has 6, 9 or 12 digits; {shown(digits)} has {len(digits)}.", hint=lost
            )
        return cls(digits)

    @property
    def _significant(self) -> int:
        if len(self.text) < 12:
            return len(self.text)
        return 6 if self.text.endswith("000000") else 9 if self.text.endswith("000") else 12

    @property
    def level(self) -> str:
        """``district``, ``street`` or ``community``."""
        return {6: "district", 9: "street", 12: "community"}[self._significant]

    @property
    def district(self) -> str:
        """The first 6 digits."""
        return self.text[:6]

    @property
    def street(self) -> str:
        """The first 9 digits, empty for a district."""
        return self.text[:9] if self._significant >= 9 else ""

    @property
    def community(self) -> str:
        """All 12 digits, empty for a district or a street."""
        return self.text if self._significant == 12 else ""

    @property
    def parent(self) -> AreaCode | None:
        """The area one level above; None for a district."""
        return AreaCode(self.text[: self._significant - 3]) if self._significant > 6 else None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class _EditionCode:
    text: str
    edition: str

    @property
    def district(self) -> str:
        """The first 6 digits: the county-level division."""
        return self.text[:6]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class CellCode(_EditionCode):
    """A unit cell (单元网格): its community and a serial (DB11/T 2157-2023 clause 5.2).

    Examples
    --------
    >>> code = CellCode.parse("11010801100408")
    >>> code.community, code.serial, code.edition
    ('110108011004', 8, 'cjt214-2007')
    """

    @classmethod
    def parse(cls, text: str, edition: str | None = None) -> Self:
        """Read a cell code of 14 or 15 digits.

        Raises
        ------
        CodeError
            A character is no digit, the province is 00, the length is wrong, or the serial is 0.
        AmbiguousCodeError
            No edition is named and two have this length.
        """
        digits = read_digits("cell", text)
        layout = layout_of("cell", digits, edition, cls.parse)
        check_serial("cell", digits, layout)
        return cls(digits, layout.name)

    @classmethod
    def compose(cls, community: str, serial: SupportsIndex, edition: str = DEFAULT_EDITION) -> Self:
        """Build the code of a cell from its community's 12 digits and its serial.

        Raises
        ------
        CodeError
            The community has not 12 digits, or the serial does not fit.

        Examples
        --------
        >>> str(CellCode.compose("110101005001", 5))
        '110101005001005'
        """
        layout = layout_named(edition)
        end = write_serial("cell", serial, layout)
        return cls.parse(part("community", community, 12) + end, layout.name)

    @property
    def street(self) -> str:
        """The first 9 digits."""
        return self.text[:9]

    @property
    def community(self) -> str:
        """The first 12 digits."""
        return self.text[:12]

    @property
    def serial(self) -> int:
        """The number of the cell in its community, from 1."""
        return int(self.text[12:])


@dataclass(frozen=True, slots=True)
class _ClassedCode(_EditionCode):
    @property
    def major(self) -> str:
        """The 2 digits of the major class (大类)."""
        return self.text[6:8]

    @property
    def minor(self) -> str:
        """The 2 or 3 digits of the minor class (小类)."""
        return self.class_code[2:]

    @property
    def class_code(self) -> str:
        """Major and minor class together, 4 or 5 digits."""
        return self.text[6 : 6 + layout_named(self.edition).class_digits]


@dataclass(frozen=True, slots=True)
class ComponentCode(_ClassedCode):
    """A component (部件): its district, its class and a serial.

    Examples
    --------
    >>> code = ComponentCode.parse("1101080118077209", "cjt214-2007")
    >>> code.district, code.major, code.minor, code.serial
    ('110108', '01', '18', 77209)
    """

    @classmethod
    def parse(cls, text: str, edition: str | None = None) -> Self:
        """Read a component code of 16 or 17 digits.

        Raises
        ------
        CodeError
            A character is no digit, the province is 00, the length is wrong, or the serial is 0.
        AmbiguousCodeError
            No edition is named and two have this length.
        """
        digits = read_digits("component", text)
        layout = layout_of("component", digits, edition, cls.parse)
        check_serial("component", digits, layout)
        return cls(digits, layout.name)

    @classmethod
    def compose(
        cls, district: str, class_code: str, serial: SupportsIndex, edition: str = DEFAULT_EDITION
    ) -> Self:
        """Build the code of a component from its district, its class and its serial.

        Raises
        ------
        CodeError
            A part has the wrong length, or the serial does not fit.

        Examples
        --------
        >>> str(ComponentCode.compose("110101", "01037", 12))
        '11010101037000012'
        """
        layout = layout_named(edition)
        end = write_serial("component", serial, layout)
        start = part("district", district, 6) + part(f"class of {edition}", class_code, layout.class_digits)
        return cls.parse(start + end, layout.name)

    @property
    def serial(self) -> int:
        """The number of the component in its class and district, from 1."""
        return int(self.text[-layout_named(self.edition).component_serial_digits :])


@dataclass(frozen=True, slots=True)
class ClassCode(_ClassedCode):
    """A class in a place: a district and the class of an event or component. It names no single case.

    Examples
    --------
    >>> ClassCode.parse("11010106001").class_code
    '06001'
    """

    @classmethod
    def parse(cls, text: str, edition: str | None = None) -> Self:
        """Read the code of a class in a place, 10 or 11 digits.

        Raises
        ------
        CodeError
            A character is no digit, the province is 00, or the length is wrong.
        AmbiguousCodeError
            No edition is named and two have this length.
        """
        digits = read_digits("class", text)
        return cls(digits, layout_of("class", digits, edition, cls.parse).name)

    @classmethod
    def compose(cls, district: str, class_code: str, edition: str = DEFAULT_EDITION) -> Self:
        """Build the code of a class in a district.

        Raises
        ------
        CodeError
            A part has the wrong length.
        """
        layout = layout_named(edition)
        class_part = part(f"class of {edition}", class_code, layout.class_digits)
        return cls.parse(part("district", district, 6) + class_part, layout.name)


NOUNS: dict[str, type[CellCode] | type[ComponentCode] | type[ClassCode]] = {
    "cell": CellCode,
    "component": ComponentCode,
    "class": ClassCode,
}

Code: TypeAlias = AreaCode | CellCode | ComponentCode | ClassCode
"""Any of the four."""
