"""An invented street net: cells between bent streets, communities and streets as their unions.

The net is a lattice of 40 by 40 blocks of about one hectare, warped and jittered. Every corner and
every bend is one vertex that all its neighbours share, so that the cells are a coverage without gaps
or overlaps. Some blocks are divided, some are joined, and a lake has none. No line of it was taken
from a map.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.random import Generator

from gridcity.catalogue import areas_below
from gridcity.crs import from_lnglat, reference_system

DISTRICT = "110101"
SYSTEM = "EPSG:4548"
CENTRE = (116.425, 39.93)
BLOCKS = 40
SIDE_M = 4000.0
MAIN_EVERY = 5  # every fifth line of the lattice is a main street
LAKE = -1

# Columns of streets from west to east, each from south to north, with the row where the next begins.
_LAYOUT = (
    (("110101001", 9), ("110101002", 19), ("110101003", 29), ("110101004", BLOCKS)),
    (("110101007", 13), ("110101006", 26), ("110101005", BLOCKS)),
    (("110101008", 19), ("110101009", BLOCKS)),
)
_COLUMN_ENDS = (15, 29, BLOCKS)
# Communities that the list of areas does not have: one gets its digits from the profile.
UNLISTED = {"110101009": "样例社区", "110101008": "望楼社区"}


@dataclass(frozen=True, slots=True)
class Edge:
    """One piece of street between two crossings: three points, and the block on either side."""

    points: np.ndarray
    left: int
    right: int
    main: bool


@dataclass(frozen=True, slots=True)
class StreetNet:
    """The invented piece of city, in metres (EPSG:4548).

    Attributes
    ----------
    cells : list of shapely.Polygon
        The unit cells.
    cell_community : list of int
        Position of each cell's community.
    community_names : list of str
        Listed names, or those of `UNLISTED`.
    community_codes : list of str
        12 digits; empty where the list has none.
    community_streets : list of str
        9 digits of each community's street.
    edges : list of Edge
        All pieces of street that have a cell on one side.
    corners : ndarray
        Crossings that touch four blocks.
    lake : shapely.Polygon
        Where no cell is.
    """

    cells: list[shapely.Polygon]
    cell_community: list[int]
    community_names: list[str]
    community_codes: list[str]
    community_streets: list[str]
    edges: list[Edge]
    corners: np.ndarray
    lake: shapely.Polygon

    def community_polygons(self) -> list[shapely.Polygon]:
        """Return the union of the cells of each community."""
        groups: list[list[shapely.Polygon]] = [[] for _ in self.community_names]
        for cell, community in zip(self.cells, self.cell_community, strict=True):
            groups[community].append(cell)
        return [shapely.coverage_union_all(group) for group in groups]

    def street_polygons(self) -> dict[str, shapely.Polygon]:
        """Return the union of the cells of each street, by its code."""
        groups: dict[str, list[shapely.Polygon]] = {}
        for cell, community in zip(self.cells, self.cell_community, strict=True):
            groups.setdefault(self.community_streets[community], []).append(cell)
        return {code: shapely.coverage_union_all(groups[code]) for code in sorted(groups)}


def make_net(rng: Generator) -> StreetNet:
    """Return the street net of a seed."""
    corner, across, upright = _vertices(rng)
    street = _streets(rng)
    community, names, codes, streets = _communities(street, rng)
    joined = _joined(community, rng)
    cells: list[shapely.Polygon] = []
    owner: list[int] = []
    for i in range(BLOCKS):
        for j in range(BLOCKS):
            if community[i, j] == LAKE or joined.get((i, j)) == (i, j):
                continue
            whole = [(i, j), (i + 1, j)] if (i, j) in joined else [(i, j)]
            for ring in _rings(whole, corner, across, upright, rng):
                cells.append(shapely.Polygon(ring))
                owner.append(int(community[i, j]))
    lake = shapely.coverage_union_all(
        [
            shapely.Polygon(_outline([(i, j)], corner, across, upright))
            for i, j in zip(*np.nonzero(community == LAKE), strict=True)
        ]
    )
    edges = _edges(corner, across, upright, community, joined)
    inner = (community != LAKE)[:-1, :-1] & (community != LAKE)[1:, :-1]
    inner &= (community != LAKE)[:-1, 1:] & (community != LAKE)[1:, 1:]
    return StreetNet(cells, owner, names, codes, streets, edges, corner[1:-1, 1:-1][inner], lake)


def _vertices(rng: Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return crossings, and the bends of the edges that run west-east and south-north."""
    east, north = from_lnglat(*CENTRE, reference_system(SYSTEM))
    lines = []
    for _ in range(2):
        widths = rng.uniform(0.75, 1.25, BLOCKS)
        lines.append(np.concatenate([[0.0], np.cumsum(widths)]) / widths.sum() * SIDE_M)
    x, y = lines

    def placed(px: np.ndarray, py: np.ndarray, jitter_m: float) -> np.ndarray:
        dx = 90.0 * np.sin(py / 950.0 + 0.4) + 34.0 * np.sin(px / 430.0 + py / 600.0)
        dy = 75.0 * np.sin(px / 1100.0 + 1.1) + 30.0 * np.sin(py / 510.0 - px / 500.0)
        place = np.stack([px + dx + east - SIDE_M / 2, py + dy + north - SIDE_M / 2], axis=-1)
        return np.round(place + rng.uniform(-jitter_m, jitter_m, place.shape), 3)

    mid_x, mid_y = (x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2
    corner = placed(*np.meshgrid(x, y, indexing="ij"), 5.0)
    across = placed(*np.meshgrid(mid_x, y, indexing="ij"), 4.0)
    upright = placed(*np.meshgrid(x, mid_y, indexing="ij"), 4.0)
    return corner, across, upright


def _streets(rng: Generator) -> np.ndarray:
    """Return the street's code of every block; borders from south to north step by a block."""
    street = np.empty((BLOCKS, BLOCKS), dtype=object)
    ends = np.array(_COLUMN_ENDS)[:, None] + rng.integers(-1, 2, (len(_COLUMN_ENDS), BLOCKS))
    ends[-1] = BLOCKS
    for i in range(BLOCKS):
        for j in range(BLOCKS):
            column = int((i >= ends[:, j // 3 * 3]).sum())
            street[i, j] = next(code for code, end in _LAYOUT[column] if j < end)
    return street


def _communities(street: np.ndarray, rng: Generator) -> tuple[np.ndarray, list[str], list[str], list[str]]:
    """Divide each street into the communities that the list of areas has below it."""
    community = np.full((BLOCKS, BLOCKS), LAKE)
    i, j = np.meshgrid(np.arange(BLOCKS), np.arange(BLOCKS), indexing="ij")
    water = ((i - 7) / 2.6) ** 2 + ((j - 24) / 3.4) ** 2 < 1
    names: list[str] = []
    codes: list[str] = []
    streets: list[str] = []
    for code in sorted(set(street.flat)):
        listed = list(areas_below(code))
        if code in UNLISTED:
            listed.append(("", UNLISTED[code]))
        blocks = np.argwhere((street == code) & ~water)
        seeds = _centres(blocks, len(listed), rng)
        order = np.lexsort((seeds[:, 0], -seeds[:, 1]))
        first = len(names)
        _grow(community, blocks, seeds[order], first)
        for area_code, name in listed:
            names.append(name)
            codes.append(area_code)
            streets.append(code)
    return community, names, codes, streets


def _centres(blocks: np.ndarray, n: int, rng: Generator) -> np.ndarray:
    """Return n blocks that lie evenly among the given ones (Lloyd's steps on the lattice)."""
    centres = blocks[rng.choice(len(blocks), n, replace=False)].astype(float)
    for _ in range(25):
        nearest = ((blocks[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
        centres = np.array(
            [blocks[nearest == k].mean(axis=0) if (nearest == k).any() else centres[k] for k in range(n)]
        )
    taken: list[np.ndarray] = []
    for centre in centres:
        far = ((blocks - centre) ** 2).sum(axis=1)
        taken.append(next(blocks[k] for k in far.argsort() if not any((blocks[k] == t).all() for t in taken)))
    return np.array(taken)


def _grow(community: np.ndarray, blocks: np.ndarray, seeds: np.ndarray, first: int) -> None:
    """Grow every seed by a ring of neighbours at a time, so that each community is in one piece."""
    free = {tuple(block) for block in blocks.tolist()}
    queue: deque[tuple[int, int]] = deque()
    for k, seed in enumerate(seeds.tolist()):
        community[tuple(seed)] = first + k
        free.discard(tuple(seed))
        queue.append(tuple(seed))
    while queue:
        i, j = queue.popleft()
        for block in ((i + 1, j), (i, j + 1), (i - 1, j), (i, j - 1)):
            if block in free:
                free.discard(block)
                community[block] = community[i, j]
                queue.append(block)
    if free:
        raise ValueError(f"{len(free)} blocks of a street cannot be reached")


def _joined(community: np.ndarray, rng: Generator) -> dict[tuple[int, int], tuple[int, int]]:
    """Return blocks joined with their eastern neighbour: each of the two -> the eastern one."""
    joined: dict[tuple[int, int], tuple[int, int]] = {}
    for i, j in rng.permutation(np.argwhere(community[:-1] != LAKE)).tolist():
        pair = ((i, j), (i + 1, j))
        crosses_main = (i + 1) % MAIN_EVERY == 0
        if community[pair[0]] == community[pair[1]] and not crosses_main and not joined.keys() & set(pair):
            joined.update(dict.fromkeys(pair, pair[1]))
        if len(joined) == 120:
            break
    return joined


def _outline(
    blocks: list[tuple[int, int]], corner: np.ndarray, across: np.ndarray, upright: np.ndarray
) -> list[np.ndarray]:
    """Return the ring around one block, or around two that lie side by side."""
    (west, j), (east, _) = blocks[0], blocks[-1]
    south = [p for i in range(west, east + 1) for p in (corner[i, j], across[i, j])]
    north = [p for i in range(east, west - 1, -1) for p in (corner[i + 1, j + 1], across[i, j + 1])]
    return [*south, corner[east + 1, j], upright[east + 1, j], *north, corner[west, j + 1], upright[west, j]]


def _rings(
    blocks: list[tuple[int, int]],
    corner: np.ndarray,
    across: np.ndarray,
    upright: np.ndarray,
    rng: Generator,
) -> list[list[np.ndarray]]:
    """Return the rings of the cells of a block; one block in twenty is divided at its bends."""
    ring = _outline(blocks, corner, across, upright)
    if len(blocks) == 2 or rng.random() >= 0.055:
        return [ring]
    # south-west corner, southern bend, south-east, eastern bend, north-east, northern bend, ...
    turn = int(rng.integers(0, 2)) * 2
    ring = ring[turn:] + ring[:turn]
    return [ring[1:6], [*ring[5:], ring[0], ring[1]]]


def _edges(
    corner: np.ndarray,
    across: np.ndarray,
    upright: np.ndarray,
    community: np.ndarray,
    joined: dict[tuple[int, int], tuple[int, int]],
) -> list[Edge]:
    """Return all edges that have a cell on one side at least."""
    dry = np.full((BLOCKS + 2, BLOCKS + 2), LAKE)
    dry[1:-1, 1:-1] = community
    edges = []
    for i in range(BLOCKS):
        for j in range(BLOCKS + 1):
            left, right = int(dry[i + 1, j + 1]), int(dry[i + 1, j])
            line = np.array([corner[i, j], across[i, j], corner[i + 1, j]])
            edges.append(Edge(line, left, right, j % MAIN_EVERY == 0))
    for i in range(BLOCKS + 1):
        for j in range(BLOCKS):
            if joined.get((i, j)) == (i, j) and joined.get((i - 1, j)) == (i, j):
                continue
            left, right = int(dry[i, j + 1]), int(dry[i + 1, j + 1])
            line = np.array([corner[i, j], upright[i, j], corner[i, j + 1]])
            edges.append(Edge(line, left, right, i % MAIN_EVERY == 0))
    return [edge for edge in edges if edge.left != LAKE or edge.right != LAKE]
