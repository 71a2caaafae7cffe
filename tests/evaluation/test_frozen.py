"""A body that holds still while that happens which a reason names."""
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from bodies import measured
from helpers import make_samples
from mmcv.transforms import Compose

from lvlm_var_mm.datasets import BodyPartEvents
from lvlm_var_mm.evaluation.faithfulness import rationale
from lvlm_var_mm.evaluation.frozen import (frames_of, freeze, frozen,
                                           frozen_spans)
from lvlm_var_mm.kinematics.vocabulary import INDEX
from lvlm_var_mm.models.tokens import SemanticTokens
from mmaction.registry import TRANSFORMS

PLACES = 1 + np.arange(6, dtype=np.float32)[None, :, None, None]


@pytest.mark.parametrize('gone, left', [
    ([0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 4, 5]),
    ([1, 1, 0, 0, 0, 1], [2, 2, 2, 3, 4, 4]),
    ([1, 0, 1, 0, 1, 0], [1, 1, 1, 3, 3, 5]),
    ([0] * 6, range(6)),
    ([1] * 6, [3] * 6),
])
def test_the_last_pose_is_held(gone, left):
    assert frozen(PLACES, np.array(gone, bool)).tolist() == [list(left)]


def test_who_is_lost_for_a_frame_does_not_vanish_for_the_whole_time():
    keypoint = np.ones((2, 6, 3, 3), np.float32)
    keypoint[1, 2] = 0
    keypoint[0, 2, 0] = np.nan
    gone = np.array([0, 0, 0, 1, 1, 0], bool)
    assert frozen(keypoint, gone).tolist() == [
        [0, 1, 2, 2, 2, 5], [0, 1, 2, 1, 1, 5]]
    keypoint[1] = 0  # nobody
    assert frozen(keypoint, gone)[1].tolist() == [0, 1, 2, 2, 2, 5]


def test_frames_of_steps():
    gone = np.array([True, False, False, True])
    # Twelve frames at 2 a second; read from 1 s to 5 s, a second each step.
    found = frames_of(gone, (1., 5.), 2., 12)
    assert np.flatnonzero(found).tolist() == [2, 3, 8, 9, 10]
    assert not frames_of(~gone, (1., 5.), 2., 12)[[0, 1, 2, 10, 11]].any()


class Clips:
    """Somebody moves; the pipeline notes the span of the whole clip."""

    def __init__(self, action=24):
        self.joints = measured(action)
        self.pipeline = Compose([
            BodyPartEvents('ntu25'),
            TRANSFORMS.build(dict(type='DrawFrames', clip_len=52,
                                  test_mode=True)), self.pack])

    @staticmethod
    def pack(info):
        sample = make_samples([1])[0]
        sample.set_metainfo({k: info[k] for k in ('events', 'decidable',
                                                  'span')})
        return dict(inputs=torch.from_numpy(info['keypoint']),
                    data_samples=sample)

    def get_data_info(self, i):
        return dict(keypoint=self.joints, frame_dir=f'clip{i}', fps=30.,
                    label=1)


class Model:
    """Is as sure of class 1 as something moves in the steps ``where``; of the
    clip itself, by 3 logits."""
    test_cfg = None

    def __init__(self, where, dataset):
        self.where, self.scale = where, 1.
        whole = dataset.pipeline(dataset.get_data_info(0))['inputs'][None]
        self.scale = 3 / self.extract_feat(whole)[0].embeds[0, 0, 0]
        self.cls_head = SimpleNamespace(
            prompt_inputs=lambda tokens, samples: tokens,
            score=lambda tokens: torch.stack(
                [torch.zeros(len(tokens.ids)), tokens.embeds[:, 0, 0]], 1))

    def data_preprocessor(self, data, training):
        return dict(inputs=torch.stack(data['inputs']),
                    data_samples=data['data_samples'])

    def extract_feat(self, inputs, test_mode=True):
        # The jump at the end of what is frozen is one frame that moves.
        moves = (inputs.diff(dim=2).abs().mean((1, 3, 4)) > .002).float()
        moved = torch.stack([m.sum(1) for m in moves.tensor_split(8, 1)], 1)
        seen = moved[:, self.where].sum(1) * self.scale
        ids = torch.zeros(len(inputs), 8, dtype=torch.long)
        return SemanticTokens(seen[:, None, None].expand(-1, 8, 1), ids,
                              torch.ones_like(ids).bool()), None


def samples_of(dataset, n, reason):
    found = [dataset.pipeline(dataset.get_data_info(i))['data_samples']
             for i in range(n)]
    for sample in found:
        sample.set_field(reason, 'pred_reason')
        sample.set_field(torch.tensor([1]), 'pred_label')
    return found


def test_what_decides_is_told_from_what_does_not():
    dataset = Clips()
    whole = dataset.pipeline(dataset.get_data_info(0))['data_samples']
    side = next(s for s in ('right', 'left')
                if INDEX[f'{s} foot kicks'] in whole.events[:, 0])
    samples = samples_of(dataset, 4, f'The {side} foot kicks.')
    steps = rationale(samples[0], 8)
    assert steps.any() and not steps.all()
    lost = {}
    for name, where in (('kick', steps), ('rest', ~steps)):
        found = frozen_spans(Model(where, dataset), dataset, range(4),
                             samples, 8)
        assert all(v.shape == (4, ) for v in found.values())
        lost[name] = (found['comprehensiveness'] -
                      found['comprehensiveness_random']).mean()
    assert lost['kick'] > .2 and 0 > lost['rest']


def test_what_is_frozen_is_not_told():
    """Not even as the jump at its end."""
    dataset = Clips(23)
    measure = dataset.pipeline.transforms[0]
    sample, = samples_of(dataset, 1, 'They are happy.')
    rises = [INDEX[f'{side} hand rises'] for side in ('left', 'right')]
    row = next(r for r in sample.events if r[0] in rises)
    edges = np.linspace(*sample.span, 9)
    gone = (edges[1:] > row[1]) & (edges[:-1] < row[2])
    info = dataset.get_data_info(0)
    whole = info['keypoint']
    info['keypoint_score'] = np.ones(whole.shape[:3], np.float32)
    info['keypoint_score'][:, 0] = .5
    freeze(info, gone, sample, measure)
    frames = frames_of(gone, sample.span, 30., whole.shape[1])
    assert not np.diff(info['keypoint'][:, frames], axis=1).any()
    assert (info['keypoint'][:, ~frames] == whole[:, ~frames]).all()
    assert (info['keypoint_score'][:, 0] == .5).all()
    told = measure(info)['events']
    assert 0 < len(told) < len(sample.events)
    assert not (told == row).all(1).any()


@pytest.mark.parametrize('change', [
    dict(keypoint_3d=1), dict(keypoint=None)])
def test_what_does_not_hold_still_with_the_joints_is_refused(change):
    info = {k: v for k, v in dict(dict(keypoint=PLACES, frame_dir='clip7'),
                                  **change).items() if v is not None}
    with pytest.raises(ValueError, match='clip7 is no skeleton by itself'):
        freeze(info, np.ones(8, bool), None, None)


def test_a_reason_that_names_no_step_has_no_figure():
    dataset = Clips()
    found = frozen_spans(Model(torch.ones(8).bool(), dataset), dataset,
                         range(2),
                         samples_of(dataset, 2, 'They are happy.'), 8)
    assert all(v.isnan().all() for v in found.values())
