"""The measurement of unseen classes: its figures and its choices."""
import pickle
import runpy

import numpy as np
import pytest
import torch
from helpers import CLASSES, REPO, TOOLS
from mmengine.config import Config
from mmengine.runner import Runner
from recognizers import batch

from lvlm_var_mm.benchmark.nucla_events import EventClips
from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.kinematics import NAMES, claims
from lvlm_var_mm.kinematics.claim_scorer import Settings
from lvlm_var_mm.kinematics.vocabulary import INDEX

CONFIG = 'configs/zero_shot/lvlmvar_nucla_xsub.py'
DESCRIPTIONS = load_classes('nucla').descriptions


@pytest.fixture(scope='module')
def tool():
    return runpy.run_path(str(TOOLS / 'perf/zero_shot.py'))


def test_rotations_are_those_of_the_config(tool, monkeypatch):
    for rotation in range(3):
        monkeypatch.setenv('ROTATION', str(rotation))
        cfg = Config.fromfile(str(REPO / CONFIG))
        assert tool['unseen_of'](rotation) == cfg.model.cls_head.unseen


def test_figures(tool):
    labels = np.arange(10)
    got = tool['figures'](10 * np.eye(10), labels, [0, 3, 6])
    assert got['unseen_top1'] == got['harmonic_mean'] == 100
    # A penalty of seen classes gives their clips away.
    got = tool['figures'](10 * np.eye(10), labels, [0, 3, 6], 99)
    assert got['generalised_seen'] == 0 < got['generalised_unseen']


def event_clips(names, labels, found):
    """Test clips of which nothing else is asked."""
    none = np.zeros(len(names), bool)
    return EventClips(names, labels, none, found, none, ~none, ~none)


def made(tool, truth):
    """Clips whose events are what their description claims, or another's."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 20)
    found = rng.uniform(1, 2, (200, len(NAMES))).astype('f4')
    found[rng.random(found.shape) > .1] = 0
    for i, label in enumerate(labels):
        said = label if rng.random() < truth else rng.integers(10)
        for part, motion, negated in claims(DESCRIPTIONS[said]):
            noun = part.replace('both ', '')
            one = dict(hands='hand', arms='arm', feet='foot').get(noun, noun)
            for name in (f'{part} {motion}', f'left {one} {motion}',
                         f'right {one} {motion}'):
                if name in INDEX and not negated:
                    found[i, INDEX[name]] = 3
    return event_clips(np.array([f'c{i}' for i in range(200)]), labels,
                         found)


def test_measure(tool):
    """Where descriptions are true, unseen classes are told apart."""
    clips = made(tool, .9)
    row = tool['measure'](0, clips, clips, clips, DESCRIPTIONS)
    assert row['unseen'] > 80 and row['unseen_without_base'] > 60
    assert row['harmonic'] > 50 and row['chance'] == pytest.approx(100 / 3)


@pytest.mark.parametrize('right', ['claims', 'model'])
def test_weight_goes_to_who_is_right(tool, right):
    clips = made(tool, .95 if right == 'claims' else 0.)
    rng = np.random.default_rng(0)
    read = [3 * np.eye(10)[clips.labels] * (right == 'model')
            + rng.normal(size=(200, 10)) for _ in range(3)]
    weight = tool['choose_weight'](0, read, clips,
                                   [Settings('graded', True, 0)] * 3,
                                   DESCRIPTIONS)
    assert weight >= 1 if right == 'claims' else weight <= .5


def test_scores_of_a_checkpoint(tool, tmp_path, tiny_llama, monkeypatch):
    """Those of the clips that are asked for, in their order."""
    monkeypatch.setenv('LVLM_PATH', str(tiny_llama))
    monkeypatch.setenv('ROTATION', '1')
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    names = [f'clip{i}' for i in range(4)]
    data = tmp_path / 'clips.pkl'
    data.write_bytes(pickle.dumps(dict(
        split=dict(xsub_val=names), annotations=[
            dict(frame_dir=name, label=i, total_frames=20, keypoint=rng.normal(
                size=(1, 20, 20, 3)).astype('f4'))
            for i, name in enumerate(names)])))
    cfg = Config.fromfile(str(REPO / CONFIG))
    cfg.work_dir = str(tmp_path)
    # Names of the words that the tiny tokenizer knows.
    cfg.model.backbone.base_channels = 8
    cfg.model.neck.update(in_channels=32, num_tokens=4, codebook_size=8,
                          align=None)
    cfg.model.neck.aux_head.num_classes = 4
    cfg.model.cls_head.update(in_channels=32, num_classes=4, unseen=[1],
                              class_names=CLASSES)
    for loader in ('train', 'val', 'test'):
        cfg[f'{loader}_dataloader'].dataset.update(
            ann_file=str(data), class_names=CLASSES)
    cfg.dump(str(tmp_path / 'config.py'))
    model = Runner.from_cfg(cfg).model
    with torch.no_grad():  # makes the codebook
        model.extract_feat(**model.data_preprocessor(
            batch((1, 1, 48, 20, 6), [0, 1, 2, 3]), training=True))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'model.pth')
    clips = event_clips(np.array(names[::-1]), np.arange(4), None)
    scores = tool['read_scores'](str(tmp_path / 'config.py'), 1,
                                 str(tmp_path / 'model.pth'), str(data),
                                 'xsub_val', clips)
    assert scores.shape == (4, 4)
    assert np.exp(scores).sum(1) == pytest.approx(np.ones(4), abs=1e-4)
