"""Geometry through GDAL (pyogrio), and nothing but geometry.

Attributes never come this way: GDAL's conversions lose codes, dates and text without a word. The
file is handed over under a plain ASCII name in a folder of its own, so that neither its name nor its
neighbours can make GDAL do something else, and its driver is checked before a row is read.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake.table import Column, Heights, Numbers, objects

__all__ = ["DRIVERS", "Features", "GeometryFile", "alone", "no_geometry", "read_geometry"]

DRIVERS = ("ESRI Shapefile", "GeoJSON", "GeoJSONSeq", "GPKG")


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The geometry of one layer.

    Attributes
    ----------
    geometry : numpy.ndarray
        Shapely geometries in two dimensions, None where the row has none, in the layer's own system.
    fids : numpy.ndarray
        GDAL's feature numbers, int64.
    driver : str
        One of `DRIVERS`.
    crs : str
        The layer's declared reference system as GDAL tells it, ``EPSG:4490`` or WKT; empty if none.
    lifted : numpy.ndarray
        Which rows had heights or measures, bool.
    broken : numpy.ndarray
        Which rows had a geometry that cannot be built, bool; they are None in `geometry`.
    heights : numpy.ndarray or None
        Heights of points, NaN where there is none, float; None if they were not asked for.
    """

    geometry: Column
    fids: Numbers
    driver: str
    crs: str
    lifted: npt.NDArray[np.bool_]
    broken: npt.NDArray[np.bool_]
    heights: Heights | None = None

    def taken(self, which: npt.NDArray[np.int64] | npt.NDArray[np.intp]) -> Features:
        """Return the features at these positions, in this order."""
        return replace(
            self,
            geometry=self.geometry[which],
            fids=self.fids[which],
            lifted=self.lifted[which],
            broken=self.broken[which],
            heights=None if self.heights is None else self.heights[which],
        )

    def report(self, rows: Numbers, findings: Findings) -> None:
        """Add the findings ``geometry-z`` and ``geometry-invalid``; ``rows`` are the record numbers."""
        if n := int(self.lifted.sum()):
            findings.add("geometry-z", [None], values=str(n))
        findings.add(
            "geometry-invalid", rows[self.broken].tolist(), values="it cannot be built as a simple feature"
        )


def no_geometry(n: int) -> Column:
    """Return n times None."""
    return np.full(n, None, dtype=object)


@contextmanager
def alone(**files: Path | bytes) -> Iterator[Path]:
    """Present files in a temporary folder as ``source.<keyword>``; yield the folder.

    Links where the system has them, copies elsewhere; the originals are never written. Bytes become
    a file.
    """
    with tempfile.TemporaryDirectory(prefix="gridcity-") as folder:
        for suffix, path in files.items():
            place = Path(folder, f"source.{suffix}")
            if isinstance(path, bytes):
                place.write_bytes(path)
                continue
            try:
                place.symlink_to(path.resolve())
            except (OSError, NotImplementedError):
                shutil.copyfile(path, place)
        yield Path(folder)


@contextmanager
def _by_gdal(where: str, path: Path) -> Iterator[list[warnings.WarningMessage]]:
    """Turn what pyogrio raises into a refusal; yield the list of its warnings."""
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            yield said
        except (DataLayerError, DataSourceError, FeatureError, UnicodeDecodeError) as problem:
            # The file is known to the caller under its own name, not under that in the temporary folder.
            reason = str(problem).replace(str(path), where).rstrip(".")
            raise SourceError(
                f"{where} cannot be read: {reason}.", hint="Open it in a GIS and export it again."
            ) from problem


class GeometryFile:
    """A layer whose geometry is read in parts.

    Parameters
    ----------
    path : pathlib.Path
        A file under a plain name, see `alone`.
    where : str
        The file's name in messages.
    layer : str, optional
        Name of the layer, for files of several.
    heights : bool, optional
        Whether to keep the heights of points.

    Attributes
    ----------
    count : int
        Number of features, counted by GDAL.
    driver : str
        One of `DRIVERS`.

    Raises
    ------
    SourceError
        GDAL cannot read the file, or would read it with a driver other than `DRIVERS`.
    """

    def __init__(self, path: Path, where: str, *, layer: str | None = None, heights: bool = False) -> None:
        import pyogrio

        self._path, self._where, self._layer, self._heights = path, where, layer, heights
        with _by_gdal(where, path):
            info = pyogrio.read_info(path, layer=layer, force_feature_count=True)
        self.count, self.driver = int(info["features"]), str(info["driver"])
        if self.driver not in DRIVERS:
            raise SourceError(
                f"{where} is {self.driver} under another name.",
                hint=f"Possible are {', '.join(DRIVERS)}.",
                code="E_DRIVER",
            )

    def read(self, fids: Numbers | None = None) -> Features:
        """Read the features of these numbers in this order, or all.

        Raises
        ------
        SourceError
            A feature cannot be read.
        """
        if fids is None:
            return self._features()
        # In the order of the file, seeking each feature is as fast as reading on; back and forth it is not.
        wanted, back = np.unique(fids, return_inverse=True)
        read = self._features(fids=wanted)
        return read if np.array_equal(fids, wanted) else read.taken(back)

    def _features(self, **which: Any) -> Features:
        import pandas
        import pyogrio.raw
        import shapely

        with _by_gdal(self._where, self._path) as said:
            meta, fids, wkb, _ = pyogrio.raw.read(
                self._path, layer=self._layer, columns=[], return_fids=True, **which
            )
        if wkb is None:
            wkb = no_geometry(len(fids))
        measured = any("Measured (M)" in str(warning.message) for warning in said)
        # The WKB is GDAL's own, whose reader limits nesting; foreign WKB must never come here.
        built: Column = shapely.from_wkb(wkb, on_invalid="ignore")
        present = pandas.notna(wkb)
        lifted = shapely.has_z(built)
        return Features(
            geometry=shapely.force_2d(built) if lifted.any() else built,
            fids=np.asarray(fids, dtype=np.int64),
            driver=self.driver,
            crs=str(meta.get("crs") or ""),
            lifted=lifted | (present & measured),
            broken=present & shapely.is_missing(built),
            heights=shapely.get_z(built) if self._heights else None,
        )


def without_negative_zero(geometry: Column) -> Column:
    """Return geometries whose coordinates are 0.0 where they were -0.0, which prints as another place."""
    import shapely

    at = shapely.get_coordinates(geometry)
    if not (np.signbit(at) & (at == 0)).any():
        return geometry
    return objects(shapely.set_coordinates(geometry, at + 0.0))


def read_geometry(path: Path, where: str, *, layer: str | None = None) -> Features:
    """Read the geometry of one layer, whole; see `GeometryFile`."""
    return GeometryFile(path, where, layer=layer).read()
