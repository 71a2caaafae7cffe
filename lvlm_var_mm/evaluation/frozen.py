"""Does a decision rest on when its reason says it was decided? Freeze the body
there and see.

Tokens that are erased (:mod:`.faithfulness`) leave their neighbours, which a
backbone has let see the whole clip. Here the joints themselves hold still
during the steps that a reason names, before anything else reads them.

Shapes: N clips, L steps, M persons, T frames, V joints.
"""
import copy
from typing import Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn
from torch.utils.data import Dataset

from lvlm_var_mm.datasets.transforms.events import BodyPartEvents
from lvlm_var_mm.models.tokens import tokens_of
from mmaction.utils import SampleList
from .faithfulness import compare_spans, probability, rationale


def frozen(keypoint: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Hold the last pose before each frame that is taken away; at the
    beginning of a clip, the first one after.

    Args:
        keypoint (array): (M, T, V, C).
        gone (array): bool (T, ), not all of them.

    Returns:
        array: (M, T, V, C).
    """
    kept = np.flatnonzero(~gone)
    last = np.searchsorted(kept, np.arange(len(gone)), side='right') - 1
    return keypoint[:, kept[np.maximum(last, 0)]]


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

    Events are measured anew, so a narrative in the prompt tells the frozen
    clip.

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
    """
    events = next(t for t in dataset.pipeline.transforms
                  if isinstance(t, BodyPartEvents))
    labels = torch.cat([s.pred_label for s in data_samples])

    def seen(gone: Optional[Tensor]) -> Tensor:
        clips: List[Dict] = []
        for row, (i, sample) in enumerate(zip(which, data_samples)):
            info = copy.deepcopy(dataset.get_data_info(int(i)))
            if gone is not None:
                for key in ('events', 'decidable', 'events_key'):
                    info.pop(key, None)
                info['disturbed'] = True
                still = frames_of(
                    gone[row].numpy(), sample.get('span'),
                    info.get('fps', events.fps), info['keypoint'].shape[1])
                if not still.all():
                    info['keypoint'] = frozen(info['keypoint'], still)
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
