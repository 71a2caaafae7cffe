"""Boxes between stages, and the ring of a window."""
import threading

import pytest

from lvlm_var_mm.apis.ring import Ring
from lvlm_var_mm.apis.windows import Grid
from lvlm_var_mm.live.box import Box

PATIENCE = 20  # seconds, only for a test that fails


def test_the_latest_wins_and_what_is_lost_is_counted():
    box = Box()
    for thing in 'abc':
        box.put(thing)
    assert box.take() == 'c' and box.skipped == 2
    assert box.take(timeout=.01) is None
    box.put('d')
    box.close()
    box.put('e')
    assert not box.done and list(box) == ['d'] and box.done


def test_a_lossless_box_lets_the_giver_wait():
    box = Box(lossless=True)

    def give():
        for number in range(1, 51):
            box.put(number)
        box.close()

    giver = threading.Thread(target=give, daemon=True)
    giver.start()
    assert list(box) == list(range(1, 51)) and box.skipped == 0
    giver.join(PATIENCE)
    assert not giver.is_alive()


@pytest.mark.parametrize('lossless', [False, True])
def test_closing_wakes_whoever_waits(lossless):
    box, full = Box(lossless), Box(lossless=True)
    full.put('a')
    threads = [threading.Thread(target=box.take, daemon=True),
               threading.Thread(target=full.put, args='b', daemon=True)]
    for thread in threads:
        thread.start()
    box.close(empty=True)
    full.close(empty=True)
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert full.take() is None and full.done


@pytest.mark.parametrize('frames', [1, 3, 4, 5, 7, 8, 9, 41])
@pytest.mark.parametrize('length, stride', [(4, 1), (4, 2), (4, 4)])
def test_windows_are_those_of_a_grid(frames, length, stride):
    ring = Ring(length, stride)
    found = [ring.add(t + 1, t) for t in range(frames)] + [ring.rest()]
    assert [window for window in found if window] == [
        list(range(start, min(start + length, frames)))
        for start in Grid(length, stride).starts(frames)]


def test_windows_around_frames_that_are_missing():
    ring = Ring(4, 2)
    there = [t for t in range(12) if t not in (3, 7, 8, 9)]
    found = [ring.add(t + 1, t) for t in there] + [ring.rest()]
    assert [window for window in found if window] == [
        [1, 2, 4], [2, 4, 5], [10], [10, 11]]
    ring.clear()
    assert ring.add(1, 'a') == [] and ring.rest() == ['a']


def test_seconds_do_as_well_as_frames():
    ring, sizes = Ring(1., .5), []
    for t in range(1000):
        sizes.append(len(ring.add(t / 64, t)))
        assert len(ring._kept) <= 64
    windows = [size for size in sizes if size]
    assert len(windows) == 30 and set(windows) == {64}
