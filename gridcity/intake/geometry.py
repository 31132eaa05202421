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

import numpy as np
import numpy.typing as npt

from gridcity.errors import SourceError
from gridcity.findings import Findings
from gridcity.intake.table import Column, Numbers, objects

__all__ = ["DRIVERS", "Features", "alone", "no_geometry", "read_geometry"]

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
    """

    geometry: Column
    fids: Numbers
    driver: str
    crs: str
    lifted: npt.NDArray[np.bool_]
    broken: npt.NDArray[np.bool_]

    def taken(self, which: npt.NDArray[np.int64] | npt.NDArray[np.intp]) -> Features:
        """Return the features at these positions, in this order."""
        return replace(
            self,
            geometry=self.geometry[which],
            fids=self.fids[which],
            lifted=self.lifted[which],
            broken=self.broken[which],
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
def alone(**files: Path) -> Iterator[Path]:
    """Present files in a temporary folder as ``source.<keyword>``; yield the folder.

    Links where the system has them, copies elsewhere; the originals are never written.
    """
    with tempfile.TemporaryDirectory(prefix="gridcity-") as folder:
        for suffix, path in files.items():
            place = Path(folder, f"source.{suffix}")
            try:
                place.symlink_to(path.resolve())
            except (OSError, NotImplementedError):
                shutil.copyfile(path, place)
        yield Path(folder)


def read_geometry(path: Path, where: str, *, layer: str | None = None) -> Features:
    """Read the geometry of one layer.

    Parameters
    ----------
    path : pathlib.Path
        A file under a plain name, see `alone`.
    where : str
        The file's name in messages.
    layer : str, optional
        Name of the layer, for files of several.

    Raises
    ------
    SourceError
        GDAL cannot read the file, or would read it with a driver other than `DRIVERS`.
    """
    import pyogrio
    import pyogrio.raw
    import shapely
    from pyogrio.errors import DataLayerError, DataSourceError

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            driver = str(pyogrio.read_info(path, layer=layer)["driver"])
            if driver not in DRIVERS:
                raise SourceError(
                    f"{where} is {driver} under another name.", hint=f"Possible are {', '.join(DRIVERS)}."
                )
            meta, fids, wkb, _ = pyogrio.raw.read(path, layer=layer, columns=[], return_fids=True)
        except (DataLayerError, DataSourceError, UnicodeDecodeError) as problem:
            raise SourceError(
                f"{where} cannot be read: {problem}", hint="Open it in a GIS and export it again."
            ) from problem
    if wkb is None:
        wkb = no_geometry(len(fids))
    measured = any("Measured (M)" in str(warning.message) for warning in said)
    # The WKB is GDAL's own, whose reader limits nesting; foreign WKB must never come here.
    built = objects(shapely.from_wkb(wkb, on_invalid="ignore"))
    present = np.fromiter((value is not None for value in wkb), dtype=bool, count=len(wkb))
    lifted = shapely.has_z(built) | (present & measured)
    return Features(
        geometry=objects(shapely.force_2d(built)),
        fids=np.asarray(fids, dtype=np.int64),
        driver=driver,
        crs=str(meta.get("crs") or ""),
        lifted=lifted,
        broken=present & shapely.is_missing(built),
    )
