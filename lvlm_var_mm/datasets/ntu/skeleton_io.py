"""The raw NTU RGB+D ``.skeleton`` text files: reading and writing.

Format of a file (Shahroudy et al., "NTU RGB+D: A Large Scale Dataset for 3D
Human Activity Analysis", CVPR 2016)::

    T                                        number of frames
    per frame:  number of bodies
      per body: id clippedEdges handLeftConfidence handLeftState
                handRightConfidence handRightState isRestricted
                leanX leanY trackingState    (10 numbers)
                25                           number of joints
        per joint: x y z  depthX depthY  colorX colorY
                   orientationW X Y Z  trackingState  (12 numbers)

``x y z`` are metres in the camera's frame, ``colorX colorY`` pixels of the
colour video.
"""
import os
from typing import Dict, Optional, Sequence, Union

import numpy as np
from numpy.typing import ArrayLike

from lvlm_var_mm.atomic import write_text
from ..corrupt import CorruptSampleError

NUM_JOINTS = 25
BODY_FIELDS = 10
JOINT_FIELDS = 12
# Kinect v2 tracks six bodies at once; a body that is lost and found again
# gets a new id, so a long file may hold more. A file with more than this is
# noise, and would claim memory out of proportion to its size.
MAX_BODIES = 64
NO_BODY = 'shows no body in any frame'
# A frame without bodies is a line of a few bytes, a body in it thousands.
SMALL = 4096


class _Lines:
    """The lines of one file, taken in order; knows where it stands."""

    def __init__(self, path, data):
        self.path = path
        try:
            text = data.decode('ascii')
        except UnicodeDecodeError:
            self.fail('is not a text file')
        self.lines = text.rstrip().splitlines()
        self.at = 0

    def fail(self, problem):
        raise CorruptSampleError(self.path, problem) from None

    @property
    def left(self):
        return len(self.lines) - self.at

    def take(self):
        if not self.left:
            self.fail(f'ends early, after line {self.at}')
        self.at += 1
        return self.lines[self.at - 1]

    def count(self, what, cost):
        """A number of things that need at least ``cost`` lines each."""
        text = self.take().strip()
        # int() also takes '1_0' and '+1', which no writer of NTU makes.
        # More digits than a count can have are not worth converting.
        if not text.isdigit() or len(text) > 18:
            self.fail(f'line {self.at}: the number of {what} is '
                      f'{text[:40]!r}')
        number = int(text)
        if number * cost > self.left:
            self.fail(f'line {self.at}: declares {number} {what}, but only '
                      f'{self.left} lines follow (is the file truncated?)')
        return number

    def numbers(self, rows, width):
        """The next ``rows`` lines of ``width`` numbers, as lists of text."""
        fields = [line.split()
                  for line in self.lines[self.at:self.at + rows]]
        for offset, row in enumerate(fields, 1):
            if len(row) != width:
                self.fail(f'line {self.at + offset}: {len(row)} values '
                          f'instead of {width}')
        self.at += rows
        return fields


def read_skeleton(path: Union[str, os.PathLike]) -> Dict:
    """Read one raw ``.skeleton`` file.

    Args:
        path (str | Path): The file.

    Returns:
        dict: ``total_frames`` (int, T); ``body_ids`` (list[str], in order of
        appearance, M); ``keypoint`` float32 (M, T, 25, 3), metres in the
        camera's frame; ``color`` float32 (M, T, 25, 2), pixels (x, y) of the
        colour video, NaN for a joint the camera could not project;
        ``present`` bool (M, T). Where a body is absent both arrays are 0.

    Raises:
        FileNotFoundError: There is no such file.
        CorruptSampleError: The file departs from the format above, holds an
            x, y or z that is not finite, or shows nobody at all.
    """
    # Takes half a second, which only who reads raw files need wait.
    from .skeleton_scan import scan
    with open(path, 'rb') as f:
        data = f.read()
    try:
        found = scan(data)
    except ValueError:
        found = _walk(path, data)
    return _assemble(path, *found)


def shows_nobody(path: Union[str, os.PathLike]) -> bool:
    """Return whether a file has no body in any frame; only a small one is read
    for it."""
    if os.path.getsize(path) > SMALL:
        return False
    try:
        read_skeleton(path)
    except CorruptSampleError as error:
        return error.problem == NO_BODY
    return False


def _walk(path, data):
    """Return what :func:`~.skeleton_scan.scan` does, of any good file, or what
    is wrong and in which line.

    Raises:
        CorruptSampleError: The file departs from the format.
    """
    lines = _Lines(path, data)
    total_frames = lines.count('frames', 1)
    if not total_frames:
        lines.fail('has no frames')
    ids, frames, joints = [], [], []
    for frame in range(total_frames):
        for _ in range(lines.count('bodies', NUM_JOINTS + 2)):
            body_id = lines.numbers(1, BODY_FIELDS)[0][0]
            if not body_id.isdigit():
                lines.fail(f'line {lines.at}: the body id is '
                           f'{body_id[:40]!r}')
            number = lines.count('joints', 1)
            if number != NUM_JOINTS:
                lines.fail(f'line {lines.at}: {number} joints instead of '
                           f'{NUM_JOINTS}')
            ids.append(body_id.encode())
            frames.append(frame)
            for row in lines.numbers(NUM_JOINTS, JOINT_FIELDS):
                joints.append(row[:3] + row[5:7])
    if lines.left:
        lines.fail(f'{lines.left} lines too many, from line {lines.at + 1}')
    if not ids:
        lines.fail(NO_BODY)
    try:
        with np.errstate(over='ignore'):
            joints = np.array(joints, np.float64).astype(np.float32)
    except ValueError as error:
        lines.fail(f'holds something that is not a number ({error})')
    joints = joints.reshape(-1, NUM_JOINTS, 5)
    return total_frames, ids, frames, joints[..., :3], joints[..., 3:]


def _assemble(path, total_frames, ids, frame, xyz, pixels):
    number = {body_id: m for m, body_id in enumerate(dict.fromkeys(ids))}
    if len(number) > MAX_BODIES:
        raise CorruptSampleError(
            path, f'{len(number)} different bodies, more than {MAX_BODIES}')
    shape = len(number), total_frames
    place = np.array([number[body_id] for body_id in ids]), frame
    present = np.zeros(shape, bool)
    present[place] = True
    if np.count_nonzero(present) < len(ids):
        raise CorruptSampleError(
            path, 'shows the same body twice in one frame')
    if not np.isfinite(xyz).all():
        raise CorruptSampleError(path, 'holds a coordinate that is not finite')
    # A joint beside the colour picture has no pixel. That is a fact about
    # the camera's view, not damage: the 3D joint is good.
    pixels[~np.isfinite(pixels)] = np.nan
    keypoint = np.zeros((*shape, NUM_JOINTS, 3), np.float32)
    color = np.zeros((*shape, NUM_JOINTS, 2), np.float32)
    keypoint[place], color[place] = xyz, pixels
    return dict(total_frames=total_frames,
                body_ids=[body_id.decode() for body_id in number],
                keypoint=keypoint, color=color, present=present)


def write_skeleton(path: Union[str, os.PathLike], keypoint: ArrayLike,
                   color: Optional[ArrayLike] = None,
                   body_ids: Optional[Sequence] = None,
                   depth: Optional[ArrayLike] = None,
                   tracking: Optional[ArrayLike] = None) -> None:
    """Write a ``.skeleton`` file in the format above.

    Coordinates are written with 7 significant digits, as NTU's own are;
    unknown fields, among them all orientations, as 0.

    Args:
        path (str | Path): The file.
        keypoint (array): (M, T, 25, 3), metres. A body whose joints are all
            0, or of which any is NaN, is absent from that frame.
        color (array, optional): (M, T, 25, 2), pixels of the colour video.
        body_ids (sequence, optional): M whole numbers, or their text.
            Default: 1, 2, ...
        depth (array, optional): (M, T, 25, 2), pixels of the depth map.
        tracking (array, optional): (M, T, 25), 0 not tracked, 1 inferred,
            2 tracked. Default: 2.

    Raises:
        ValueError: A shape does not fit, or an id is not a whole number.
    """
    keypoint = np.asarray(keypoint, np.float64)
    if keypoint.ndim != 4 or keypoint.shape[2:] != (NUM_JOINTS, 3):
        raise ValueError(f'keypoint has shape {keypoint.shape}, not '
                         f'(M, T, {NUM_JOINTS}, 3)')
    shape = persons, total_frames, _ = keypoint.shape[:3]

    def field(name, value, default, channels):
        if value is None:
            return np.full((*shape, channels), default)
        value = np.asarray(value, np.float64)
        if value.size != np.prod(shape) * channels:
            raise ValueError(f'{name} has shape {value.shape}, not '
                             f'{(*shape, channels)}')
        return value.reshape(*shape, channels)

    if body_ids is None:
        body_ids = range(1, persons + 1)
    body_ids = [str(body_id) for body_id in body_ids]
    if len(body_ids) != persons or not all(i.isdigit() for i in body_ids):
        raise ValueError(f'body_ids must be {persons} whole numbers, not '
                         f'{body_ids}')
    rows = np.concatenate([
        keypoint, field('depth', depth, 0., 2), field('color', color, 0., 2),
        np.zeros((*shape, 4)), field('tracking', tracking, 2., 1)], axis=-1)
    present = (np.isfinite(keypoint).all(axis=(2, 3))
               & keypoint.any(axis=(2, 3)))
    block = '\n'.join([' '.join(['%.7g'] * JOINT_FIELDS)] * NUM_JOINTS)
    lines = [str(total_frames)]
    for frame in range(total_frames):
        lines.append(str(present[:, frame].sum()))
        for person in np.flatnonzero(present[:, frame]):
            lines += [f'{body_ids[person]} 0 0 0 0 0 0 0 0 2',
                      str(NUM_JOINTS),
                      block % tuple(rows[person, frame].ravel().tolist())]
    write_text(path, '\n'.join(lines) + '\n')
