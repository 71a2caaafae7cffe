"""Two stages: cached tokens train the head as the clips would."""
import copy
import runpy
from types import SimpleNamespace

import mmengine
import numpy as np
import pytest
import torch
from helpers import REPO
from mmengine.config import Config
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.device import get_device
from recognizers import SKELETON, STGCN, L, batch, build_for_test, recognizer

from lvlm_var_mm.datasets import TokenDataset
from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.engine import TokenCacheHook
from lvlm_var_mm.engine.cache_tokens import cache_tokens
from lvlm_var_mm.engine.token_cache import fingerprint
from lvlm_var_mm.models import VSTNeck
from mmaction.registry import MODELS


@pytest.fixture
def models(tiny_llava):
    """One trained in one stage, and its second self for the second stage."""
    cfg = recognizer(tiny_llava)
    one = build_for_test(cfg)
    cfg['backbone'] = dict(type='PassCodes', backbone=cfg['backbone'])
    cfg['data_preprocessor'] = dict(
        type='ActionDataPreprocessor', to_float32=False)
    two = MODELS.build(cfg)
    two.load_state_dict(one.state_dict(), strict=True)
    return one, two.eval()


def write_cache(path, ids, labels, **more):
    save_tokens(str(path), more.get('fingerprint'), [
        dict(label=label, codes=codes.numpy().astype(np.int32),
             meta=[dict(frame_dir=f'clip{i}', view=v)
                   for v in range(len(codes))])
        for i, (codes, label) in enumerate(zip(ids, labels))])
    return str(path)


@torch.no_grad()
def test_codes_do_what_their_clips_do(models, tmp_path):
    one, two = models
    data = batch(SKELETON, [2, 3, 0])
    expected = one.test_step(copy.deepcopy(data))
    codes = [s.pred_tokens[None] for s in expected]
    dataset = TokenDataset(
        write_cache(tmp_path / 'a.npz', codes, [2, 3, 0]), test_mode=True)
    items = [dataset[i] for i in range(3)]
    found = two.test_step(dict(
        inputs=[i['inputs'] for i in items],
        data_samples=[i['data_samples'] for i in items]))
    for a, b, label in zip(expected, found, [2, 3, 0]):
        torch.testing.assert_close(a.pred_score, b.pred_score)
        assert a.pred_narrative == b.pred_narrative
        assert int(b.gt_label) == label
    # On clips it is the model that it was, copies of it too.
    for model in (two, copy.deepcopy(two)):
        for a, b in zip(expected, model.test_step(copy.deepcopy(data))):
            torch.testing.assert_close(a.pred_score, b.pred_score)


def test_training_on_codes_moves_the_head_alone(models):
    _, two = models
    two.train()
    codes = torch.randint(16, (3, 1, L))
    before = {k: v.clone() for k, v in two.state_dict().items()}
    samples = batch(SKELETON, [2, 3, 0])['data_samples']
    losses = two(codes, samples, mode='loss')
    assert set(losses) == {'loss_cls', 'loss_lm', 'top1_acc', 'top5_acc'}
    (losses['loss_cls'] + losses['loss_lm']).backward()
    for name, param in two.named_parameters():
        if not name.startswith('cls_head'):
            assert param.grad is None, name
    assert two.cls_head.projector[0].weight.grad.abs().sum() > 0
    for name, value in two.state_dict().items():  # no running mean either
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize('quantizer', [
    dict(), dict(type='FSQ', levels=[4, 4])])
@pytest.mark.parametrize('parts', [None, [[0, 1], [2, 3]]])
def test_codes_are_read_as_they_were_written(quantizer, parts):
    torch.manual_seed(0)
    neck = VSTNeck(8, num_tokens=3, codebook_size=16, quantizer=quantizer,
                   parts=parts)
    x = torch.randn(6, 1, 8, 6, 5)
    neck(x)  # 18 steps for 16 codes
    made = neck.eval()(x)[0]
    read = neck(made.ids)[0]
    torch.testing.assert_close(read.embeds, made.embeds)
    for field in ('ids', 'mask', 'names', 'parts'):
        assert torch.equal(getattr(read, field), getattr(made, field))


@pytest.mark.parametrize('training', [True, False])
def test_codes_without_a_codebook(training):
    with pytest.raises(ValueError, match='load_from'):
        VSTNeck(8, num_tokens=3, codebook_size=4).train(training)(
            torch.zeros(1, 3, dtype=torch.long))


def test_residual_codes_are_not_enough():
    neck = VSTNeck(8, codebook_size=4, quantizer=dict(
        type='ResidualVQ', num_quantizers=2))
    neck(torch.randn(2, 1, 8, 16, 5))
    with pytest.raises(ValueError, match='one stage'):
        neck.read_codes(torch.zeros(1, 16, dtype=torch.long))


def test_views(tmp_path):
    codes = torch.arange(12).view(1, 4, 3)
    path = write_cache(tmp_path / 'a.npz', codes, [1])
    test, train = TokenDataset(path, test_mode=True), TokenDataset(path)
    assert {int(test[0]['inputs'][0, 0]) for _ in range(20)} == {0}
    drawn = [train[0] for _ in range(60)]
    assert {int(d['inputs'][0, 0]) for d in drawn} == {0, 3, 6, 9}
    for item in drawn:  # with the meta information of its own
        assert item['data_samples'].view == int(item['inputs'][0, 0]) // 3


def test_cache_is_what_the_model_makes_of_each_clip(models):
    one, _ = models
    data = batch(SKELETON, [2, 3, 0, 1, 1, 2, 3])
    for i, sample in enumerate(data['data_samples']):
        sample.set_metainfo(dict(frame_dir=f'clip{i}'))
    clips = [dict(inputs=x, data_samples=s) for x, s in zip(*data.values())]
    # Batches of three: the last is not full.
    cached = cache_tokens(one, clips, views=2, batch_size=3)
    with torch.no_grad():
        expected = one.test_step(copy.deepcopy(data))
    assert [c['label'] for c in cached] == [2, 3, 0, 1, 1, 2, 3]
    for i, (clip, sample) in enumerate(zip(cached, expected)):
        assert clip['codes'].shape == (2, L)
        assert (clip['codes'] == sample.pred_tokens.numpy()).all()
        assert [m['frame_dir'] for m in clip['meta']] == [f'clip{i}'] * 2


def test_corrupt_clips_are_not_cached(models):
    """A training set gives another clip in the place of a corrupt one."""
    data = batch(SKELETON, [2, 3, 0])

    class Clips(BaseDataset):

        def load_data_list(self):
            return [dict(inputs=x, data_samples=s)
                    for x, s in zip(*data.values())]

        def prepare_data(self, i):
            return None if i == 1 else self.data_list[i]

    clips = Clips(serialize_data=False)
    for size, source in (
            (1, clips), (3, clips), (2, RepeatDataset(clips, 1)),
            (2, ConcatDataset([clips], ignore_keys=['classes']))):
        cached = cache_tokens(models[0], source, views=2, batch_size=size)
        assert [c['label'] for c in cached] == [2, 0]
        assert all(c['codes'].shape == (2, L) for c in cached)


class Turned(BaseDataset):
    """Clips of a random size."""

    def load_data_list(self):
        return [dict(number=i) for i in range(5)]

    def prepare_data(self, i):
        data = batch(SKELETON, [i % 4], seed=i)
        return dict(inputs=data['inputs'][0] * np.random.uniform(.2, 5),
                    data_samples=data['data_samples'][0])


@pytest.mark.parametrize('device', sorted({'cpu', get_device()}))
def test_cache_is_the_same_wherever_it_is_made(models, device):
    """On any device, in any process, in any batches."""
    one = models[0]
    here = cache_tokens(one, Turned(), views=3, batch_size=5)
    there = cache_tokens(copy.deepcopy(one).to(device), Turned(), views=3,
                         batch_size=2, workers=2)
    for a, b in zip(here, there):
        assert (a['codes'] == b['codes']).all()
    # The views of a clip are not all the same.
    assert any((c['codes'] != c['codes'][0]).any() for c in here)


def test_tool_writes_what_the_second_stage_reads(
        models, tiny_llava, tmp_path, monkeypatch, capsys):
    torch.save(dict(state_dict=models[0].state_dict()), tmp_path / 'one.pth')
    Config(dict(
        model=recognizer(tiny_llava),
        train_dataloader=dict(
            batch_size=4, num_workers=1,
            dataset=dict(type='RandomClips', number=5)))).dump(
                tmp_path / 'config.py')
    out = tmp_path / 'tokens.npz'
    monkeypatch.setattr('sys.argv', [
        'cache_tokens.py', str(tmp_path / 'config.py'),
        str(tmp_path / 'one.pth'), str(out), '--views', '2', '--device',
        'cpu', '--workers', '0', '--batch-size', '3'])
    runpy.run_path(str(REPO / 'tools/cache_tokens.py'))['main']()
    said = capsys.readouterr()
    assert '5 clips, 2 views of each' in said.out and '10/10' in said.err
    dataset = TokenDataset(str(out))
    assert len(dataset) == 5 and dataset[0]['inputs'].shape == (1, L)
    assert dataset.metainfo['fingerprint'] == fingerprint(models[1])


def test_stale_tokens_are_refused(models, tmp_path):
    one, two = models
    assert fingerprint(one) == fingerprint(two)
    codes = torch.zeros(1, 1, L, dtype=torch.long)

    def start(name, **more):
        dataset = TokenDataset(write_cache(tmp_path / name, codes, [1],
                                           **more))
        for wrapped in (RepeatDataset(dataset, 2), dataset):
            TokenCacheHook().before_train(SimpleNamespace(
                model=two, hooks=[],
                train_dataloader=SimpleNamespace(dataset=wrapped)))

    start('fresh.npz', fingerprint=fingerprint(one))
    with pytest.raises(ValueError, match='unsaid.npz is stale'):
        start('unsaid.npz')
    with torch.no_grad():  # one step of training would do as much
        next(two.backbone.parameters()).add_(1e-6)
    with pytest.raises(ValueError, match='old.npz is stale'):
        start('old.npz', fingerprint=fingerprint(one))


def test_config_of_the_second_stage(monkeypatch):
    monkeypatch.setenv('STAGE1', '/stage1')
    monkeypatch.setenv('TOKENS', '/tokens.npz')
    path = 'lvlmvar_nucla_xview.py'
    two = Config.fromfile(str(REPO / 'configs' / 'two_stage' / path))
    one = Config.fromfile(str(REPO / 'configs' / path))
    assert two.load_from.startswith('/stage1/')
    assert two.train_dataloader.dataset.to_dict() == dict(
        type='TokenDataset', ann_file='/tokens.npz')
    assert two.model.backbone.backbone == one.model.backbone
    for key in ('neck', 'cls_head'):
        assert two.model[key] == one.model[key]
    # Real clips are tested.
    assert two.val_dataloader == one.val_dataloader
    assert not [h for h in two.custom_hooks if 'Warmup' in h.type]


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match='cache_tokens'):
        TokenDataset(str(tmp_path / 'a.npz'))
    mmengine.dump(dict(annotations=[]), tmp_path / 'b.pkl')
    with pytest.raises(ValueError, match='b.pkl.*cache_tokens'):
        TokenDataset(str(tmp_path / 'b.pkl'))


def test_backbone_is_its_own_kind():
    model = MODELS.build(dict(type='PassCodes', backbone=dict(STGCN)))
    assert isinstance(model, MODELS.get('STGCN'))
