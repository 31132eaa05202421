"""An R*Tree of SQLite by its nodes: written at once, packed from sorted boxes; read from a place outwards.

SQLite keeps an R*Tree in three tables of its own, whose form it documents (https://sqlite.org/rtree.html,
"Shadow Tables"): nodes as blobs, the node of each box, the parent of each node. Box by box SQLite fills
them in 13 microseconds each, sorted or not; packed they take 1.5. GDAL, too, builds the trees of new
GeoPackages outside SQLite and writes these tables (its pull request 8596 of 2023). Whoever writes them
so asks SQLite's own ``rtreecheck`` before they are kept.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from gridcity.errors import StoreError
from gridcity.store.wkb import Box

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Boxes = npt.NDArray[np.float32]
    Ids = npt.NDArray[np.int64]

__all__ = ["outwards", "rounded_outwards", "write_tree"]

_HEAD: Final = 4
_CELL: Final = [("id", ">i8"), ("sides", ">f4", 4)]
_CELL_BYTES: Final = 24
_ROOT: Final = 1
_ROUNDING: Final = 2.0**-23
# Nodes that are made together, some 10 MB.
_NODES: Final = 4_000


def rounded_outwards(bounds: Any) -> Boxes:
    """Return boxes as a tree keeps them: west, east, south, north, 32 bits each, never too small.

    The rounding is SQLite's own, so that a box is the same whoever brings it into the tree.

    Parameters
    ----------
    bounds : float array, four columns
        West, south, east, north, as shapely gives them.
    """
    import numpy as np

    sides = bounds[:, [0, 2, 1, 3]]
    rounded: Boxes = sides.astype(np.float32)
    for column, outwards in enumerate((-1, 1, -1, 1)):
        exact, near = sides[:, column], rounded[:, column]
        inside = (near - exact) * outwards < 0
        near[inside] = exact[inside] * (1 + np.sign(exact[inside]) * outwards * _ROUNDING)
    return rounded


def write_tree(connection: sqlite3.Connection, tree: str, ids: Ids, boxes: Boxes) -> None:
    """Replace all that an R*Tree holds.

    Parameters
    ----------
    connection : sqlite3.Connection
        In a transaction.
    tree : str
        Name of the virtual table.
    ids : int64 array
        Ascending.
    boxes : float32 array, four columns
        From `rounded_outwards`.

    Raises
    ------
    sqlite3.OperationalError
        SQLite does not let anybody write the tables behind a tree ("defensive").
    """
    import numpy as np

    (size,) = connection.execute(f"SELECT length(data) FROM {tree}_node WHERE nodeno = {_ROOT}").fetchone()
    for table in ("node", "rowid", "parent"):
        connection.execute(f"DELETE FROM {tree}_{table}")
    capacity = (size - _HEAD) // _CELL_BYTES
    table, depth, following = "rowid", 0, _ROOT + 1
    while True:
        n = len(ids)
        count = max(-(-n // capacity), 1)
        ends = np.arange(count + 1) * n // count
        numbers = np.arange(following, following + count) if count > 1 else np.array([_ROOT])
        order = _tiled(boxes, count)
        node_of = np.empty(n, dtype=np.int32)
        around = np.empty((count, 4), dtype=np.float32)
        for first in range(0, count, _NODES):
            some = slice(first, first + _NODES)
            chosen = order[ends[first] : ends[min(first + _NODES, count)]]
            begins, counts = ends[:-1][some] - ends[first], np.diff(ends[first : first + _NODES + 1])
            node_of[chosen] = np.repeat(numbers[some], counts)
            if n:
                around[some, ::2] = np.minimum.reduceat(boxes[chosen, ::2], begins)
                around[some, 1::2] = np.maximum.reduceat(boxes[chosen, 1::2], begins)
            cells = np.zeros((len(counts), capacity), dtype=_CELL)
            at = np.repeat(np.arange(len(counts)), counts), np.arange(len(chosen)) - np.repeat(begins, counts)
            cells["id"][at], cells["sides"][at] = ids[chosen], boxes[chosen]
            heads = (struct.pack(">HH", depth if count == 1 else 0, held) for held in counts.tolist())
            filling = bytes(size - _HEAD - capacity * _CELL_BYTES)
            blobs = (head + cell.tobytes() + filling for head, cell in zip(heads, cells, strict=True))
            rows = zip(numbers[some].tolist(), blobs, strict=True)
            connection.executemany(f"INSERT INTO {tree}_node VALUES (?, ?)", rows)
        for first in range(0, n, _NODES * capacity):
            some = slice(first, first + _NODES * capacity)
            rows = zip(ids[some].tolist(), node_of[some].tolist(), strict=True)
            connection.executemany(f"INSERT INTO {tree}_{table} VALUES (?, ?)", rows)
        if count == 1:
            return
        table, depth, following = "parent", depth + 1, following + count
        ids, boxes = numbers, around


def _tiled(boxes: Boxes, nodes: int) -> Ids:
    """Return an order in which each run of boxes is compact: strips from west to east, up, then down."""
    import numpy as np

    order: Ids = np.argsort(boxes[:, 0] + boxes[:, 1], kind="stable")
    strips = int(np.ceil(np.sqrt(nodes)))
    ends = np.arange(strips + 1) * len(order) // strips
    for number, (begin, end) in enumerate(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)):
        strip = order[begin:end]
        middle = boxes[strip, 2] + boxes[strip, 3]
        order[begin:end] = strip[np.argsort(-middle if number % 2 else middle, kind="stable")]
    return order


def outwards(
    connection: sqlite3.Connection, tree: str, distance: Callable[[Box], float]
) -> Iterator[tuple[float, int]]:
    """Iterate over the boxes of an R*Tree, the nearest first.

    SQLite itself answers only what meets a box. Around a place far from everything that box would have to
    hold the whole city before it held its nearest part; node by node, a few dozen boxes are looked at.

    Parameters
    ----------
    connection : sqlite3.Connection
        Best in a transaction: several questions are asked.
    tree : str
        Name of the virtual table.
    distance : callable
        How far away a box is; of a box within another not less.

    Yields
    ------
    distance : float
        Of the box.
    id : int
        Of the object.

    Raises
    ------
    StoreError
        The tree is damaged.
    """
    import heapq

    def node(number: int) -> tuple[int, list[tuple[int, Box]]]:
        row = connection.execute(f"SELECT data FROM {tree}_node WHERE nodeno = ?", (number,)).fetchone()
        try:
            depth, held = struct.unpack_from(">HH", row[0])
            cells = list(struct.iter_unpack(">q4f", row[0][_HEAD : _HEAD + held * _CELL_BYTES]))
        except (TypeError, struct.error) as error:
            raise StoreError(f"The spatial index {tree} is damaged.", hint="Restore a backup.") from error
        return depth, [(i, Box(west, south, east, north)) for i, west, east, south, north in cells]

    # Distance, level and number: of a node its number, at level -1 the id of an object.
    waiting: list[tuple[float, int, int]] = []
    level, boxes = node(_ROOT)
    while True:
        for i, box in boxes:
            heapq.heappush(waiting, (distance(box), level - 1, i))
        while waiting and waiting[0][1] < 0:
            far, _, i = heapq.heappop(waiting)
            yield far, i
        if not waiting:
            return
        _, level, i = heapq.heappop(waiting)
        _, boxes = node(i)
