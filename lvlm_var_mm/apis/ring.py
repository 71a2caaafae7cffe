"""Keep what lies in the last window of a recording, and tell when a window is
due."""
from collections import deque
from typing import Any, Deque, List, Tuple

Item = Any


class Ring:
    """Hold the items of one window; memory does not grow with the length.

    Positions are frames or seconds since the beginning, those at which an
    item ends: frame 0 ends at 1. A window is due when the first ``length``
    has passed, and then every ``stride``.

    Args:
        length, stride (float): Of the windows, in the unit of the positions.
    """

    def __init__(self, length: float, stride: float) -> None:
        self.length, self.stride = length, stride
        self.clear()

    def clear(self) -> None:
        """Begin anew, at position 0."""
        self._kept: Deque[Tuple[float, Item]] = deque()
        self._due, self._end, self._told = self.length, 0., 0.

    def add(self, end: float, item: Item) -> List[Item]:
        """Take an item that ends at ``end``, behind those before.

        Returns:
            list: The items of the window that ends here, if one is due; else
            none. Where items were left out, a window ends with the first one
            behind the place at which it was due.
        """
        self._kept.append((end, item))
        while self._kept[0][0] <= end - self.length:
            self._kept.popleft()
        self._end = end
        if end < self._due:
            return []
        self._told = end
        self._due = self.length + self.stride * (
            (end - self.length) // self.stride + 1)
        return [item for _, item in self._kept]

    def rest(self) -> List[Item]:
        """Return the items of a last, shorter window, at the end of a
        recording; none where the window before it ended there."""
        if self._end <= self._told:
            return []
        start = self._told - self.length + self.stride if self._told else 0
        return [item for end, item in self._kept if end > start]
