"""Show what is seen, and the last answer over it, in a window."""
import os
import sys
from typing import Any, Dict, Optional

import cv2
import numpy as np

from lvlm_var_mm.apis.answers import Answer
from lvlm_var_mm.layouts import Layout
from lvlm_var_mm.pose import blazepose
from lvlm_var_mm.visualization.overlay import HEIGHT, pose_pane, with_words
from lvlm_var_mm.visualization.samples import draw_pose
from .capture import Frame

TITLE = 'LVLM-VAR'
QUIT = ord('q'), 27  # 27 is the escape key
MARGIN = .2  # of a body that joints alone are drawn with


def no_window() -> Optional[str]:
    """Return why no window can be shown, None where one can."""
    built = cv2.getBuildInformation()
    gui = built.partition('GUI:')[2].split()
    if not gui or gui[0] == 'NONE':
        return ('this OpenCV was built without windows (opencv-python-'
                'headless); opencv-python has them')
    # Without a display Qt and GTK end the program, no error can be caught.
    if sys.platform.startswith('linux') and not (
            os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
        return 'there is no display (DISPLAY is not set)'
    return None


class Scene:
    """Draw frames with the last answer.

    Args:
        layout (Layout, optional): Of joints, where there are no pictures.
    """

    def __init__(self, layout: Optional[Layout] = None) -> None:
        self.layout = layout
        self._reach: Optional[np.ndarray] = None  # (2, C) seen so far

    def draw(self, frame: Frame, landmarks: Optional[blazepose.Landmarks],
             answer: Optional[Answer] = None) -> np.ndarray:
        """Return a picture, uint8 (H, W, 3) RGB.

        Args:
            frame (Frame): With its content.
            landmarks (Landmarks, optional): Of the frame.
            answer (dict, optional): Of :class:`.live.Live`.
        """
        if 'image' in frame.content:
            picture = self._picture(frame.content['image'], landmarks)
        else:
            picture = self._joints(frame.content['joints'])
        return with_words(picture, *_words(answer or {}))

    def _picture(self, image: np.ndarray,
                 landmarks: Optional[blazepose.Landmarks]) -> np.ndarray:
        scale = HEIGHT / len(image)
        picture = cv2.resize(image, (max(1, round(image.shape[1] * scale)),
                                     HEIGHT), interpolation=cv2.INTER_AREA)
        if landmarks is not None:
            draw_pose(picture, landmarks.pixels * scale,
                      landmarks.visible >= blazepose.VISIBLE,
                      blazepose.LAYOUT, 0)
        return picture

    def _joints(self, joints: np.ndarray) -> np.ndarray:
        """Draw persons (M, V, C), to one scale for all that was seen."""
        points = joints[np.isfinite(joints).all(-1) & joints.any(-1)]
        if len(points):
            room = MARGIN * np.ptp(points, 0).max()
            low, high = points.min(0), points.max(0)
            if self._reach is None:
                self._reach = np.stack([low - room, high + room])
            self._reach = np.stack([np.minimum(self._reach[0], low),
                                    np.maximum(self._reach[1], high)])
        return pose_pane(joints, self.layout, None if self._reach is None else
                         tuple(self._reach))


def _words(answer: Answer) -> tuple:
    bar: Dict[str, Any] = {}
    if 'persons' in answer:
        return bar, ', '.join(map(_of_one, answer['persons']))
    if answer.get('class') is not None:
        bar = answer
    told = answer.get('error') or answer.get('narrative') or answer.get(
        'measured') or ''
    return bar, told


def _of_one(answer: Answer) -> str:
    told = answer.get('class') or answer.get('measured') or ''
    score = f' {answer["score"]:.2f}' if 'score' in answer else ''
    return f'{answer["person"] + 1}: {told}{score}'


class Display:
    """A window.

    Args:
        scene (Scene): Draws what it shows.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene, self._shown = scene, False

    def show(self, frame: Frame, landmarks: Optional[blazepose.Landmarks],
             answer: Optional[Answer]) -> None:
        """Show a frame, see :meth:`Scene.draw`."""
        cv2.imshow(TITLE, self.scene.draw(frame, landmarks, answer)[..., ::-1])
        self._shown = True

    def closed(self, seconds: float) -> bool:
        """Wait for a key, and return whether the user has had enough: by q,
        the escape key, or by closing the window."""
        key = cv2.waitKey(max(1, round(1e3 * seconds)))
        return key & 0xff in QUIT if key >= 0 else self._shown and (
            cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1)

    def close(self) -> None:
        """Take the window away."""
        cv2.destroyAllWindows()
