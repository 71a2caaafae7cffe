"""A camera that dies and returns, what memory a long stream takes, and how it
ends, for tools/perf/stream.py."""
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

import numpy as np

from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.live import Live, SourceLost
from lvlm_var_mm.live.sources import Source
from lvlm_var_mm.shipped import TOOLS

FPS = 30.
PATIENCE = 120  # seconds in which a tool must have started, or ended


class Dying(Source):
    """A camera of joints that dies after some seconds, cannot be opened once,
    and then comes back.

    Args:
        joints (np.ndarray): (M, T, 25, 3) of NTU RGB+D, given again and
            again, at :data:`FPS`.
        life (float): Seconds.
    """
    name, returns, layout = 'the dying camera', True, LAYOUTS['ntu25']

    def __init__(self, joints: np.ndarray, life: float) -> None:
        self.joints, self.life, self.opened = joints, life, 0

    def read(self) -> Iterator[Dict[str, np.ndarray]]:
        """Yield joints until it dies."""
        self.opened += 1
        if self.opened % 2 == 0:
            raise SourceLost('it cannot be opened')
        began = time.perf_counter()
        for t in range(max(1, round(self.life * FPS))):
            time.sleep(max(0, began + t / FPS - time.perf_counter()))
            yield dict(joints=self.joints[:, t % self.joints.shape[1]])
        raise SourceLost('it died')


def memory_mb() -> float:
    """Return the resident megabytes of this process, now; NaN where there is
    no /proc."""
    try:
        status = Path('/proc/self/status').read_text()
    except OSError:
        return float('nan')
    return int(status.partition('VmRSS:')[2].split()[0]) / 1024


def soak(live: Live, seconds: float) -> Dict[str, Any]:
    """Let a stream run.

    Returns:
        dict: ``soak``, the summary, and ``memory_mb``: after a tenth of the
        time, at the end, and the most between them.

    Raises:
        ValueError: A stage did not end.
    """
    sizes = []
    with live:
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            live.next(1.)
            if time.perf_counter() - began >= seconds / 10:
                sizes.append(memory_mb())
        summary = live.summary()
        if not live.stop():
            raise ValueError('a stage of the stream did not end')
    return dict(soak=summary, memory_mb=[
        round(mb, 1) for mb in (sizes[0], sizes[-1], max(sizes))])


def ctrl_c(recording: Path) -> Tuple[int, float]:
    """Interrupt tools/stream.py at its first answer.

    Returns:
        tuple: The exit code, and the seconds that it took to end.
    """
    process = subprocess.Popen(
        [sys.executable, str(TOOLS / 'stream.py'), str(recording), '--loop',
         '--json', '--window', '.5'], stdout=subprocess.PIPE, text=True,
        # A job in the background would inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    late = threading.Timer(PATIENCE, process.kill)
    late.start()
    try:
        for line in process.stdout:  # libraries may print before it
            if line.startswith('{'):
                break
        began = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    finally:
        late.cancel()
        process.kill()
    return process.returncode, round(time.perf_counter() - began, 2)
