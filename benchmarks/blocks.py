"""A city of irregular cells that share their borders bit for bit, as many as wanted, from a seed.

A square of small quads is split again and again into blocks of some 0.8 ha. A few blocks are joined to their
neighbour (L and T shapes), a few get a hole, most holes an enclave. A river and all that lies beyond a ragged
outline are no cells. Then every corner of a quad is moved once, for all that meet in it, and corners where a
border runs straight on are dropped at random: blocks become crooked polygons of 4 to some 40 vertices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridcity.crs import metres_per_degree

__all__ = ["Blocks", "make_blocks"]

CENTRE = (116.4, 39.9)
QUAD_M = 20.0
# Coordinates are multiples of this, about 0.1 mm, so that the middle of an edge is a number too: a point can
# lie exactly on a border.
_GRAIN = 2.0**-30
# Quads of a block: where splitting stops, and the shortest side.
_STOP = (20, 35)
_SIDE = 3
_SHARE_INSIDE = 0.74
_QUADS_PER_CELL = 20
_JITTER = 0.3
_SWIRLS = 9
_SHARE_JOINED = 0.04
_SHARE_HOLES = 0.01
_SHARE_ENCLAVES = 0.8
_STREET_SPLITS = 4
# A community has three digits for the serial of a cell.
_COMMUNITY_QUADS = 250 * _QUADS_PER_CELL

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Cells, communities and streets in longitude and latitude, EPSG:4490.

    Attributes
    ----------
    cells : array of shapely polygons
        By community; a valid coverage.
    community : int array
        Of each cell, counted from 0.
    communities : array of shapely polygons
        Also where no cells are: the river and the outside lie in them.
    street : int array
        Of each community, counted from 0.
    streets : array of shapely polygons
        At most 16.
    """

    cells: npt.NDArray[Any]
    community: Ints
    communities: npt.NDArray[Any]
    street: Ints
    streets: npt.NDArray[Any]


def make_blocks(cells: int, seed: int = 1) -> Blocks:
    """Make exactly so many cells.

    Parameters
    ----------
    cells : int
        100 or more.
    seed : int, optional
        The same seed gives the same bytes.
    """
    rng = np.random.default_rng(seed)
    # Small cities lose more at their outline; 12 is what the smallest needs.
    side = int((cells * _QUADS_PER_CELL / _SHARE_INSIDE) ** 0.5) + 12
    street = np.array([[0, side, 0, side]])
    for _ in range(_STREET_SPLITS):
        street = _halves(street, rng)
    community, of_street = _cut(street, lambda box: _quads(box) <= _COMMUNITY_QUADS, rng)
    leaf, of_community = _cut(community, lambda box: _small(box, rng), rng)
    hosts, holes = _holes(leaf, rng)
    nodes = _Nodes(side, np.concatenate([leaf, holes]), rng)
    joined = _joined(leaf, of_community, nodes.label, hosts, rng)
    kept = _kept(leaf, side, joined, hosts, cells, rng)
    polygons = nodes.polygons(leaf)
    both = shapely.coverage_union_all(polygons[np.stack(joined, axis=1)], axis=1)
    polygons[joined[0]] = shapely.get_geometry(both, 0)
    inner = nodes.rings(holes)
    polygons[hosts] = shapely.polygons(shapely.get_exterior_ring(polygons[hosts]), inner[:, None])
    everything = np.concatenate([polygons, shapely.polygons(inner)])
    of = np.concatenate([of_community, of_community[hosts]])
    order = kept[np.argsort(of[kept], kind="stable")]
    return Blocks(
        cells=everything[order],
        community=of[order],
        communities=nodes.polygons(community),
        street=of_street,
        streets=nodes.polygons(street),
    )


def _cut(box: Ints, small: Callable[[Ints], Mask], rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Halve boxes until all are small; return the parts, and of which box each is one."""
    of = np.arange(len(box))
    parts, origins = [], []
    while len(box):
        done = small(box)
        parts.append(box[done])
        origins.append(of[done])
        box, of = _halves(box[~done], rng), np.tile(of[~done], 2)
    return np.concatenate(parts), np.concatenate(origins)


def _halves(box: Ints, rng: np.random.Generator) -> Ints:
    """Return the first parts of all boxes, then the second, cut across the longer side near the middle."""
    height, width = _sides(box).T
    across = (height > width) | ((height == width) & (rng.random(len(box)) < 0.5))
    length = np.where(across, height, width)
    at = np.clip(np.rint(length * rng.uniform(0.35, 0.65, len(box))).astype(np.int64), _SIDE, length - _SIDE)
    first, second = box.copy(), box.copy()
    for rows, begin in ((across, 0), (~across, 2)):
        cut = box[rows, begin] + at[rows]
        first[rows, begin + 1] = cut
        second[rows, begin] = cut
    return np.concatenate([first, second])


def _holes(box: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return the blocks that get a hole of 2 x 2 quads, and the holes."""
    roomy = np.flatnonzero(_sides(box).min(axis=1) >= 5)
    hosts = np.sort(rng.permutation(roomy)[: int(_SHARE_HOLES * len(box))])
    first = box[hosts][:, [0, 2]] + 1
    return hosts, np.stack([first[:, 0], first[:, 0] + 2, first[:, 1], first[:, 1] + 2], axis=1)


def _joined(
    box: Ints, community: Ints, label: Ints, hosts: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Return pairs of blocks of one community that lie side by side and become one cell."""
    first = rng.permutation(len(box))[: int(2 * _SHARE_JOINED * len(box))]
    first = first[box[first, 3] < label.shape[1]]
    row = rng.integers(box[first, 0], box[first, 1])
    second = label[row, box[first, 3]]
    block = second < len(box)
    first, second = first[block], second[block]
    plain = (community[first] == community[second]) & ~np.isin(first, hosts) & ~np.isin(second, hosts)
    first, second = first[plain], second[plain]
    # Each block joins once: a pair stays where it is the first to name both.
    _, seen = np.unique(np.stack([first, second], axis=1).ravel(), return_index=True)
    times = np.bincount(seen // 2, minlength=len(first))
    return first[times == 2], second[times == 2]


def _kept(
    box: Ints, side: int, joined: tuple[Ints, Ints], hosts: Ints, cells: int, rng: np.random.Generator
) -> Ints:
    """Return the wanted number of cells, nearest to the middle first; enclaves are counted behind the blocks.

    Raises
    ------
    ValueError
        There are not so many.
    """
    y, x = box[:, :2].sum(axis=1) / side - 1, box[:, 2:].sum(axis=1) / side - 1
    angle, phase = np.arctan2(y, x), rng.uniform(0, 2 * np.pi, 4)
    waves = ((0.1, 2), (0.07, 3), (0.04, 7))
    ragged = 1 + sum(size * np.sin(n * angle + phase[i]) for i, (size, n) in enumerate(waves))
    far = np.hypot(x, y) / ragged
    # As wide as the blocks it runs through, so that nothing spans it.
    river = np.abs(y - (0.24 * np.sin(3.5 * x + phase[3]) - 0.2)) < _sides(box).sum(axis=1) / side
    far[river] = np.inf
    far[joined[0]] = np.maximum(far[joined[0]], far[joined[1]])
    far[joined[1]] = np.inf
    of_hole = far[hosts]
    of_hole[rng.random(len(hosts)) > _SHARE_ENCLAVES] = np.inf
    far = np.concatenate([far, of_hole])
    kept = np.argsort(far, kind="stable")[:cells]
    if len(kept) < cells or not np.isfinite(far[kept[-1]]):
        raise ValueError(f"The square of {side} x {side} quads does not hold {cells:,} cells.")
    return kept


class _Nodes:
    """The corners of all quads, where they are, and which of them a border turns at."""

    def __init__(self, side: int, boxes: Ints, rng: np.random.Generator) -> None:
        self.label = np.empty((side, side), dtype=np.int64)
        for number, (a, b, c, d) in enumerate(boxes.tolist()):
            self.label[a:b, c:d] = number
        self._place = _places(side, rng)
        framed = np.pad(self.label, 1, constant_values=-1)
        right, left = (framed[1:, at] != framed[:-1, at] for at in (slice(1, None), slice(None, -1)))
        up, down = (framed[at, 1:] != framed[at, :-1] for at in (slice(1, None), slice(None, -1)))
        straight = (left & right & ~up & ~down) | (up & down & ~left & ~right)
        # Some quarters of the city keep nearly all, some hardly any.
        y, x = np.meshgrid(*2 * [np.linspace(0, 10, side + 1)], indexing="ij")
        dropped = rng.random(straight.shape) < 0.5 + 0.45 * np.sin(x) * np.cos(y)
        self._turns = ~(straight & dropped)

    def rings(self, box: Ints) -> npt.NDArray[Any]:
        """Return the borders of boxes, anticlockwise."""
        height, width = _sides(box).T
        length = 2 * (height + width)
        ring = np.repeat(np.arange(len(box)), length)
        step = np.arange(len(ring)) - np.repeat(np.cumsum(length) - length, length)
        (a, b, c, d), w, h = box[ring].T, width[ring], height[ring]
        side = [step < w, step < w + h, step < 2 * w + h]
        row = np.select(side, [a, a + step - w, b], b - (step - 2 * w - h))
        column = np.select(side, [c + step, d, d - (step - w - h)], c)
        turns = self._turns[row, column]
        rings: npt.NDArray[Any] = shapely.linearrings(
            self._place[row[turns], column[turns]], indices=ring[turns]
        )
        return rings

    def polygons(self, box: Ints) -> npt.NDArray[Any]:
        """Return boxes as polygons."""
        return np.asarray(shapely.polygons(self.rings(box)))


def _places(side: int, rng: np.random.Generator) -> Floats:
    """Return the corners of all quads: each moved a little, and the whole bent by a few wide swirls."""
    size = side * QUAD_M
    y, x = np.meshgrid(*2 * [np.arange(side + 1) * QUAD_M], indexing="ij")
    x, y = (n + rng.uniform(-_JITTER, _JITTER, n.shape) * QUAD_M for n in (x, y))
    for _ in range(_SWIRLS):
        (at_x, at_y), reach = rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0.08, 0.25) * size
        dx, dy = x - at_x, y - at_y
        turn = rng.uniform(-0.6, 0.6) * np.exp(-(dx * dx + dy * dy) / reach**2)
        x, y = at_x + np.cos(turn) * dx - np.sin(turn) * dy, at_y + np.sin(turn) * dx + np.cos(turn) * dy
    metres = np.stack([x - size / 2, y - size / 2], axis=-1)
    return np.rint((metres / metres_per_degree(CENTRE[1]) + CENTRE) / _GRAIN) * _GRAIN


def _small(box: Ints, rng: np.random.Generator) -> Mask:
    """Return which boxes are blocks: of some 20 to 35 quads, or too short to be halved."""
    wanted = rng.uniform(*_STOP, len(box))
    done: Mask = (_quads(box) <= wanted) | (_sides(box).max(axis=1) < 2 * _SIDE)
    return done


def _sides(box: Ints) -> Ints:
    return box[:, [1, 3]] - box[:, [0, 2]]


def _quads(box: Ints) -> Ints:
    quads: Ints = _sides(box).prod(axis=1)
    return quads
