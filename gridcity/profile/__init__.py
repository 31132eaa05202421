"""A city's own choices, read from one TOML file.

::

    [city]
    name = "北京市东城区"
    area_code = "110101"             # GB/T 2260, or the city's own six digits outside China
    edition = "gbt47678.5-2026"      # the edition of new codes
    older_edition = "cjt214-2007"    # how codes of 10, 14 and 16 digits are read

    [areas.digits]                   # digits where the list of areas has none
    "样例社区" = "901"               # three digits, or the whole code of 9 or 12
    [areas]
    community_of_street = "001"      # every street is one community with these digits

    [aliases]                        # an area's name as delivered = its name in the list
    "崇外" = "崇文门外"

    [columns]                        # a source column = the field it fills, before the national names
    "DEPTNAME3" = "supervisor_name"

    [[classes]]                      # local extension of the catalogue
    kind = "component"
    edition = "cjt214-2007"
    code = "0698"
    name = "文物古迹"

    [responsibility]
    component = ["maintainer", "owner", "supervisor", "agreed", "ground", "duty", "territory"]
    event = ["duty", "territory", "authority"]
    accuracy = "B"                   # how well places are known: A 0.5 m, B 1 m, C 10 m
"""

from typing import TYPE_CHECKING, Any

from gridcity.profile.choices import ACCURACY_M, COMPONENT_STEPS, EVENT_STEPS, STEPS, ExtensionClass, Profile

if TYPE_CHECKING:
    from gridcity.profile.reading import parse_profile, read_profile

__all__ = [
    "ACCURACY_M",
    "COMPONENT_STEPS",
    "EVENT_STEPS",
    "STEPS",
    "ExtensionClass",
    "Profile",
    "parse_profile",
    "read_profile",
]


def __getattr__(name: str) -> Any:
    """Load the reader of profiles when it is asked for: a city keeps what was read."""
    if name in ("parse_profile", "read_profile"):
        from gridcity.profile import reading

        return getattr(reading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
