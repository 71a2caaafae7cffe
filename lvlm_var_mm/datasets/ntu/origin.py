"""Tell the made sample from NTU RGB+D: both have the same format."""
import os.path as osp
from pathlib import Path
from typing import Tuple, Union

# Beside the folders of the made sample. Written last, so that its presence
# means that the rest is there.
MARKER = 'sample.json'
MADE = 'a made sample of stick figures, not NTU RGB+D'
# Height and width of the colour videos that the skeletons point into.
PICTURE = 1080, 1920
MADE_PICTURE = 120, 160


def is_made(root: Union[str, Path]) -> bool:
    """Return whether ``root`` holds a sample that was made to its end."""
    return osp.isfile(osp.join(root, MARKER))


def picture_shape(made: bool) -> Tuple[int, int]:
    """Return height and width of the colour videos, in pixels."""
    return MADE_PICTURE if made else PICTURE
