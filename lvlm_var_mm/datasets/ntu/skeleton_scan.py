"""Reading a ``.skeleton`` file that is just as NTU writes them, compiled.

Only the text before a number shows where it begins. NumPy needs
a hundred steps over the whole text to find and convert them all, a compiled
loop one.
"""
from typing import Callable, Tuple

import numpy as np
from numba import njit

NUM_JOINTS = 25
BODY_FIELDS = 10
JOINT_FIELDS = 12
# The fewest bytes of a body: fields of one character and what ends them.
BODY_BYTES = 2 * (BODY_FIELDS + 1 + NUM_JOINTS * JOINT_FIELDS) + 1
LF, CR, SPACE, PLUS, MINUS, POINT, ZERO, NINE, E, e = b'\n\r +-.09Ee'
# Places in a text are unsigned: a look at another one first tests whether it
# counts from the end, which doubles the time.
ONE, START = np.uintp(1), np.uintp(0)
# All powers of ten that are exact in float64.
TENS = 10.**np.arange(23)


def compiled(function: Callable) -> Callable:
    """Machine code for ``function``, kept for the next process."""
    try:
        return njit(function, cache=True, nogil=True)
    except RuntimeError:  # there is no folder to keep the machine code in
        return njit(function, nogil=True)


def scan(data: bytes) -> Tuple:
    """Read all bodies of a file.

    Args:
        data (bytes): The whole file.

    Returns:
        tuple: The number of frames T (int); and of each of B bodies, in the
        order of the file, its id (list[bytes]), its frame, int64 (B,), the
        x, y, z of its joints, float32 (B, 25, 3), and their pixels in the
        colour video, float32 (B, 25, 2).

    Raises:
        ValueError: The file is damaged, or merely unusual in its blanks or
            numbers (``NaN``). Only reading it line by line shows which.
    """
    if not data.isascii():
        raise ValueError('no text')
    data += b'\n' if data.endswith(b'\n') else b'\n\n'
    most = len(data) // BODY_BYTES
    ids = np.empty((most, 2), np.int64)
    frame = np.empty(most, np.int64)
    xyz = np.empty((most, NUM_JOINTS, 3), np.float32)
    pixels = np.empty((most, NUM_JOINTS, 2), np.float32)
    frames, n = _scan(np.frombuffer(data, np.uint8), ids, frame, xyz, pixels)
    ids = [data[start:end] for start, end in ids[:n].tolist()]
    return frames, ids, frame[:n], xyz[:n], pixels[:n]


# What follows raises ValueError at anything unusual. `at` is where to go on
# in the text. Its last two characters are LF, and nothing but a line end goes
# past one, so that no look at it falls behind the end.


@compiled
def _scan(text, ids, frame, xyz, pixels):
    """Fill the arrays and return the numbers of frames and bodies."""
    bodies = 0
    frames, at = _count(text, START)
    for t in range(frames):
        here, at = _count(text, at)
        for _ in range(here):
            if bodies == len(frame):
                raise ValueError('more bodies than there is room for')
            frame[bodies] = t
            at = _body(text, at, ids[bodies], xyz[bodies], pixels[bodies])
            bodies += 1
    if at != len(text) - 1 or bodies == 0:
        raise ValueError('an end that is early or late')
    return frames, bodies


@compiled
def _body(text, at, body_id, xyz, pixels):
    body_id[0] = at
    _, at = _digits(text, at)
    body_id[1] = at
    if body_id[1] == body_id[0]:
        raise ValueError('no id')
    for _ in range(BODY_FIELDS - 1):
        at = _field(text, _space(text, at))
    joints, at = _count(text, _line_end(text, at))
    if joints != NUM_JOINTS:
        raise ValueError('another number of joints')
    for joint in range(NUM_JOINTS):
        for axis in range(3):
            xyz[joint, axis], at = _number(text, at)
            at = _space(text, at)
        for _ in range(2):  # pixels of the depth map
            at = _space(text, _field(text, at))
        for axis in range(2):
            pixels[joint, axis], at = _number(text, at)
            at = _space(text, at)
        for _ in range(JOINT_FIELDS - 8):
            at = _space(text, _field(text, at))
        at = _line_end(text, _field(text, at))
    return at


@compiled
def _count(text, at):
    """A line that is a whole number."""
    first = at
    number, at = _digits(text, at)
    if not 0 < at - first < 10:
        raise ValueError('no count')
    return number, _line_end(text, at)


@compiled
def _number(text, at):
    """A decimal number of up to 15 digits, as ``float()`` gives it: it is a
    whole number times or over a power of ten, both exact in float64."""
    minus = text[at] == MINUS
    if minus:
        at += ONE
    first, point, number, power = at, at, 0, 0
    while True:
        if ZERO <= text[at] <= NINE:
            number = 10 * number + text[at] - ZERO
        elif text[at] == POINT and point == first:
            point = at + ONE
        else:
            break
        at += ONE
    digits = at - first
    if point != first:
        digits -= ONE
        power = -np.int64(at - point)
    if not 0 < digits < 16:
        raise ValueError('no number, or a long one')
    if text[at] == E or text[at] == e:
        at += ONE
        below = text[at] == MINUS
        if below or text[at] == PLUS:
            at += ONE
        first = at
        exponent, at = _digits(text, at)
        if not 0 < at - first < 3:
            raise ValueError('no exponent, or a long one')
        power += -exponent if below else exponent
    if not -len(TENS) < power < len(TENS):
        raise ValueError('a power of ten that is not exact')
    value = number * TENS[power] if power > 0 else number / TENS[-power]
    return -value if minus else value, at


@compiled
def _digits(text, at):
    """The number that some digits are, beyond 18 of them a wrong one."""
    number = 0
    while ZERO <= text[at] <= NINE:
        number = 10 * number + text[at] - ZERO
        at += ONE
    return number, at


@compiled
def _field(text, at):
    """Anything that is not blank."""
    first = at
    while text[at] > SPACE:
        at += ONE
    if at == first:
        raise ValueError('nothing')
    return at


@compiled
def _space(text, at):
    if text[at] != SPACE:
        raise ValueError('no space')
    return at + ONE


@compiled
def _line_end(text, at):
    if text[at] == CR:
        at += ONE
    if text[at] != LF:
        raise ValueError('no line end')
    return at + ONE
