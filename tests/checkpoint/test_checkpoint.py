"""What a checkpoint holds, and which files are let in."""
import base64
import builtins
import copy
import logging
import os
import pickle
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import torch.nn as nn
from helpers import head_cfg, make_samples, make_tokens, write_llava
from mmengine.logging import HistoryBuffer, MMLogger
from mmengine.model import BaseModel
from mmengine.runner import CheckpointLoader, Runner
from mmengine.runner.checkpoint import load_state_dict, save_checkpoint

from lvlm_var_mm.checkpoint import description, fingerprint
from lvlm_var_mm.checkpoint.loading import CheckpointError
from lvlm_var_mm.models.lvlm import build as lora_module
from lvlm_var_mm.models.lvlm.build import is_untrained
from mmaction.registry import MODELS

STATE = 'inner.cls_head._extra_state'


class Nested(BaseModel):
    """The head two levels down, with a neighbour of its own names."""

    def __init__(self, folder, seed=0, **over):
        super().__init__()
        torch.manual_seed(seed)
        self.lvlm = nn.Linear(3, 3).requires_grad_(False)
        self.inner = nn.Module()
        self.inner.backbone = nn.BatchNorm1d(3)
        self.inner.cls_head = MODELS.build(head_cfg(folder, **over))
        for name, param in self.named_parameters():
            if 'lora_B' in name:
                nn.init.normal_(param)

    def forward(self, inputs, data_samples=None, mode='loss'):
        losses = self.inner.cls_head.loss(
            make_tokens([4, 4]), make_samples([0, 1]))
        return dict(loss=losses['loss_cls'] + self.inner.backbone(
            torch.rand(4, 3)).sum())


def strict_torch(model, state):
    model.load_state_dict(state, strict=True)


def strict_mmengine(model, state):
    load_state_dict(model, state, strict=True)


loaders = pytest.mark.parametrize('load', [strict_torch, strict_mmengine])


@contextmanager
def warnings_of_mmengine(caplog):
    """MMEngine's logger hands nothing on to the root logger."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        yield caplog
    finally:
        logger.removeHandler(caplog.handler)


def edited(state, **over):
    """``state`` with another description of its head."""
    facts = {**description.from_bytes(state[STATE]), **over}
    return {**state, STATE: description.to_bytes(
        {k: v for k, v in facts.items() if v is not None})}


@pytest.fixture(scope='module')
def model(tiny_llava):
    return Nested(tiny_llava)


# -------------------------------------------------------- what is in it
def test_state_dict_is_what_was_trained(model):
    state = model.state_dict()
    frozen = {n for n, p in model.named_parameters()
              if n.startswith('inner.cls_head') and not p.requires_grad}
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert len(frozen) > 40
    assert not frozen & set(state)
    assert trained <= set(state)
    # The neighbours are whole, even where frozen and named alike.
    assert set(state) - trained == {
        'lvlm.weight', 'lvlm.bias', 'inner.backbone.running_mean',
        'inner.backbone.running_var', 'inner.backbone.num_batches_tracked',
        'inner.cls_head.reasons.counts', 'inner.cls_head.reasons.totals',
        STATE}


def test_values_are_tensors(model):
    # Tools that convert, average or publish checkpoints rely on it.
    assert all(isinstance(v, torch.Tensor)
               for v in model.state_dict().values())


def test_file_is_small(model, tmp_path):
    save_checkpoint(dict(state_dict=model.state_dict()),
                    str(tmp_path / 'a.pth'))
    trained = sum(p.numel() * 4 for p in model.parameters()
                  if p.requires_grad)
    assert (tmp_path / 'a.pth').stat().st_size < trained + 45_000
    frozen = sum(p.numel() * 4 for p in model.parameters()
                 if not p.requires_grad)
    assert frozen > 80_000


# --------------------------------------------------------- before it reads
@pytest.fixture
def waiting(tiny_llava):
    """The language model did not begin to read."""
    model = Nested(tiny_llava)
    with torch.no_grad():
        for name, param in model.named_parameters():
            if 'lora_B' in name:
                param.zero_()
    return model


@loaders
def test_untrained_adapter_is_left_out(waiting, model, tiny_llava, load,
                                       caplog):
    state = waiting.state_dict()
    assert not [k for k in state if 'lora' in k]
    assert set(model.state_dict()) - set(state) == {
        n for n, p in model.named_parameters() if 'lora' in n}
    other, feats = Nested(tiny_llava, seed=1), make_tokens([4, 3])
    with warnings_of_mmengine(caplog):
        load(other, state)
    assert 'its adapter is untrained' in caplog.text
    with torch.no_grad():  # what it had been trained to is forgotten
        assert torch.equal(other.inner.cls_head(feats),
                           waiting.inner.cls_head(feats))


@loaders
def test_trained_adapter_is_missed(model, tiny_llava, load):
    state = {k: v for k, v in model.state_dict().items() if 'lora' not in k}
    with pytest.raises(RuntimeError, match='lora_A'):
        load(Nested(tiny_llava), state)


def test_adapter_counts_as_trained_where_it_cannot_be_seen(waiting):
    lvlm = waiting.inner.cls_head.lvlm
    assert is_untrained(lvlm)
    assert not is_untrained(lvlm.get_base_model().to('meta'))
    assert not is_untrained(nn.Linear(2, 2))


# --------------------------------------------------------------- loading
@loaders
def test_strict_load(model, tiny_llava, load):
    other, feats = Nested(tiny_llava, seed=1), make_tokens([4, 3])
    with torch.no_grad():
        expected = model.inner.cls_head(feats)
        assert not torch.allclose(other.inner.cls_head(feats), expected)
        load(other, model.state_dict())
        assert torch.equal(other.inner.cls_head(feats), expected)
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


@loaders
@pytest.mark.parametrize('part', [
    'language_model.layers.1.mlp.up_proj.lora_A', 'projector.2.bias',
    'token_scale', 'cls_head._extra_state', 'backbone.weight',
    # Frozen, but no part of the language model.
    'lvlm.weight'])
def test_what_is_missing_is_missed(model, tiny_llava, load, part):
    state = model.state_dict()
    gone = [k for k in state if part in k]
    assert len(gone) == 1
    del state[gone[0]]
    with pytest.raises(RuntimeError) as error:
        load(Nested(tiny_llava), state)
    assert gone[0] in str(error.value)


@loaders
def test_what_is_too_much_is_told(model, tiny_llava, load):
    state = {**model.state_dict(), 'inner.cls_head.lvlm.no': torch.ones(1)}
    with pytest.raises(RuntimeError, match='inner.cls_head.lvlm.no'):
        load(Nested(tiny_llava), state)


@loaders
def test_checkpoint_with_the_whole_model_loads(model, tiny_llava, load):
    # Such as one that FSDP has gathered.
    whole = {**dict(model.named_parameters()), **model.state_dict()}
    load(Nested(tiny_llava), whole)


@loaders
def test_another_language_model_is_refused(model, tmp_path, load):
    other = Nested(write_llava(tmp_path, width=16))
    with pytest.raises(ValueError, match='another language model.*32.*16'):
        load(other, model.state_dict())


@loaders
def test_newer_format_is_refused(model, load):
    state = edited(model.state_dict(), format=description.FORMAT + 1)
    with pytest.raises(ValueError, match='newer.*update'):
        load(copy.deepcopy(model), state)


@loaders
def test_other_weights_are_refused(model, tmp_path, load):
    folder = write_llava(tmp_path)
    load(Nested(folder), model.state_dict())  # the same ones, elsewhere
    with torch.no_grad():
        weights = folder / 'other'
        other = MODELS.build(head_cfg(folder, lora=None))
        other.lm.decoder.layers[1].mlp.up_proj.weight.mul_(1.1)
        other.lvlm.save_pretrained(weights)
        other.tokenizer.save_pretrained(weights)
    with pytest.raises(ValueError, match=r'of this shape: llava\w+ \(revision '
                       r'None\), but `lvlm` is other \(revision None\)'):
        load(Nested(weights), model.state_dict())


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
def test_weights_are_known_in_any_precision(model, tiny_llava, dtype,
                                            monkeypatch):
    monkeypatch.setattr(lora_module, 'has_bfloat16', lambda: True)
    lvlm = dict(head_cfg(tiny_llava)['lvlm'], dtype=dtype)
    other = Nested(tiny_llava, lvlm=lvlm)
    assert other.inner.cls_head.base['sample'] != (
        model.inner.cls_head.base['sample'])
    strict_torch(other, model.state_dict())


def test_merged_weights_are_others(model, tiny_llava, tmp_path):
    """Read by a merged model, an adapter would count twice."""
    lvlm = copy.deepcopy(model.inner.cls_head.lvlm).merge_and_unload()
    lvlm.save_pretrained(tmp_path)
    model.inner.cls_head.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match='whose weights differ'):
        strict_torch(Nested(tmp_path), model.state_dict())


def test_sample_of_weights(model):
    """What cannot be told is no difference; embeddings are compared even
    where a quantiser lays the rest out otherwise."""
    def encode(*values):
        return base64.b64encode(
            np.float32(values).tobytes()).decode()

    known = np.linspace(-1, 1, fingerprint.EMBEDDED)
    own = encode(*known, 1, 2, 3)
    assert fingerprint.same_weights(own, encode(*known, np.nan, 2, 3.01))
    assert fingerprint.same_weights(own, encode(*known, 7))
    assert not fingerprint.same_weights(own, encode(*known, np.nan, 2, 3.2))
    assert not fingerprint.same_weights(own, encode(*known[::-1], 7))
    head = model.inner.cls_head
    saved = np.frombuffer(base64.b64decode(head.base['sample']), 'f4')
    frozen = [p for n, p in head.lm.decoder.named_parameters()
              if 'lora_' not in n]
    assert len(saved) == fingerprint.EMBEDDED + len(frozen)
    assert np.isfinite(saved).all()


@pytest.mark.parametrize('over, words', [
    (dict(lora_alpha=16), r"\{'lora_alpha': 8\}, not \{'lora_alpha': 16\}"),
    (dict(r=2), r"\{'r': 4\}, not \{'r': 2\}"),
    (dict(use_rslora=True), 'use_rslora'),
    (dict(target_modules=['q_proj']), "'beside': .*'up_proj'.*not.*'q_proj'")])
def test_another_adapter_is_refused(model, tiny_llava, over, words):
    """Loosely loaded it would scale otherwise, or go missing in part."""
    other = Nested(tiny_llava, lora={**head_cfg(tiny_llava)['lora'], **over})
    with pytest.raises(ValueError, match=f'other `lora`: .*{words}'):
        load_state_dict(other, model.state_dict(), strict=False)


@loaders
def test_another_tokenizer_is_refused(model, load):
    state = edited(model.state_dict(), tokenizer='0123')
    with pytest.raises(ValueError, match='another tokenizer'):
        load(copy.deepcopy(model), state)


def test_tokenizer_hash(model):
    tokenizer = copy.deepcopy(model.inner.cls_head.tokenizer)
    known = fingerprint.tokenizer_hash(tokenizer, False)
    tokenizer.chat_template = '{{ messages }}'
    # It counts where it is used.
    assert fingerprint.tokenizer_hash(tokenizer, False) == known
    assert fingerprint.tokenizer_hash(tokenizer, True) != known
    tokenizer.add_tokens(['new'])
    assert fingerprint.tokenizer_hash(tokenizer, False) != known


@loaders
@pytest.mark.parametrize('key, value', [
    ('class_names', ['a', 'b', 'c', 'd']), ('prompt', 'Tokens: {tokens}'),
    ('answer', '{label}: {reason}'), ('chat', True)])
def test_another_task(model, load, caplog, key, value):
    other, state = copy.deepcopy(model), edited(
        model.state_dict(), **{key: value})
    with pytest.raises(ValueError, match=f'other `{key}`.*same_task=False'):
        load(other, state)
    # New names may be read by an old model: that is what the list is for.
    other.inner.cls_head.same_task = False
    with warnings_of_mmengine(caplog):
        load(other, model.state_dict())
        assert not caplog.records
        load(other, state)
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert key in caplog.text


@pytest.mark.parametrize('over, refused', [
    (dict(brief=True), True), (dict(source='names'), True),
    (dict(budget=64), False), (dict(drop=.5), False)])
def test_narratives_of_another_form_are_refused(tiny_llava, over, refused):
    """Refuse another form; how much is told is no other task."""
    told = dict(prompt='Seen: {narrative} Tokens: {tokens} The action:\n')
    model = Nested(tiny_llava, **told)
    other = Nested(tiny_llava, narrative=over, **told)
    if refused:
        with pytest.raises(ValueError, match='other `narrative`: '
                           f".*{next(iter(over))}.*same_task=False"):
            strict_torch(other, model.state_dict())
    else:
        strict_torch(other, model.state_dict())
    # Where nothing is told, its form is none.
    assert description.describe(
        Nested(tiny_llava, narrative=over).inner.cls_head)[
        'narrative'] is None
    # Checkpoints of before say nothing of it.
    state = edited(model.state_dict(), narrative=None)
    strict_torch(other, state)


@loaders
def test_first_format(model, load):
    """It knew less of itself."""
    state = edited(model.state_dict(), format=1, base=None, tokenizer=None,
                   versions=None, chat=None, lora=None, class_names_hash=None)
    scale = state.pop('inner.cls_head.token_scale.scale')
    state['inner.cls_head.token_scale'] = scale + 1
    other = copy.deepcopy(model)
    load(other, state)
    assert other.inner.cls_head.token_scale.scale == scale + 1


def test_differences_are_told_briefly():
    saved = dict(names=['a', 'b', 'c'], more=dict(x=1, y=[2]), old=1)
    # JSON has no tuples.
    assert not description.differences(
        saved, dict(saved, names=('a', 'b', 'c'), more=dict(x=1, y=(2, )),
                    new=1), ['names', 'more', 'old', 'new'])
    assert description.differences(
        saved, dict(names=['a', 'x'], more=dict(x=1, y=3), old=None),
        saved) == ["other `names`: 3, not 2, of which number 1 is 'b', not "
                   "'x'", "other `more`: {'y': [2]}, not {'y': 3}",
                   'other `old`: 1, not None']
    assert description.differences(saved, dict(names=['a']), ['names']) == [
        'other `names`: 3, not 1']


def test_versions_are_worth_a_line(model, caplog):
    facts = description.from_bytes(model.state_dict()[STATE])
    versions = dict(facts['versions'], torch='1.0')
    other = copy.deepcopy(model)
    with warnings_of_mmengine(caplog):
        strict_torch(other, model.state_dict())
        assert not caplog.records
        strict_torch(other, edited(model.state_dict(), versions=versions))
    line, = (r.getMessage() for r in caplog.records)
    assert line == ('the checkpoint was written with torch 1.0, this is '
                    f'{torch.__version__}')


# ------------------------------------------------------- through a Runner
def run(model, work_dir, epochs=1, **over):
    return Runner(
        model, str(work_dir),
        train_dataloader=dict(
            dataset=[dict(inputs=torch.zeros(1))] * 2, batch_size=1,
            sampler=dict(type='DefaultSampler', shuffle=False)),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01)),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='CheckpointHook', interval=1)),
        default_scope='mmaction', experiment_name=work_dir.name, **over)


@pytest.fixture(scope='module')
def checkpoint(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp('run')
    run(copy.deepcopy(model), folder).train()
    return folder / 'epoch_1.pth'


def test_checkpoint_of_a_runner_loads(checkpoint, model):
    content = CheckpointLoader.load_checkpoint(str(checkpoint), 'cpu')
    assert content['meta']['epoch'] == 1
    scalars = content['message_hub']['log_scalars']
    assert isinstance(scalars['train/loss'], HistoryBuffer)
    # Its statistics came through the guarded getattr.
    assert scalars['train/loss'].mean(1) == scalars['train/loss'].current()
    strict_mmengine(copy.deepcopy(model), content['state_dict'])
    assert not any('vision_tower' in k or 'embed_tokens' in k
                   for k in content['state_dict'])


def test_torch_alone_refuses_it(checkpoint):
    # The day it does not, the shim can go.
    with pytest.raises(pickle.UnpicklingError):
        torch.load(checkpoint)


def test_runner_resumes(checkpoint, tiny_llava, tmp_path):
    runner = run(Nested(tiny_llava, seed=1), tmp_path, epochs=2,
                 load_from=str(checkpoint), resume=True)
    runner.train()
    assert runner.epoch == 2
    # Two of the four steps were made before.
    state = runner.optim_wrapper.optimizer.state.values()
    assert {int(s['step']) for s in state} == {4}


def test_missing_file(tmp_path):
    path = str(tmp_path / 'no.pth')
    with pytest.raises(FileNotFoundError, match='no.pth'):
        CheckpointLoader.load_checkpoint(path)


class Call:
    """Pickles as a call."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('function, args', [
    (os.mkdir, ('{trace}', )),
    (builtins.eval, ('__import__("os").mkdir("{trace}")', )),
    (builtins.getattr, (os, 'mkdir')),
    (builtins.getattr, (HistoryBuffer, '__init__')),
    (builtins.getattr, (HistoryBuffer, '_set_default_statistics')),
    (builtins.getattr, (Call(builtins.getattr, HistoryBuffer, 'mean'),
                        '__globals__')),
    (builtins.getattr, (torch.Tensor, 'mean')),
])
def test_other_pickles_are_refused(tmp_path, function, args):
    trace, path = tmp_path / 'trace', str(tmp_path / 'evil.pth')
    args = [a.format(trace=trace) if isinstance(a, str) else a for a in args]
    args = ['os' if a is os else a for a in args]  # modules do not pickle
    torch.save(dict(state_dict=Call(function, *args)), path)
    with pytest.raises(pickle.UnpicklingError) as e:
        CheckpointLoader.load_checkpoint(path)
    assert not trace.exists()
    assert 'add_safe_globals' not in str(e.value)


def test_what_is_no_checkpoint_is_not_to_be_loaded_anyhow(tmp_path):
    path = tmp_path / 'words.pth'
    path.write_text('garbage\n')
    with pytest.raises(CheckpointError, match='words.pth') as e:
        CheckpointLoader.load_checkpoint(str(path))
    assert 'weights_only' not in str(e.value)
