"""Joints of one layout in another, by their names.

Axis legend: M persons, T frames, V joints, C coordinates.
"""
from typing import Callable, Dict, Optional, Tuple

import numpy as np

from lvlm_var_mm.layouts import Layout

# A joint that a layout lacks -> the joints whose middle stands in for it;
# `S` is one side. The first entry that can be had counts.
STAND_INS = {
    'pelvis': [('left_hip', 'right_hip')],
    'chest': [('left_shoulder', 'right_shoulder')],
    'neck': [('chest', ), ('left_shoulder', 'right_shoulder')],
    'spine': [('pelvis', 'chest'),
              ('left_hip', 'right_hip', 'left_shoulder', 'right_shoulder')],
    'head': [('left_ear', 'right_ear'), ('nose', )],
    'nose': [('head', )],
    'S_hand': [('S_index', 'S_pinky'), ('S_wrist', )],
    'S_hand_tip': [('S_index', ), ('S_hand', ), ('S_wrist', )],
    'S_thumb': [('S_hand', ), ('S_wrist', )],
    'S_foot': [('S_ankle', )],
}
Joint = Tuple[np.ndarray, np.ndarray]


def convert(keypoint: np.ndarray, score: Optional[np.ndarray],
            source: Layout, target: Layout
            ) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """Return joints as another layout numbers them.

    What the target has and the source has not is put where a body has it
    (:data:`STAND_INS`), such as the pelvis between the hips. That is not what
    another sensor would have measured: a model trained on one sees another
    body.

    Args:
        keypoint (np.ndarray): (M, T, V, C), zero where a joint is missing.
        score (np.ndarray, optional): (M, T, V).
        source (Layout): Of the joints.
        target (Layout): To be had.

    Returns:
        tuple: ``keypoint`` (M, T, V', C), missing where all that it is made
        of is, and ``score`` (M, T, V'), the least of those; None without
        ``score``.

    Raises:
        ValueError: A joint of the target can be made of nothing; says which.
    """
    if source.joints == target.joints:
        return keypoint, score
    scores = keypoint.any(-1).astype(np.float32) if score is None else score
    scores = np.where(keypoint.any(-1), scores, 0)
    known: Dict[str, Joint] = {
        name: (keypoint[:, :, i], scores[:, :, i])
        for i, name in enumerate(source.joints) if name}
    found = [_joint(name, known, set()) for name in target.joints]
    absent = [name or 'without a name' for name, joint in
              zip(target.joints, found) if joint is None]
    if absent:
        raise ValueError(f'layout {source.name} has nothing to make '
                         f'{", ".join(absent)} of layout {target.name} from')
    points, scores = (np.stack(x, 2) for x in zip(*found))
    points = np.where(scores[..., None] > 0, points, 0).astype(np.float32)
    return points, None if score is None else scores.astype(np.float32)


def _joint(name: str, known: Dict[str, Joint], tried: set
           ) -> Optional[Joint]:
    if name in known:
        return known[name]
    if not name or name in tried:
        return None
    side = name.split('_')[0]
    generic = name.replace(f'{side}_', 'S_') if side in (
        'left', 'right') else name
    find: Callable = lambda part: _joint(
        part.replace('S_', f'{side}_'), known, tried | {name})
    for parts in STAND_INS.get(generic, ()):
        joints = [find(part) for part in parts]
        if None not in [j if j is None else 0 for j in joints]:
            return (np.mean([p for p, _ in joints], 0),
                    np.min([s for _, s in joints], 0))
    return None
