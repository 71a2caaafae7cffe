"""A ``.skeleton`` file that is just as NTU writes them, read in one pass.

Compiled by numba: a file holds some 50,000 numbers, and Python spends far
more on taking them apart than on what is wanted of them. Whatever is unusual
here, be it damage or a second blank, is left to the reader line by line.
"""
import numpy as np
from numba import njit

NUM_JOINTS = 25
BODY_FIELDS = 10
JOINT_FIELDS = 12
# x, y, z, colorX, colorY among the fields of a joint.
COLUMNS = 0, 1, 2, 5, 6
# The least that a body takes: fields of one character with a blank or a line
# end behind each, and one character more for the '25'.
BODY_BYTES = 2 * (BODY_FIELDS + 1 + NUM_JOINTS * JOINT_FIELDS) + 1
LF, SPACE, PLUS, MINUS, POINT, ZERO, NINE, E = b'\n +-.09e'
ONE, BAD = np.uintp(1), np.uintp(0)
# Powers of ten that are exact in float64, as are whole numbers of 15 digits:
# one division or product of the two rounds as float() does.
TENS = 10.**np.arange(23)
MAX_DIGITS = 15
MAX_COUNT_DIGITS = 9


def scan(data, columns=len(COLUMNS)):
    """Read all bodies.

    Args:
        data (bytes): The whole file.
        columns (int): C, how many of :data:`COLUMNS` to read.

    Returns:
        tuple | None: The number of frames T (int); of each of B bodies, in
        the order of the file, its id (list[str]), its frame, int64 (B,), and
        the columns of its joints, float32 (B, 25, C). None for a file that
         is damaged, or merely unusual in its blanks or numbers.
    """
    if not data.isascii():
        return None
    if b'\r' in data:
        data = data.replace(b'\r\n', b'\n')
    if data[-1:] != b'\n' or data[-2:].isspace():
        data = data.rstrip() + b'\n'
    most = len(data) // BODY_BYTES
    ids = np.empty((most, 2), np.int64)
    frame = np.empty(most, np.int64)
    joints = np.empty((most, NUM_JOINTS, columns), np.float32)
    frames, bodies = _scan(np.frombuffer(data, np.uint8), ids, frame, joints)
    if bodies < 1:
        return None
    names = [data[start:end].decode() for start, end in ids[:bodies].tolist()]
    return frames, names, frame[:bodies], joints[:bodies]


def _compiled(function):
    try:
        return njit(function, cache=True, nogil=True)
    except RuntimeError:  # no folder to keep the machine code in
        return njit(function, nogil=True)


# In all of these the text ends in LF, which ends every loop over characters.
# `at` is the place of the next character, unsigned, as NumPy's negative
# indices cost a test at each access; 0 says: not as NTU writes it.
@_compiled
def _scan(text, ids, frame, joints):
    """Fill the arrays; the numbers of frames and bodies, or 0, 0."""
    bodies = 0
    frames, at = _count(text, np.uintp(0))
    for t in range(frames):
        number, at = _count(text, at)
        for _ in range(number):
            if at == 0 or bodies == len(frame):
                return 0, 0
            frame[bodies] = t
            at = _body(text, at, ids[bodies], joints[bodies])
            bodies += 1
        if at == 0:
            return 0, 0
    return (frames, bodies) if at == len(text) else (0, 0)


@_compiled
def _count(text, at):
    """A whole number alone in its line; it and the next line's place."""
    start, value = at, 0
    if at == len(text):
        return 0, BAD
    while ZERO <= text[at] <= NINE:
        value = 10 * value + text[at] - ZERO
        at += ONE
        if at - start > MAX_COUNT_DIGITS:
            return 0, BAD
    if at == start or text[at] != LF:
        return 0, BAD
    return value, at + ONE


@_compiled
def _body(text, at, body_id, joints):
    """One body; the place behind it."""
    if at == len(text):
        return BAD
    body_id[0] = at
    while ZERO <= text[at] <= NINE:
        at += ONE
    body_id[1] = at
    if body_id[0] == body_id[1] or text[at] != SPACE:
        return BAD
    at += ONE
    for column in range(1, BODY_FIELDS):
        at = _skip(text, at, LF if column == BODY_FIELDS - 1 else SPACE)
        if at == 0:
            return BAD
    number, at = _count(text, at)
    if number != NUM_JOINTS:
        return BAD
    for joint in range(NUM_JOINTS):
        if at == len(text):
            return BAD
        wanted = 0
        for column in range(JOINT_FIELDS):
            end = LF if column == JOINT_FIELDS - 1 else SPACE
            if wanted < joints.shape[1] and column == COLUMNS[wanted]:
                joints[joint, wanted], at = _number(text, at, end)
                wanted += 1
            else:
                at = _skip(text, at, end)
            if at == 0:
                return BAD
    return at


@_compiled
def _skip(text, at, end):
    """The place behind a field and the ``end`` of it."""
    start = at
    while text[at] > SPACE:
        at += ONE
    if at == start or text[at] != end:
        return BAD
    return at + ONE


@_compiled
def _digits(text, at, value):
    """Digits behind those of ``value``; the number and the place behind."""
    while True:
        digit = np.int64(text[at]) - ZERO
        if digit < 0 or digit > 9:
            return value, at
        value = 10 * value + digit
        at += ONE


@_compiled
def _number(text, at, end):
    """A decimal number and the place behind it, as :func:`_skip`."""
    minus = text[at] == MINUS
    if minus:
        at += ONE
    start = at
    value, at = _digits(text, at, 0)
    digits, power = at - start, 0
    if text[at] == POINT:
        start = at + ONE
        value, at = _digits(text, start, value)
        digits += at - start
        power = -np.int64(at - start)
    if digits == 0 or digits > MAX_DIGITS:
        return 0., BAD
    if text[at] == E:
        at += ONE
        less = text[at] == MINUS
        if less or text[at] == PLUS:
            at += ONE
        start = at
        exponent, at = _digits(text, at, 0)
        if at == start or at - start > 3:
            return 0., BAD
        power += -exponent if less else exponent
    if abs(power) >= len(TENS) or text[at] != end:
        return 0., BAD
    number = value * TENS[power] if power > 0 else value / TENS[-power]
    return (-number if minus else number), at + ONE
