"""Pictures of samples: poses of a skeleton and frames of a video, side by
side in time."""
from typing import Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from lvlm_var_mm.layouts import Layout, load_layout

# Red, green, blue. The same person's left is blue and right is orange in
# every picture, which colour-blind eyes tell apart as well.
LEFT, RIGHT, MIDDLE = (31, 119, 220), (230, 110, 10), (90, 90, 90)
PAPER, BORDER = 255, 210
_SHIFT = 4  # sub-pixel bits of OpenCV's coordinates


def spread(frames: int, number: int) -> np.ndarray:
    """``number`` frames, evenly over all from the first to the last."""
    return np.linspace(0, frames - 1, number).round().astype(int)


def draw_skeleton(keypoint: np.ndarray,
                  layout: Union[str, dict, Layout] = 'ntu25',
                  times: Union[int, Sequence[int]] = 6,
                  size: int = 128,
                  reach: Optional[Tuple[np.ndarray, np.ndarray]] = None
                  ) -> np.ndarray:
    """A strip of poses, the earliest at the left, all to one scale.

    Args:
        keypoint (np.ndarray): (T, V, C) or (M, T, V, C); C = 3 with y up, as
            a camera sees it, or C = 2 pixels with y down. A joint that is
            all zeros, or not finite, is not there.
        layout (str | dict | Layout): See
            :func:`~lvlm_var_mm.layouts.load_layout`.
        times (int | Sequence[int]): How many poses, or which frames.
        size (int): Pixels of the side of each pose's square.
        reach (tuple, optional): Least and greatest coordinates (C, ) that the
            square must hold. Defaults to those of the poses drawn.

    Returns:
        np.ndarray: uint8 (size, size * poses, 3), RGB. Persons are told
        apart by how dark they are.

    Raises:
        ValueError: The layout has another number of joints.
    """
    layout = load_layout(layout)
    points = np.asarray(keypoint, float)
    points = points[None] if points.ndim == 3 else points
    if points.shape[2] != layout.num_joints:
        raise ValueError(f'{points.shape[2]} joints, but layout {layout.name} '
                         f'has {layout.num_joints}')
    if isinstance(times, int):
        times = spread(points.shape[1], times)
    points = points[:, list(times)]
    there = np.isfinite(points).all(-1) & points.any(-1)  # [M, T, V]
    flip = np.array([1, -1] if points.shape[-1] == 3 else [1, 1])
    at = points[..., :2] * flip
    if reach is None:
        seen = at[there]
    else:
        seen = np.stack([np.asarray(r, float)[:2] * flip for r in reach])
    at = _fitted(at, seen, size)
    cells = np.full((len(times), size, size, 3), PAPER, np.uint8)
    for cell, joints, seen in zip(cells, at.swapaxes(0, 1),
                                  there.swapaxes(0, 1)):
        for person in reversed(range(len(joints))):
            draw_pose(cell, joints[person], seen[person], layout, person)
        cell[:, -1] = BORDER
    return np.concatenate(cells, 1)


def _fitted(at: np.ndarray, seen: np.ndarray, size: int) -> np.ndarray:
    """All that is seen into a square with a margin, one scale for all."""
    if not len(seen):
        return at
    low, high = seen.min(0), seen.max(0)
    scale = .86 * size / max((high - low).max(), 1e-6)
    return (at - (low + high) / 2) * scale + size / 2


def draw_pose(image: np.ndarray, at: np.ndarray, there: np.ndarray,
              layout: Layout, person: int) -> None:
    """Draw a person into an image.

    Args:
        image (np.ndarray): uint8 (H, W, 3), RGB; changed.
        at (np.ndarray): (V, 2) pixels.
        there (np.ndarray): bool (V, ), which joints to draw.
        layout (Layout): Of the joints.
        person (int): 0 for the strongest colours.
    """
    # Lines of a person who is far away must not cover the person.
    tall = np.ptp(at[there], 0).max() if there.any() else 0
    thick = min(max(1, round(len(image) / 60)), max(2, round(tall / 50)))
    at = np.rint(np.where(there[:, None], at, 0) * 2**_SHIFT).astype(int)
    for outer, inner in layout.inward:
        if there[outer] and there[inner]:
            cv2.line(image, at[outer].tolist(), at[inner].tolist(),
                     _color(layout.joints[outer], person), thick, cv2.LINE_AA,
                     _SHIFT)
    for name in ('head', 'nose'):
        head = layout.index(name)
        if head is None or not there[head]:
            continue
        cv2.circle(image, at[head].tolist(), 2 * thick << _SHIFT,
                   _color('head', person), -1, cv2.LINE_AA, _SHIFT)


def _color(joint: str, person: int) -> Tuple[int, int, int]:
    color = (LEFT if joint.startswith('left') else
             RIGHT if joint.startswith('right') else MIDDLE)
    # The second person is half as strong, the third half of that.
    return tuple(round(PAPER + (c - PAPER) / 2**person) for c in color)


def draw_frames(imgs: Sequence[np.ndarray],
                size: int = 128,
                box: Optional[Sequence[float]] = None) -> np.ndarray:
    """A strip of pictures, the earliest at the left.

    Args:
        imgs (Sequence[np.ndarray]): (H, W, 3) uint8, RGB.
        size (int): Pixels of the height of the strip.
        box (Sequence[float], optional): Left, top, right and bottom of a
            frame to draw into each, in pixels of the pictures.

    Returns:
        np.ndarray: uint8 (size, W' * pictures, 3), RGB.
    """
    height, width = imgs[0].shape[:2]
    scale = size / height
    cells = []
    for img in imgs:
        cell = cv2.resize(img, (round(width * scale), size),
                          interpolation=cv2.INTER_AREA if scale < 1 else
                          cv2.INTER_CUBIC)
        if box is not None:
            x1, y1, x2, y2 = (round(v * scale) for v in box)
            cv2.rectangle(cell, (x1, y1), (x2 - 1, y2 - 1), (255, 255, 255),
                          1, cv2.LINE_AA)
        cell[:, -1] = BORDER
        cells.append(cell)
    return np.concatenate(cells, 1)
