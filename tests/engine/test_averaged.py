"""MMEngine's EMAHook: whichever copy is validated or saved is whole."""
import numpy as np
import pytest
import torch
from helpers import CLASSES
from mmengine.hooks import Hook
from mmengine.runner import Runner
from recognizers import RandomClips, recognizer

from lvlm_var_mm.engine.code_names import count_events
from lvlm_var_mm.models.vst import losses as vst_losses
from lvlm_var_mm.models.vst.code_names import UNNAMED, name_codes
from mmaction.registry import DATASETS, MODELS

EVIDENCE = dict(support=2, truth=.1)


@DATASETS.register_module()
class MovingClips(RandomClips):
    """Each does what its label says, in its first half."""

    def prepare_data(self, idx):
        data = super().prepare_data(idx)
        data['data_samples'].set_metainfo(dict(
            events=np.array([[idx % len(CLASSES), 0., .99]]), span=(0., 2.)))
        return data


class Watch(Hook):
    """The names of the codes during each validation; tokens carry them."""

    def __init__(self):
        self.seen = []

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        neck = runner.model.neck
        for sample in outputs:
            assert torch.equal(sample.pred_names,
                               neck._name_of[sample.pred_tokens])
        self.seen.append(neck.code_names)


def config_of(folder):
    model = recognizer(folder)
    model['neck']['align'] = dict(dim=4, loss_class=1., loss_events=1.)
    return model


def train(llava, folder, epochs=2, ema=dict(), waits=9, **over):
    loader = dict(
        batch_size=len(CLASSES), num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type='MovingClips', number=3 * len(CLASSES),
                     serialize_data=False))
    runner = Runner(
        config_of(llava), work_dir=str(folder), train_dataloader=loader,
        val_dataloader=dict(loader, dataset=dict(
            type='MovingClips', number=2, serialize_data=False)),
        val_cfg=dict(),
        val_evaluator=dict(type='AccMetric'),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=.01)),
        custom_hooks=[dict(dict(type='EMAHook', momentum=.1), **ema),
                      dict(type='LVLMWarmupHook', epochs=waits),
                      dict(type='SemanticAlignmentHook'),
                      dict(type='CodeNamesHook', **EVIDENCE)],
        default_hooks=dict(checkpoint=dict(type='CheckpointHook',
                                           interval=1)),
        default_scope='mmaction', experiment_name=f'{folder}{epochs}',
        randomness=dict(seed=0), **over)
    runner.register_hook(watch := Watch())
    runner.train()
    return runner, watch.seen


@pytest.fixture(scope='module')
def trained(tiny_llava, tmp_path_factory):
    folder = tmp_path_factory.mktemp('averaged')
    return (folder, *train(tiny_llava, folder))


def check(llava, folder, runner, seen):
    """Check what is deployed, read strictly from the last checkpoint."""
    path = folder / f'epoch_{runner.epoch}.pth'
    model = MODELS.build(config_of(llava))
    model.load_state_dict(
        torch.load(path, weights_only=False)['state_dict'], strict=True)
    raw = dict(runner.model.named_parameters())
    assert any(not torch.equal(p, raw[n])  # it is the average
               for n, p in model.named_parameters())
    names = name_codes(*count_events(model.eval(), runner.train_dataloader,
                                     99), **EVIDENCE)
    assert set(names) > {UNNAMED}
    assert model.neck.code_names == names  # earned by what was saved
    assert runner.model.neck.code_names == names and seen[-1] == names
    same_targets(model, runner.model)


def same_targets(model, other):
    for a, b in zip(model.neck.align.targets, other.neck.align.targets):
        assert torch.equal(a, b)


def test_averaged_model(trained, tiny_llava):
    check(tiny_llava, *trained)


def test_average_that_begins_later(tiny_llava, tmp_path):
    check(tiny_llava, tmp_path, *train(tiny_llava, tmp_path,
                                       ema=dict(begin_epoch=2)))


@pytest.mark.parametrize('resume, ema', [
    (True, dict()), (False, dict(update_buffers=True, momentum=.5))])
def test_average_goes_on_from_a_checkpoint(
        trained, tiny_llava, tmp_path, monkeypatch, resume, ema):
    folder, before, _ = trained
    main_components = vst_losses.main_components
    # As another device may find them.
    monkeypatch.setattr(vst_losses, 'main_components',
                        lambda *args: -main_components(*args))
    runner, seen = train(
        tiny_llava, tmp_path, epochs=3 if resume else 1, ema=ema,
        load_from=str(folder / 'epoch_2.pth'), resume=resume)
    same_targets(runner.model, before.model)
    check(tiny_llava, tmp_path, runner, seen)


def adapter(state, prefix=''):
    return {name: value for name, value in state.items()
            if name.startswith(prefix) and 'lora_B' in name}


def test_average_has_the_adapter(tiny_llava, tmp_path):
    runner, _ = train(tiny_llava, tmp_path, waits=1)
    saved = torch.load(tmp_path / 'epoch_2.pth', weights_only=False)
    raw = adapter(dict(runner.model.named_parameters()))
    average = next(h for h in runner.hooks if hasattr(h, 'ema_model'))
    kept = dict(average.ema_model.module.named_parameters())
    assert raw and adapter(saved['state_dict']).keys() == raw.keys()
    for name, value in raw.items():
        assert value.any() and not torch.equal(value, kept[name])
        assert torch.equal(saved['state_dict'][name], kept[name])
        assert torch.equal(saved['ema_state_dict'][f'module.{name}'], value)
    # And goes on from there.
    again, _ = train(tiny_llava, tmp_path, epochs=3, waits=1, resume=True)
    average = next(h for h in again.hooks if hasattr(h, 'ema_model'))
    kept = dict(average.ema_model.module.named_parameters())
    for name, value in raw.items():
        assert kept[name].any()


@pytest.mark.parametrize('ema, words', [
    (dict(update_buffers=True), '`update_buffers=True`'),
    (dict(begin_epoch=3), 'begins in epoch 3.* from epoch 2 on')])
def test_an_average_without_the_adapter_is_refused(tiny_llava, tmp_path, ema,
                                                   words):
    with pytest.raises(ValueError, match=words):
        train(tiny_llava, tmp_path, epochs=3, ema=ema, waits=1)


def test_averaged_model_is_asked_for_answers(trained):
    """The hook runs before the validated weights are taken back."""
    _, runner, _ = trained
    runner.register_hook(dict(type='ShowAnswersHook'))
    order = [type(hook).__name__ for hook in runner.hooks]
    assert order.index('ShowAnswersHook') < order.index('EMAHook')
