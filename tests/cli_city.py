"""A tiny city for the tests of the command line: two communities, four cells, a few components."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gridcity_cli.main import cli

WEST, SOUTH, SIDE = 116.410, 39.930, 0.001

PROFILE = """
[city]
name = "样例城"
area_code = "110101"
edition = "gbt47678.5-2026"
older_edition = "cjt214-2007"

[[classes]]
kind = "component"
edition = "gbt47678.5-2026"
code = "01999"
name = "样例设施"
"""

PARTIES = "code,name,kind\n,北新桥街道办事处,street\n,样例排水公司,company\n"
DUTIES = "party_name,role,class_name,place_code,since\n北新桥街道办事处,handler,,110101005,2020-01-01\n"


def box(column: float, row: float, columns: float = 1, rows: float = 1) -> dict[str, Any]:
    """A rectangle of cells, counted from the south-west corner of the city."""
    west, south = WEST + column * SIDE, SOUTH + row * SIDE
    east, north = west + columns * SIDE, south + rows * SIDE
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def point(column: float, row: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [WEST + column * SIDE, SOUTH + row * SIDE]}


def write_features(path: Path, *features: tuple[dict[str, Any] | None, dict[str, Any]]) -> Path:
    found = [{"type": "Feature", "geometry": g, "properties": p} for g, p in features]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": found}), encoding="utf-8")
    return path


def write_sources(folder: Path) -> None:
    """Write everything the city is made from."""
    (folder / "profile.toml").write_text(PROFILE, encoding="utf-8")
    (folder / "parties.csv").write_text(PARTIES, encoding="utf-8")
    (folder / "duties.csv").write_text(DUTIES, encoding="utf-8")
    write_features(folder / "streets.geojson", (box(0, 0, 2, 2), {"code": "110101005", "name": "北新桥街道"}))
    write_features(
        folder / "communities.geojson",
        (box(0, 0, 1, 2), {"code": "110101005001", "name": "海运仓社区"}),
        (box(1, 0, 1, 2), {"code": "110101005002", "name": "北新仓社区"}),
    )
    write_features(
        folder / "cells.geojson",
        *((box(column, row), {"note": f"{column}{row}"}) for column in (0, 1) for row in (0, 1)),
    )
    good = {"state": "完好", "initial_date": "20240301", "maintainer_name": "样例排水公司"}
    write_features(
        folder / "components.geojson",
        (point(0.5, 0.5), {"class_name": "雨水井盖", **good}),
        (point(1.5, 0.5), {"class_name": "路灯", "state": "完好", "initial_date": "20240301"}),
        (point(1.5, 1.5), {"class_name": "没有此类", **good}),
    )


def gridcity(*arguments: object, **more: Any) -> Result:
    """Run a command line in this process."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], **more)


def shell(
    *arguments: object, data: bytes | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "gridcity_cli.main", *map(str, arguments)],
        input=data,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )


def build(folder: Path) -> Path:
    """Build the city by its own commands and return its path."""
    write_sources(folder)
    city = folder / "city.gpkg"
    steps = [
        ["init", city, "--profile", folder / "profile.toml"],
        ["import", "areas", folder / "streets.geojson", "--level", "street", "--city", city],
        ["import", "areas", folder / "communities.geojson", "--level", "community", "--city", city],
        ["import", "cells", folder / "cells.geojson", "--number", "--city", city],
        ["import", "parties", folder / "parties.csv", "--city", city],
        ["import", "components", folder / "components.geojson", "--city", city, "--allow-rejects"],
        ["import", "duties", folder / "duties.csv", "--city", city],
    ]
    for step in steps:
        result = gridcity(*step)
        assert result.exit_code == 0, (step, result.output)
    return city


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The city; not to be changed."""
    return build(tmp_path_factory.mktemp("city"))
