"""Variants that read words: their siblings in all but the prompt."""
import pytest
import torch
from helpers import REPO, head_cfg
from mmengine.config import Config

from lvlm_var_mm.estimate.footprint import positions
from lvlm_var_mm.models.lvlm.templates import places_of
from mmaction.registry import MODELS

FOLDER = REPO / 'configs/narrative'
MIRRORED = FOLDER / 'lvlmvar_nucla_xview_from_baseline.py'
VARIANTS = sorted(set(FOLDER.glob('*.py')) - {MIRRORED})


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch):
    monkeypatch.chdir(REPO)


@pytest.mark.parametrize('path', VARIANTS, ids=lambda p: p.stem)
def test_only_the_prompt_differs(path):
    name, _, kind = path.stem.rpartition('_')
    cfg = Config.fromfile(path)
    plain = Config.fromfile(REPO / f'configs/{name}.py')
    head = cfg.model.cls_head
    assert places_of(head.pop('prompt')) == (
        ('{narrative}', ) if kind == 'words' else ('{narrative}', '{tokens}'))
    # A model without anything to read learns nothing by it.
    drop = head.pop('narrative').get('drop', 0)
    assert (drop == 0) == (kind == 'words')
    plain.model.cls_head.pop('prompt', None)
    if kind == 'words':  # no token is projected
        plain.optim_wrapper.paramwise_cfg.parts.pop('cls_head.projector')
    assert cfg.to_dict() == plain.to_dict()
    packed = cfg.train_dataloader.dataset.pipeline[-1].meta_keys
    assert {'events', 'decidable', 'span'} <= set(packed)


def test_the_mirror_comes_after_the_events():
    cfg = Config.fromfile(MIRRORED)
    plain = Config.fromfile(REPO / 'configs/lvlmvar_from_baseline_'
                            'nucla_xview.py')
    head = cfg.model.cls_head
    assert places_of(head.pop('prompt')) == ('{narrative}', '{tokens}')
    assert head.pop('narrative').brief
    plain.model.cls_head.pop('prompt', None)
    steps = cfg.train_dataloader.dataset.dataset.pipeline
    mirror = steps.pop(2)
    assert mirror.type == 'MirrorSkeleton3D' == cfg.pop('mirror').type
    assert mirror.layout == steps[0].layout
    assert steps[0].type == 'BodyPartEvents'
    assert cfg.to_dict() == plain.to_dict()


def test_each_family_has_both():
    assert len(VARIANTS) == 4
    assert {p.stem.rpartition('_')[2] for p in VARIANTS} == {'narrative',
                                                             'words'}


@pytest.mark.parametrize('prompt, more', [
    ('A clip: {tokens} {narrative}\n', 12 + 40), ('A clip: {narrative}\n', 40),
    ('A clip: {tokens}\n', 12)])
def test_estimate_counts_the_budget(tiny_llava, prompt, more):
    torch.manual_seed(0)
    head = MODELS.build(head_cfg(tiny_llava, prompt=prompt,
                                 narrative=dict(budget=40)))
    own = sum(len(p) for p in head.prompt.parts if not isinstance(p, str))
    own += len(head.prompt.before) + len(head.prompt.after)
    assert positions(head, 12)['prompt'] == own + more
