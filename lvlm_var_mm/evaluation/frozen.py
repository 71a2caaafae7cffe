"""Does a decision rest on the time that its reason names? Freeze the body then
and see.

Tokens that are erased (:mod:`.faithfulness`) leave their neighbours, which a
backbone has let see the whole clip. Here the joints themselves hold still
during the steps that a reason names, before anything else reads them.

Shapes: N clips, L steps, M persons, T frames, V joints.
"""
import copy
from typing import Dict, Optional, Sequence

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn
from torch.utils.data import Dataset

from lvlm_var_mm.datasets.transforms.events import BodyPartEvents
from lvlm_var_mm.models.tokens import tokens_of
from mmaction.structures import ActionDataSample
from mmaction.utils import SampleList
from .faithfulness import compare_spans, outside, probability, rationale


def frozen(keypoint: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Return, for each person, the frames whose pose stands in the place of
    each: before a frame that is taken away the last one that shows the person,
    at the beginning of a clip the first one after. If nothing is left, the
    middle of the clip.

    Args:
        keypoint (array): (M, T, V, C).
        gone (array): bool (T, ).

    Returns:
        array: int (M, T).
    """
    frames = np.arange(len(gone))
    held = np.tile(frames, (len(keypoint), 1))
    for row, seen in zip(held, np.nan_to_num(keypoint).any((2, 3))):
        kept = next((some for some in (frames[~gone & seen], frames[~gone])
                     if len(some)), frames[[len(frames) // 2]])
        last = np.searchsorted(kept, frames, side='right') - 1
        row[gone] = kept[np.maximum(last, 0)][gone]
    return held


def frames_of(gone: np.ndarray, span: Sequence[float], fps: float,
              frames: int) -> np.ndarray:
    """Return bool (T, ): the frames of a clip that lie in some steps (L, ) of
    the seconds that it was read from."""
    times = (np.arange(frames) / fps - span[0]) / max(span[1] - span[0], 1e-6)
    step = np.floor(times * len(gone)).astype(int)
    # The last frame that is read ends the last step.
    step[np.isclose(times, 1)] = len(gone) - 1
    inside = (step >= 0) & (step < len(gone))
    return inside & gone[step.clip(0, len(gone) - 1)]


@torch.no_grad()
def frozen_spans(model: nn.Module, dataset: Dataset, which: Sequence[int],
                 data_samples: SampleList, steps: int, draws: int = 3,
                 seed: int = 0) -> Dict[str, Tensor]:
    """Measure how much of the probability of the predicted class goes when the
    body holds still during the steps that the reason names.

    A narrative in the prompt lacks the events of that time, as in
    :func:`~.faithfulness.erase`; measured on the frozen joints, the jump at
    the end of a held pose would be told as the motion that it replaces.

    Args:
        model (nn.Module): Recognizer with neck and head, in test mode.
        dataset (Dataset): Skeletons, with ``BodyPartEvents`` in the pipeline.
        which (sequence[int]): N, their numbers in the data set.
        data_samples (list[:obj:`ActionDataSample`]): N, see
            :func:`~.faithfulness.faithfulness`.
        steps (int): L.
        draws, seed: Of the random controls, see there.

    Returns:
        dict: As of :func:`~.faithfulness.faithfulness`.

    Raises:
        ValueError: The clips are no skeletons by themselves, or no events are
            measured.
    """
    events = next((t for t in dataset.pipeline.transforms
                   if isinstance(t, BodyPartEvents)), None)
    if events is None:
        raise ValueError('frozen_spans: the pipeline of the data set has no '
                         '`BodyPartEvents`')
    labels = torch.cat([s.pred_label for s in data_samples])

    def seen(gone: Optional[Tensor]) -> Tensor:
        clips = []
        for row, (i, sample) in enumerate(zip(which, data_samples)):
            info = copy.deepcopy(dataset.get_data_info(int(i)))
            if gone is not None:
                freeze(info, gone[row].numpy(), sample, events)
            clips.append(dataset.pipeline(info))
        data = model.data_preprocessor(pseudo_collate(clips), False)
        tokens = tokens_of(model, data['inputs'])
        views = len(tokens.ids) // len(clips)
        return probability(model.cls_head,
                           tokens.clips(slice(None, None, views)),
                           data['data_samples'], labels)

    named = torch.stack([rationale(s, steps) for s in data_samples])
    whole = seen(None)
    return compare_spans(named, lambda gone: whole - seen(gone), draws, seed)


def freeze(info: Dict, gone: np.ndarray, sample: ActionDataSample,
           events: BodyPartEvents) -> None:
    """Let the body of a clip hold still during some steps (L, ), in place, and
    leave the events of that time out.

    Args:
        info (dict): What the pipeline gets.
        gone (array): bool (L, ).
        sample (:obj:`ActionDataSample`): Of the whole clip, with ``events``,
            ``decidable`` and ``span``.
        events (BodyPartEvents): Of the pipeline.

    Raises:
        ValueError: The clip is no skeleton by itself.
    """
    if 'keypoint' not in info or 'keypoint_3d' in info:
        raise ValueError(
            f'{info.get("frame_dir", "a clip")} is no skeleton by itself: a '
            'video would not hold still with it')
    still = frames_of(gone, sample.get('span'), info.get('fps', events.fps),
                      info['keypoint'].shape[1])
    held = frozen(info['keypoint'], still)
    for key in ('keypoint', 'keypoint_score'):
        if info.get(key) is not None:
            info[key] = np.stack([person[frames] for person, frames in zip(
                info[key], held)])
    info.update(
        events=outside(np.asarray(sample.get('events')), sample.get('span'),
                       gone),
        decidable=sample.get('decidable'), events_key=events.key)
