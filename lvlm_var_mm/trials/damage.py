"""Damaged and odd input, drawn by hypothesis (extra ``test``)."""
import io
import os
import pickle
from typing import Any, Callable, List

import numpy as np
from hypothesis import strategies as st

# What stands where a number or a word should.
ODD = ['', ' ', 'nan', 'inf', '-1', '-1.#IND', '1e999', '0x10', '1_0', '٣',
       '9' * 30, '7' * 400, '2147483648', 'null', '[]', '{}', '"', '\x00',
       'x', '|', '#', ',', '\n', '\x85', '\u2028', '\x0c', '=1+1']


@st.composite
def damaged(draw: Callable, data: bytes) -> bytes:
    """Draw one to three faults of a disk or a network in ``data``."""
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(FAULTS))
        at = draw(st.integers(0, max(0, len(data) - 1)))
        data = kind(draw, data, at)
    return data


def _cut(draw, data, at):
    return data[:at]


def _lost(draw, data, at):
    return data[:at] + data[at + draw(st.integers(1, 200)):]


def _twice(draw, data, at):
    end = at + draw(st.integers(1, 200))
    return data[:end] + data[at:]


def _zeros(draw, data, at):
    length = min(draw(st.integers(1, 300)), len(data) - at)
    return data[:at] + bytes(length) + data[at + length:]


def _bit(draw, data, at):
    if not data:
        return data
    flipped = data[at] ^ 1 << draw(st.integers(0, 7))
    return data[:at] + bytes([flipped]) + data[at + 1:]


def _noise(draw, data, at):
    return data[:at] + draw(st.binary(min_size=1, max_size=40)) + data[at:]


def _over(draw, data, at):
    noise = draw(st.binary(min_size=1, max_size=40))
    return data[:at] + noise + data[at + len(noise):]


def _other(draw, data, at):
    return draw(st.binary(max_size=400))


FAULTS = [_cut, _lost, _twice, _zeros, _bit, _bit, _noise, _over, _other]


@st.composite
def odd_text(draw: Callable, text: str) -> bytes:
    """Draw odd words, lines lost or twice, and other ends of lines."""
    lines = text.split('\n')
    for _ in range(draw(st.integers(1, 3))):
        i = draw(st.integers(0, len(lines) - 1))
        what = draw(st.integers(0, 3))
        if what == 0:
            words = lines[i].split(' ')
            words[draw(st.integers(0, len(words) - 1))] = draw(
                st.sampled_from(ODD))
            lines[i] = ' '.join(words)
        elif what == 1 and len(lines) > 1:
            del lines[i]
        elif what == 2:
            lines.insert(i, lines[i])
        else:
            lines[i] = draw(st.sampled_from(ODD)).join(
                draw(st.permutations([lines[i], ''])))
    end = draw(st.sampled_from(['\n', '\r\n', '\r']))
    return end.join(lines).encode('utf-8', 'replace')


def either(*ways: st.SearchStrategy) -> st.SearchStrategy:
    """Draw one of several strategies, and then from it."""
    return st.one_of(*ways)


def labels() -> st.SearchStrategy:
    """Draw ``(label as written, the right int or None to be refused)``."""
    number = st.integers(0, 3)
    good = st.one_of(
        number.map(lambda n: (n, n)), number.map(lambda n: (str(n), n)),
        number.map(lambda n: (float(n), n)), number.map(lambda n: ([n], n)),
        number.map(lambda n: (np.array(n), n)),
        number.map(lambda n: (np.array([n], np.int16), n)),
        number.map(lambda n: (np.float32(n), n)))
    bad = st.sampled_from([
        None, 'drink', '', [], [0, 1], 0.5, -1, 4, 10**30, float('nan'),
        float('inf'), '1e999', {}, (), [[]], np.zeros((2, 2)), '1 2'])
    return st.one_of(good, good, bad.map(lambda label: (label, None)))


def keypoints() -> st.SearchStrategy:
    """Draw keypoints, most of them good ones: (M, T, V, C)."""
    good = np.ones((1, 3, 5, 3), np.float32)
    return st.sampled_from([
        good, good, good, good.astype(np.float64), good.astype(np.float16),
        good.tolist(), good.astype(np.int64), good[0], None, 'x', [],
        np.zeros((0, 3, 5, 3)), np.zeros((1, 0, 5, 3)), good * np.nan,
        good * np.inf, [[1], [1, 2]], good.astype(object), np.array('x'),
        good[:, :, :2], 5, {}, [None]])


class Evil:
    """Runs a command when its pickle is loaded.

    Args:
        command (str): Of the shell.
    """

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command, )


def evil(content: Any, command: str, protocol: int) -> bytes:
    """Return a pickle of ``content`` that runs a command."""
    return pickle.dumps([content, Evil(command)], protocol)


BOMBS: List[bytes] = [
    # bytearray(10**10), numpy.ndarray((10**10,)), list(range(10**10)), and a
    # scalar of 2 GB without a value.
    b'cbuiltins\nbytearray\n(L10000000000L\ntR.',
    b'cnumpy\nndarray\n((L10000000000L\nttR.',
    b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n'
    b'(L10000000000L\ntS\'b\'\ntR.',
    b'cbuiltins\nlist\n(cbuiltins\nrange\n(L10000000000L\ntRtR.',
    b'cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S\'V2000000000\'\n'
    b'tRtR.',
    # A tuple of itself many times over: 2**40 of them, if it is copied.
    b'(' + b'(l' + b''.join(b'p%d\n' % i + b'(g%d\ng%d\nl' % (i, i)
                            for i in range(40)) + b't.',
]


def npy(array: np.ndarray) -> bytes:
    """Return an array as the content of a ``.npy`` file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
