"""The bodies of a data set: axes, order of the joints, pace and pictures."""
from collections import Counter
from typing import Dict, Iterator, List, Optional, Sequence

import numpy as np

from lvlm_var_mm.kinematics.axes import Axes, usual_up
from lvlm_var_mm.kinematics.questions import (Question, Seen, ask_axes,
                                              ask_order, ask_pace, ask_picture)
from lvlm_var_mm.layouts import Layout, load_layout
from .data import Split
from .findings import Finding
from .samples import Sample

SHOWN = 8  # clips by which other layouts are tried
PICTURES = 'NormalizePicture2D', 'PreNormalize2D'


def layout_of_split(split: Split, body: Optional[Layout]) -> Optional[Layout]:
    """The layout that names the joints: that of the backbone, or of the
    body-part events if the backbone has no names."""
    step = _step(split, 'BodyPartEvents')
    if step is None or body is not None and body.has_trunk:
        return body
    try:
        named = load_layout(step.get('layout'))
    except (ValueError, TypeError):
        return body  # the pipeline, which fails, is a finding of its own
    fits = body is None or body.num_joints == named.num_joints
    return named if fits else body


def check_bodies(split: Split, samples: Sequence[Sample],
                 body: Optional[Layout]) -> Iterator[Finding]:
    """Question what the joints mean.

    Args:
        split (Split): Opened.
        samples (sequence): What was read of it.
        body (Layout, optional): With names of the joints.
    """
    good = [s for s in samples if s.usable and s.seen]
    dims = Counter(s.seen.dims for s in good).most_common(1)
    good = [s for s in good if s.seen.dims == dims[0][0]]
    if not good:
        return
    seen = [s.seen for s in good]
    yield from _findings(split, _about_pictures(split, good, seen))
    if body is None or not body.has_trunk:
        return
    order = ask_order(seen, body)
    if order:
        yield from _findings(split, ask_order(seen, body, [
            np.asarray(split.dataset.get_data_info(s.index)['keypoint'])
            for s in good[:SHOWN]]))
        return
    step = _step(split, 'BodyPartEvents')
    yield from _findings(split, _about_axes(split, seen, body, step))
    if step is not None:
        fps = [s.fps or step.get('fps', 30.) for s in good]
        yield from _findings(split, ask_pace(seen, fps))


def _about_axes(split: Split, seen: List[Seen], body: Layout,
                step: Optional[Dict]) -> Iterator[Question]:
    dims = seen[0].dims
    if step is not None:
        up = step.get('up') or usual_up(body, dims)
        yield from ask_axes(seen, body, Axes(
            tuple(up), step.get('mirrored', False)))
        return
    align = _step(split, 'AlignSkeleton3D')
    if align is None or dims != 3:
        return
    # It turns about an axis, whichever end of it is up.
    up = align.get('up') or [
        int(i == align.get('vertical', 1)) for i in range(3)]
    for sign in (1, -1):
        declared = Axes(tuple(sign * x for x in up))
        doubts = [q for q in ask_axes(seen, body, declared)
                  if 'points up' in q.text]
        if not doubts:
            return
    yield from (q for q in doubts if not q.certain)


def _about_pictures(split: Split, good: List[Sample], seen: List[Seen]
                    ) -> Iterator[Question]:
    steps = [_step(split, name) for name in PICTURES]
    step = next((s for s in steps if s is not None), None)
    if step is None:
        return
    usual = step.get('img_shape', (1080, 1920))  # as PreNormalize2D has it
    yield from ask_picture(seen, [s.img_shape or usual for s in good])


def _findings(split: Split, questions) -> Iterator[Finding]:
    for question in questions:
        yield Finding('error' if question.certain else 'warning', split.area,
                      question.text, question.remedy)


def _step(split: Split, name: str) -> Optional[Dict]:
    return next((step for step in split.cfg.get('pipeline', ())
                 if step.get('type') == name), None)
