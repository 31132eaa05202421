"""`gridcity mapping suggest`: a mapping on stdout, and nothing imported."""

from __future__ import annotations

from pathlib import Path

from cli_city import city, gridcity, point, write_features

from gridcity.intake import check_mapping, read_mapping

__all__ = ["city"]


def test_the_suggestion_is_a_mapping_that_the_import_takes(city: Path, tmp_path: Path) -> None:
    """Redirected to a file and completed, it decides what the import reads."""
    source = write_features(
        tmp_path / "01999_样例设施.geojson",
        (point(0.2, 0.2), {"OWNER_DESC": "样例排水公司", "备注": "东"}),
        (point(0.7, 0.2), {"OWNER_DESC": "样例排水公司", "备注": "西"}),
    )
    result = gridcity("mapping", "suggest", source, "--city", city, "--kind", "components")
    assert result.exit_code == 0
    text = result.stdout
    assert '"备注" = "note"  # known name\n' in text
    assert '# "OWNER_DESC" = "owner_code"' in text
    assert '# class = "01999"  # no column names the class; of the file, the name holds the code' in text
    decided = text.replace('# "OWNER_DESC" = "owner_code"', '"OWNER_DESC" = "owner_name"')
    file = tmp_path / "decided.toml"
    file.write_text(decided.replace('# class = "01999"', 'class = "01999"'), encoding="utf-8")
    check_mapping(read_mapping(file), "component")
    imported = gridcity("import", "components", source, "--city", city, "--mapping", file)
    assert imported.exit_code == 0
    assert "owner_name  <- OWNER_DESC (mapping)" in imported.stdout


def test_no_city_and_no_reference_system_are_needed(tmp_path: Path) -> None:
    """A table whose coordinates nobody has declared is looked at all the same."""
    path = tmp_path / "lamps.csv"
    path.write_text("ObjID,ObjName,x,y\n1,路灯,448475,4419624\n", encoding="utf-8")
    result = gridcity("mapping", "suggest", path)
    assert result.exit_code == 0
    assert '"ObjName" = "name"  # known name\n' in result.stdout
    assert '# "x": a coordinate\n' in result.stdout


def test_a_tie_of_kinds_ends_with_3_and_names_the_option(tmp_path: Path) -> None:
    """What the rows are is not guessed."""
    path = tmp_path / "rows.csv"
    path.write_text("name,value\na,1.5\n", encoding="utf-8")
    result = gridcity("mapping", "suggest", path)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "--kind" in result.stderr
    assert gridcity("mapping", "suggest", path, "--kind", "parties").exit_code == 0


def test_a_missing_file_ends_with_3(tmp_path: Path) -> None:
    """As everywhere."""
    result = gridcity("mapping", "suggest", tmp_path / "absent.shp")
    assert (result.exit_code, result.stdout) == (3, "")


def test_rows_are_what_inspect_takes_them_for(tmp_path: Path) -> None:
    """Points without a known column are components and not parties, and the text says why."""
    source = write_features(
        tmp_path / "lots.geojson", (point(0.2, 0.2), {"Kind": "1"}), (point(0.7, 0.2), {"Kind": "2"})
    )
    text = gridcity("mapping", "suggest", source).stdout
    assert "2 component rows" in text
    assert "# Taken for component rows: points and lines can only be components;" in text


def test_layers_are_named_as_inspect_names_them(city: Path, tmp_path: Path) -> None:
    """Of a city its four layers with geometry are offered; a layer of a folder is found by its label."""
    result = gridcity("mapping", "suggest", city)
    assert result.exit_code == 3
    layers = ", ".join(f"{city.name}/{layer}" for layer in ("areas", "cells", "components", "duties"))
    assert f"has 4 layers: {layers}." in result.stderr
    write_features(tmp_path / "a.geojson", (point(0.2, 0.2), {"备注": "1"}))
    write_features(tmp_path / "b.geojson", (point(0.2, 0.2), {"备注": "1"}))
    assert '"备注" = "note"' in gridcity("mapping", "suggest", tmp_path, "--layer", "b.geojson").stdout
