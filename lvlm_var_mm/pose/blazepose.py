"""Joints from a video by MediaPipe's BlazePose, one person, on the CPU.

Needs the extra ``pose``. Its world landmarks are metres about the middle of
the hips, in the axes of the picture; where the hips go is told by the picture
alone.

Axis legend: T frames, V the 33 landmarks.
"""
import importlib.util
from typing import Dict, Iterable, Iterator, NamedTuple, Tuple

import cv2
import numpy as np

from lvlm_var_mm.datasets.video import frames_of_video
from lvlm_var_mm.layouts import LAYOUTS

LAYOUT = LAYOUTS['blazepose33']
# Visibility below which a landmark is a guess of what is hidden or outside.
VISIBLE = .3
SIDE = 640  # pixels of the longer side of what is looked at
INSTALL = ("pose estimation needs MediaPipe: pip install -e '.[pose]' (from "
           "a checkout), or give joints in a file")


class Landmarks(NamedTuple):
    """Hold the joints of a frame, or of T stacked frames."""
    world: np.ndarray  # (33, 3) metres; x right, y down, z from the camera
    pixels: np.ndarray  # (33, 2)
    visible: np.ndarray  # (33, ) 0 to 1; all 0 where nobody is seen


def available() -> bool:
    """Tell whether MediaPipe is installed."""
    return importlib.util.find_spec('mediapipe') is not None


def look(frames: Iterable[np.ndarray]) -> Iterator[Landmarks]:
    """Yield the landmarks of each frame, one at a time: memory does not grow
    with the length.

    Args:
        frames (iterable): (H, W, 3) uint8, RGB.

    Raises:
        ImportError: MediaPipe is not installed.
    """
    if not available():
        raise ImportError(INSTALL)
    from mediapipe.python.solutions.pose import Pose  # takes seconds
    nobody = Landmarks(np.zeros((33, 3), np.float32),
                       np.zeros((33, 2), np.float32),
                       np.zeros(33, np.float32))
    with Pose(model_complexity=1) as pose:
        for frame in frames:
            found = pose.process(np.ascontiguousarray(frame))
            if not found.pose_landmarks:
                yield nobody
                continue
            size = frame.shape[1], frame.shape[0]
            world = [(p.x, p.y, p.z)
                     for p in found.pose_world_landmarks.landmark]
            there = [(p.x * size[0], p.y * size[1], p.visibility)
                     for p in found.pose_landmarks.landmark]
            pixels = np.array(there, np.float32)
            yield inside(Landmarks(np.array(world, np.float32), pixels[:, :2],
                                   pixels[:, 2]), size)


def inside(seen: Landmarks, size: Tuple[int, int]) -> Landmarks:
    """Return landmarks with those outside the picture, of ``size`` width and
    height, as not visible: BlazePose guesses them, and is often sure."""
    there = ((seen.pixels >= 0) & (seen.pixels < size)).all(-1)
    return seen._replace(visible=np.where(there, seen.visible, 0).astype('f4'))


def look_at_video(path: str) -> Iterator[Landmarks]:
    """Yield the landmarks of each frame of a video, in its own pixels.

    Raises:
        ImportError: MediaPipe is not installed.
    """
    return look_at_large(frames_of_video(path))


def look_at_large(pictures: Iterable[np.ndarray]) -> Iterator[Landmarks]:
    """Yield the landmarks of each frame, in its own pixels, of frames that
    are made smaller before they are looked at (:data:`SIDE`).

    Args:
        pictures (iterable): (H, W, 3) uint8, RGB; each is asked for when the
            landmarks of the one before were taken.

    Raises:
        ImportError: MediaPipe is not installed.
    """
    scale = 1.

    def frames() -> Iterator[np.ndarray]:
        nonlocal scale
        for frame in pictures:
            height, width = frame.shape[:2]
            scale = min(1., SIDE / max(height, width))
            if scale < 1:
                frame = cv2.resize(
                    frame, (round(width * scale), round(height * scale)),
                    interpolation=cv2.INTER_AREA)
            yield frame

    for found in look(frames()):
        yield found._replace(pixels=found.pixels / np.float32(scale))


def stack(landmarks: Iterable[Landmarks]) -> Landmarks:
    """Put frames together: fields get an axis T in front."""
    return Landmarks(*map(np.stack, zip(*landmarks)))


def in_space(seen: Landmarks) -> Dict[str, np.ndarray]:
    """Return a clip in metres, x right, y up, z to the camera.

    The hips go where they go in the picture, by the scale at which the world
    landmarks of the clip fit the picture's; towards the camera they stay.

    Args:
        seen (Landmarks): Of T frames.

    Returns:
        dict: ``keypoint`` float32 (1, T, 33, 3), zero where a landmark is not
        :data:`VISIBLE`, and ``keypoint_score`` (1, T, 33).
    """
    world, pixels, visible = seen
    there = visible >= VISIBLE
    hips = [LAYOUT.index('left_hip'), LAYOUT.index('right_hip')]
    root = pixels[:, hips].mean(1)  # [T, 2]
    flat = pixels - root[:, None]
    fits = (world[..., :2] * flat * there[..., None]).sum((1, 2))
    size = (flat**2 * there[..., None]).sum((1, 2))
    some = (there.sum(1) > 3) & (size > 0) & (fits > 0)
    way = np.zeros_like(world[:, :1])
    if some.any():
        metres = np.median(fits[some] / size[some])
        first = root[np.flatnonzero(some)[0]]
        way[:, 0, :2] = (root - first) * metres
    points = (world + way) * np.float32([1, -1, -1])
    points = np.where(there[..., None], points, 0).astype(np.float32)
    return dict(keypoint=points[None],
                keypoint_score=np.where(there, visible, 0)[None].astype('f4'))


def in_picture(seen: Landmarks) -> Dict[str, np.ndarray]:
    """Return a clip in pixels: ``keypoint`` float32 (1, T, 33, 2) and
    ``keypoint_score`` (1, T, 33), which says how visible each is."""
    there = seen.visible > 0
    points = np.where(there[..., None], seen.pixels, 0)
    return dict(keypoint=points[None].astype(np.float32),
                keypoint_score=seen.visible[None].astype(np.float32))
