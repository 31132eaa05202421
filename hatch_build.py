"""Puts the sample city into the wheel, so that ``gridcity demo`` runs from any install.

An editable install must not have it: a folder ``gridcity_cli`` beside the installed packages would
hide the real one. There the demo finds the repository's own folder.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_DELIVERED = {".csv", ".md", ".toml", ".zip"}


class SampleHook(BuildHookInterface):  # type: ignore[type-arg]  # the plugin's own generic has no default
    """Adds the files of ``sample_data`` that a planner would receive, not the scripts that make them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name each file and its place in the wheel."""
        if version != "standard":
            return
        for file in sorted(Path(self.root, "sample_data").iterdir()):
            if file.suffix in _DELIVERED:
                build_data["force_include"][str(file)] = f"gridcity_cli/sample_data/{file.name}"
