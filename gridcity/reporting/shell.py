"""What every page shares: one HTML file, nothing fetched, and no script but its own.

Every value is escaped where it is written, and the page's content security policy lets only the
scripts run whose hashes it names: bokeh itself and the data of the map. A value that reads like a
script stays text even if the escaping failed.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, Final

from gridcity.errors import MissingPackageError

__all__ = ["page", "require_packages", "shown"]

_FOLDER: Final = Path(__file__).parent
# Control characters, and those that turn the direction of text: a name could rewrite what stands beside it.
_UNSEEN: Final = dict.fromkeys(
    [
        *range(0x20),
        *range(0x7F, 0xA0),
        0x061C,
        0x200E,
        0x200F,
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
        0xFEFF,
    ]
)


def require_packages() -> None:
    """Refuse, before any work is done, to make a page without what it is made with.

    Raises
    ------
    MissingPackageError
        bokeh or Jinja2 is not installed.
    """
    try:
        import bokeh.embed  # noqa: F401
        import jinja2  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"The HTML report needs {error.name}, which is not installed.",
            hint='Install it: pip install "gridcity[report]"',
        ) from error


def page(template: Path, *, scripts: list[str], **values: Any) -> str:
    """Return a page.

    Parameters
    ----------
    template : Path
        A Jinja2 template that extends ``base.html.j2``.
    scripts : list of str
        All scripts of the page.
    **values
        What the template names besides.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, _FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(
        scripts=scripts, hashes=[_hash(script) for script in scripts], **values
    )


def shown(text: str) -> str:
    """Return a text without the characters that are not seen and move others."""
    return text.translate(_UNSEEN)


def _hash(script: str) -> str:
    """Return a script's hash as a content security policy names it (CSP level 2, 4.2.5)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
