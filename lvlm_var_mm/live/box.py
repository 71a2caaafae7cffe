"""Hand things from one thread to the next without a queue."""
from threading import Condition
from typing import Any, Iterator, Optional


class Box:
    """Hold one thing at most: a later one takes the place of one that nobody
    has fetched yet, and the number of those lost is kept.

    Args:
        lossless (bool): Let the giver wait instead, until the box is empty.

    Attributes:
        skipped (int): Things that were replaced before they were fetched.
    """

    def __init__(self, lossless: bool = False) -> None:
        self.lossless, self.skipped = lossless, 0
        self._changed = Condition()
        self._thing: Optional[Any] = None
        self._closed = False

    def put(self, thing: Any) -> None:
        """Put a thing in, not None. After :meth:`close` it is ignored."""
        with self._changed:
            if self.lossless:
                self._changed.wait_for(
                    lambda: self._thing is None or self._closed)
            if self._closed:
                return
            self.skipped += self._thing is not None
            self._thing = thing
            self._changed.notify_all()

    def take(self, timeout: Optional[float] = None) -> Optional[Any]:
        """Fetch what is in the box, or wait for it.

        Args:
            timeout (float, optional): Seconds to wait at most.

        Returns:
            The thing; None after ``timeout``, and where the box is closed and
            empty.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._thing is not None or self._closed, timeout)
            thing, self._thing = self._thing, None
            self._changed.notify_all()
            return thing

    def __iter__(self) -> Iterator[Any]:
        """Yield things until the box is closed and empty."""
        while True:
            thing = self.take()
            if thing is None:
                return
            yield thing

    @property
    def done(self) -> bool:
        """Return whether the box is closed and empty."""
        with self._changed:
            return self._closed and self._thing is None

    def close(self, empty: bool = False) -> None:
        """Let nothing more in, and wake whoever waits.

        Args:
            empty (bool): Throw away what has not been fetched.
        """
        with self._changed:
            self._closed = True
            if empty:
                self._thing = None
            self._changed.notify_all()
