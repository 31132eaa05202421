"""gridcity: codes, cells, components and responsibility of a city's management grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridcity.city import City as City
    from gridcity.profile import Profile as Profile

__version__ = "0.1.0"
__all__ = ["City", "Profile", "__version__"]


def __getattr__(name: str) -> object:
    # Loaded on first use: `import gridcity` itself stays as light as an empty module.
    if name == "City":
        from gridcity.city import City

        return City
    if name == "Profile":
        from gridcity.profile import Profile

        return Profile
    raise AttributeError(f"module 'gridcity' has no attribute {name!r}")
