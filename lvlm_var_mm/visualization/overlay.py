"""A video of an answer: skeleton, class and narrative over the frames."""
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lvlm_var_mm.atomic import replaced_path
from lvlm_var_mm.datasets.video import frames_of_video
from lvlm_var_mm.layouts import Layout
from .samples import PAPER, draw_pose, draw_skeleton

HEIGHT = 432  # pixels
BAR = 30  # pixels of the words above and below
MOST_WORDS = 3  # events told at a time
FONT = Path(matplotlib.get_data_path()) / 'fonts/ttf/DejaVuSans.ttf'
InPicture = Tuple[np.ndarray, Layout]


def write_overlay(path: Union[str, Path], answer: Dict[str, Any], fps: float,
                  keypoint: Optional[np.ndarray] = None,
                  layout: Optional[Layout] = None,
                  video: Union[str, np.ndarray, None] = None,
                  in_picture: Optional[InPicture] = None) -> None:
    """Write an answer as a video.

    The skeleton is drawn over the frames where joints are pixels, beside them
    where they are in space, and alone where there are no frames. The class
    stands above, and what goes on below.

    Args:
        path (str | Path): ``.mp4``.
        answer (dict): Of :func:`lvlm_var_mm.apis.answers.said`.
        fps (float): Frames a second.
        keypoint (np.ndarray, optional): (M, T, V, C) joints.
        layout (Layout, optional): Of the joints.
        video (str | np.ndarray, optional): File, or (T, H, W, 3) RGB.
        in_picture (tuple, optional): Joints (M, T, V, 2) in pixels of the
            frames and their layout, drawn over them besides.

    Raises:
        OSError: It cannot be written; names it. ``path`` is as before.
        ValueError: There is nothing to draw, or OpenCV cannot write videos.
    """
    with replaced_path(path) as part:
        _encode(part, answer, fps, _scenes(keypoint, layout, video,
                                           in_picture))


def _encode(path: str, answer: Dict[str, Any], fps: float,
            scenes: Iterator[np.ndarray]) -> None:
    writer = None
    try:
        for t, frame in enumerate(scenes):
            frame = with_words(frame, answer, said_at(answer, t / fps))
            if writer is None:
                writer = cv2.VideoWriter(
                    path, cv2.VideoWriter_fourcc(*'mp4v'), fps,
                    frame.shape[1::-1])
                if not writer.isOpened():
                    raise ValueError('OpenCV cannot write videos: it has no '
                                     'encoder for mp4v here')
            writer.write(frame[..., ::-1])
        if writer is None:
            raise ValueError('neither frames nor joints to draw')
    finally:
        if writer is not None:
            writer.release()


def said_at(answer: Dict[str, Any], seconds: float) -> str:
    """Return what goes on at a time: the names of the tokens that then last,
    else of the measured events."""
    def now(spans: List[Dict]) -> List[str]:
        return list(dict.fromkeys(
            s['name'] for s in spans if s['name'] and 'start' in s
            and s['start'] <= seconds <= s['end']))

    told = now(answer.get('tokens', [])) or now(answer.get('events', []))
    return ', '.join(told[:MOST_WORDS])


def _scenes(keypoint: Optional[np.ndarray], layout: Optional[Layout],
            video: Union[str, np.ndarray, None],
            in_picture: Optional[InPicture]) -> Iterator[np.ndarray]:
    """Frames of even size, one at a time."""
    there = keypoint is not None and layout is not None
    if video is None:
        if there:
            yield from _poses(keypoint, layout)
        return
    poses = None
    if there and keypoint.shape[3] == 3:
        poses = _poses(keypoint, layout)
    elif there:
        in_picture = keypoint, layout
    for t, frame in enumerate(
            frames_of_video(video) if isinstance(video, str) else video):
        height, width = frame.shape[:2]
        scale = HEIGHT / height
        frame = cv2.resize(frame, (_even(width * scale), HEIGHT),
                           interpolation=cv2.INTER_AREA)
        if in_picture is not None and t < in_picture[0].shape[1]:
            points = in_picture[0][:, t]  # [M, V, 2]
            for person in reversed(range(len(points))):
                draw_pose(frame, points[person] * scale,
                          points[person].any(-1), in_picture[1], person)
        if poses is not None:
            pose = next(poses, np.full((HEIGHT, HEIGHT, 3), PAPER, np.uint8))
            frame = np.concatenate([frame, pose], 1)
        yield frame


def _poses(keypoint: np.ndarray, layout: Layout) -> Iterator[np.ndarray]:
    """All to one scale."""
    reach = _reach(keypoint)
    for t in range(keypoint.shape[1]):
        yield pose_pane(keypoint[:, t], layout, reach)


def pose_pane(joints: np.ndarray, layout: Layout,
              reach: Optional[Tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Draw joints (M, V, C) into a square that leaves room for the words
    above and below."""
    pane = np.full((HEIGHT, HEIGHT, 3), PAPER, np.uint8)
    drawn = draw_skeleton(joints[:, None], layout, [0], HEIGHT - 2 * BAR,
                          reach)
    pane[BAR:-BAR, BAR:-BAR - 1] = drawn[:, :-1]  # without its border
    return pane


def _reach(keypoint: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    there = np.isfinite(keypoint).all(-1) & keypoint.any(-1)
    seen = keypoint[there]
    return seen.min(0), seen.max(0)


def with_words(frame: np.ndarray, answer: Dict[str, Any], told: str
               ) -> np.ndarray:
    """Return a frame, uint8 (H, W, 3) RGB, with class and score in a bar
    above, and with ``told``, what goes on, below."""
    image = Image.fromarray(np.ascontiguousarray(frame))
    draw = ImageDraw.Draw(image, 'RGBA')
    width, height = image.size
    if 'class' in answer:
        draw.rectangle((0, 0, width, BAR), fill=(20, 20, 20, 200))
        part = max(0., min(1., answer['score']))
        draw.rectangle((0, BAR - 3, round(width * part), BAR),
                       fill=(47, 111, 181, 255))
        _write(draw, f'{answer["class"]}  {answer["score"]:.2f}', (8, 6),
               width)
    if told:
        draw.rectangle((0, height - BAR, width, height),
                       fill=(20, 20, 20, 200))
        _write(draw, told, (8, height - BAR + 6), width)
    return np.asarray(image)


def _write(draw: ImageDraw.ImageDraw, text: str, at: Tuple[int, int],
           width: int) -> None:
    size = 15
    while size > 8:
        font = ImageFont.truetype(str(FONT), size)
        if draw.textlength(text, font) <= width - 16:
            break
        size -= 1
    draw.text(at, text, font=font, fill=(255, 255, 255, 255))


def _even(x: float) -> int:
    return max(2, 2 * round(x / 2))
