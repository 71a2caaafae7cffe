"""Draws the sample's performances as plain videos: capsule figures in a room.

Axes are those of the Kinect's camera: x to the right of its picture (which
the Kinect mirrors: a person facing it has the left hand at the left), y up,
z away, metres.
"""
import os
from typing import Iterable, Sequence, Tuple, Union

import cv2
import numpy as np

from lvlm_var_mm.atomic import replaced_path
from lvlm_var_mm.datasets.ntu.origin import MADE_PICTURE

HEIGHT, WIDTH = MADE_PICTURE
FPS = 30
FOCAL = 140.  # pixels
CENTRE = WIDTH / 2, 58.
DISTANCE, CAMERA_HEIGHT, WALL = 3.6, 1.05, 6.  # metres
# Where the three cameras stand around the performers, as in NTU RGB+D.
ANGLES = {1: -45., 2: 0., 3: 45.}
# Blue, green, red of wall and floor in each camera's picture.
ROOMS = {1: ((176, 168, 150), (92, 108, 120)),
         2: ((150, 170, 176), (104, 96, 88)),
         3: ((168, 158, 172), (84, 104, 96))}
SKIN = (140, 172, 214)
Color = Tuple[int, int, int]  # blue, green, red
# Sub-pixel bits of OpenCV's coordinates.
SHIFT = 4

# (joint, joint, thickness in metres, colour): 0 top, 1 trousers, 2 skin.
LIMBS = ((2, 3, .09, 2), (4, 5, .10, 0), (5, 6, .08, 0), (6, 21, .07, 2),
         (8, 9, .10, 0), (9, 10, .08, 0), (10, 23, .07, 2),
         (12, 13, .15, 1), (13, 14, .11, 1), (14, 15, .08, 2),
         (16, 17, .15, 1), (17, 18, .11, 1), (18, 19, .08, 2))
TORSO = (4, 8, 16, 12)
HEAD, HEAD_RADIUS = 3, .115


def to_camera(joints: np.ndarray, camera: int,
              jitter: float = 0.) -> np.ndarray:
    """From the room's axes to those of a camera.

    Args:
        joints (array): (..., 3), metres, origin on the floor.
        camera (int): 1, 2 or 3.
        jitter (float): Degrees added to the camera's angle.

    Returns:
        np.ndarray: (..., 3), metres, origin in the camera.
    """
    angle = np.deg2rad(ANGLES[camera] + jitter)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = np.moveaxis(joints, -1, 0)
    return np.stack([cos * x - sin * z, y - CAMERA_HEIGHT,
                     sin * x + cos * z + DISTANCE], -1)


def project(joints: np.ndarray) -> np.ndarray:
    """Pinhole projection into the video.

    Args:
        joints (array): (..., 3), metres, camera axes.

    Returns:
        np.ndarray: (..., 2), pixels (x, y); (0, 0) is the middle of the
        upper left pixel.
    """
    x, y, z = np.moveaxis(joints, -1, 0)
    return np.stack([CENTRE[0] + FOCAL * x / z, CENTRE[1] - FOCAL * y / z],
                    -1)


def clothes(hue: Sequence[float]) -> Tuple[Color, Color, Color]:
    """Colours of top, trousers and skin from two numbers in [0, 1)."""
    hsv = np.array([[[180 * hue[0], 190, 190], [180 * hue[1], 130, 90]]],
                   np.uint8)
    top, trousers = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0].tolist()
    return tuple(top), tuple(trousers), SKIN


def room(camera: int, brightness: float = 1.) -> np.ndarray:
    """The empty picture of one camera, uint8 (H, W, 3), BGR."""
    wall, floor = np.array(ROOMS[camera]) * brightness
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    line = round(CENTRE[1] + FOCAL * CAMERA_HEIGHT / WALL)
    image[:line] = wall.clip(0, 255)
    image[line:] = floor.clip(0, 255)
    image[line - 1:line + 1] = (wall * .6).clip(0, 255)
    return image


def draw(background: np.ndarray, joints: np.ndarray,
         colors: Sequence[Tuple[Color, Color, Color]]) -> np.ndarray:
    """One frame: everybody, the farthest part first.

    Args:
        background (array): uint8 (H, W, 3), left as it is.
        joints (array): (M, 25, 3), metres, camera axes.
        colors (sequence): M results of :func:`clothes`.

    Returns:
        np.ndarray: uint8 (H, W, 3), BGR.
    """
    image = background.copy()
    pixels = np.rint(project(joints) * 2**SHIFT).astype(int)
    parts = []
    for person, (body, at) in enumerate(zip(joints, pixels)):
        _shadow(image, body)
        for one, two, thick, kind in LIMBS:
            depth = (body[one, 2] + body[two, 2]) / 2
            parts.append((depth, person, (one, two, thick, kind)))
        # The trunk is thick: what is level with its middle is before it.
        parts.append((body[TORSO, 2].mean() + .08, person, None))
        parts.append((body[HEAD, 2] - .02, person, HEAD))
    for depth, person, part in sorted(
            parts, key=lambda entry: entry[0], reverse=True):
        _draw_part(image, pixels[person], depth, part, colors[person])
    return image


def _shadow(image, body):
    ground = np.array([body[:, 0].mean(), -CAMERA_HEIGHT, body[:, 2].mean()])
    x, y = np.rint(project(ground)).astype(int).tolist()
    wide = FOCAL * (.18 + .6 * np.ptp(body[:, 0]) / 2) / ground[2]
    dark = (image[min(max(y, 0), HEIGHT - 1), 2] * .75).tolist()
    cv2.ellipse(image, (x, y), (round(wide), max(2, round(wide / 4))), 0, 0,
                360, dark, -1, cv2.LINE_AA)


def _draw_part(image, at, depth, part, colors):
    shade = np.clip(1.25 - .22 * (depth - DISTANCE + 1), .55, 1.3)
    scale = FOCAL / depth

    def tint(kind):
        return np.clip(np.array(colors[kind]) * shade, 0, 255).tolist()

    if part is None:
        corners = at[list(TORSO)].reshape(-1, 1, 2).astype(np.int32)
        cv2.fillPoly(image, [corners], tint(0), cv2.LINE_AA, SHIFT)
        # Rounds the corners and keeps the trunk solid from the side.
        thick = max(1, round(.13 * scale))
        cv2.polylines(image, [corners], True, tint(0), thick, cv2.LINE_AA,
                      SHIFT)
    elif part == HEAD:
        radius = round(HEAD_RADIUS * scale * 2**SHIFT)
        cv2.circle(image, at[HEAD].tolist(), radius, tint(2), -1,
                   cv2.LINE_AA, SHIFT)
    else:
        one, two, thick, kind = part
        cv2.line(image, at[one].tolist(), at[two].tolist(), tint(kind),
                 max(1, round(thick * scale)), cv2.LINE_AA, SHIFT)


def write_video(path: Union[str, os.PathLike],
                frames: Iterable[np.ndarray]) -> None:
    """Write uint8 BGR frames (H, W, 3) as Motion JPEG, one by one.

    Raises:
        OSError: It cannot be written; names it.
    """
    with replaced_path(path) as part:
        writer = cv2.VideoWriter(part, cv2.VideoWriter_fourcc(*'MJPG'), FPS,
                                 (WIDTH, HEIGHT))
        if not writer.isOpened():
            raise OSError(f'{path}: OpenCV cannot write this video')
        try:
            for frame in frames:
                writer.write(frame)
        finally:
            writer.release()
