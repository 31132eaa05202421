"""The plan of the house: storeys, SQL, printing, and who may open what with which library."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {
    path.relative_to(ROOT / base).with_suffix("").as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for base, package in ((ROOT, "gridcity"), (ROOT / "cli", "gridcity_cli"))
    for path in sorted((base / package).rglob("*.py"))
}
LIBRARY = [name for name in MODULES if name.startswith("gridcity/")]
# What opens a GeoPackage with an SQLite of its own.
SECOND_LIBRARY = {"pyogrio", "geopandas", "fiona", "osgeo"}


def imports(tree: ast.AST) -> Iterator[str]:
    """The dotted names of everything imported, at the top or inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def texts(tree: ast.AST) -> Iterator[str]:
    """The string constants that are not docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_every_module_has_its_storey() -> None:
    """Each module of the library stands in the layers that import-linter checks, and in one only."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (c for c in settings["tool"]["importlinter"]["contracts"] if c.get("containers"))
    storeys = [name for layer in contract["layers"] for name in re.split(r"\s*[|:]\s*", layer)]
    found = {name.split("/")[1] for name in LIBRARY} - {"__init__"}
    assert contract["exhaustive"] and sorted(storeys) == sorted(found)
    assert not found & {"utils", "util", "helpers", "common", "manager", "misc"}


def test_second_sqlite_library_stays_out() -> None:
    """Only reading foreign files, exporting, and the frames may import a library with its own SQLite.

    Opening the live store with one in the same process drops the locks that Python's SQLite holds.
    """
    found = {
        name for name, tree in MODULES.items() if {i.split(".")[0] for i in imports(tree)} & SECOND_LIBRARY
    }
    allowed = re.compile(r"gridcity/(intake/geometry|exporting/\w+|frames)$")
    assert {name for name in found if not allowed.match(name)} == set()
    assert "gridcity/frames" in found and "gridcity/intake/geometry" in found


def test_nobody_gives_the_store_to_another_library() -> None:
    """No call that reads or copies a file by its path is given the path of a store."""
    readers = re.compile(
        r"(^|\.)(read_file|read_info|read_dataframe|list_layers|open_arrow|copyfile|copy2?|copyfileobj)$"
        r"|^(pyogrio|gpd|geopandas|shutil)\."
    )
    seen = 0
    for name, tree in MODULES.items():
        for function, call in calls(tree):
            if readers.search(function):
                seen += 1
                arguments = [ast.unparse(a) for a in [*call.args, *(k.value for k in call.keywords)]]
                assert not any(re.search(r"\b(store|city|tx)\b", a) for a in arguments), (name, function)
    assert seen


def test_frames_only_hold_and_convert() -> None:
    """The frames module opens no file at all."""
    opened = {function for function, _ in calls(MODULES["gridcity/frames"])}
    assert not any(re.search(r"read|write|open|to_file", function) for function in opened)


@pytest.mark.parametrize("name", MODULES)
def test_sql_only_in_the_store(name: str) -> None:
    """Statements stand in the store, and in the reader of foreign GeoPackages; nobody else has any."""
    if name.startswith("gridcity/store/") or name == "gridcity/intake/geopackage":
        return
    statement = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE FROM|PRAGMA|CREATE TABLE)\b")
    assert [text for text in texts(MODULES[name]) if statement.search(text)] == []
    assert "sqlite3" not in {i.split(".")[0] for i in imports(MODULES[name])}


@pytest.mark.parametrize("name", LIBRARY)
def test_printing_only_in_the_command_line(name: str) -> None:
    """The library returns; it neither prints nor writes to the standard streams, nor ends the process."""
    words = {function for function, _ in calls(MODULES[name])}
    assert not words & {"print", "input", "exit", "quit", "sys.exit", "breakpoint"}
    assert not any(re.match(r"sys\.(stdout|stderr|stdin)\b|click\.", word) for word in words)


@pytest.mark.parametrize("name", MODULES)
def test_no_bare_except(name: str) -> None:
    """Nothing catches whatever comes: a broad handler raises again."""
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.ExceptHandler):
            caught = "" if node.type is None else ast.unparse(node.type)
            broad = node.type is None or re.search(r"\b(Base)?Exception\b", caught)
            assert not broad or any(isinstance(n, ast.Raise) for n in ast.walk(node)), (name, node.lineno)


def test_every_transformer_keeps_east_before_north() -> None:
    """pyproj's Transformer is made in one place, with always_xy: EPSG:4490 and 4547 have north first."""
    made = [
        (path.relative_to(ROOT).as_posix(), line.strip())
        for path in (ROOT / "gridcity").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "Transformer.from_" in line
    ]
    assert [path for path, _ in made] == ["gridcity/crs/transform.py"]
    assert "always_xy=True" in made[0][1]
