"""A checkpoint goes on with one's own classes: docs/custom_data.md."""
import numpy as np
import pytest
import torch
from helpers import REPO

from lvlm_var_mm.preparation.custom import prepare_custom

SMALL = ['model.backbone.base_channels=8', 'model.neck.in_channels=32',
         'model.cls_head.in_channels=32', 'model.neck.codebook_size=16',
         'model.neck.num_tokens=4', 'model.cls_head.lvlm.dtype=float32',
         'custom_hooks.0.epochs=0', 'train_cfg.max_epochs=1',
         'train_cfg.dynamic_intervals=None',
         'param_scheduler=None', 'train_dataloader.batch_size=4',
         'train_dataloader.num_workers=0', 'val_dataloader.num_workers=0',
         'train_dataloader.persistent_workers=False',
         'val_dataloader.persistent_workers=False']


def own_data(folder, names):
    """Two training clips and a test clip of each class."""
    folder.mkdir()
    rows = ['file,label,split']
    for i, name in enumerate(names * 3):
        body = np.random.default_rng(i).uniform(-.4, .4, (20, 3))
        sway = np.random.default_rng(9).normal(0, .02, (1, 12, 20, 3))
        np.save(folder / f'{i}.npy', (body + sway + 2).astype('f4'))
        part = 'train' if i < 2 * len(names) else 'test'
        rows.append(f'{i}.npy,{name},{part}')
    (folder / 'clips.csv').write_text('\n'.join(rows))
    return prepare_custom(folder / 'clips.csv', folder / 'out', folder,
                          layout='kinect20').config


@pytest.fixture
def first(tmp_path, tiny_llama, run_tool, monkeypatch):
    """A checkpoint of two classes."""
    monkeypatch.setenv('LVLM_PATH', str(tiny_llama))
    config = own_data(tmp_path / 'a', ['drink', 'clapping'])
    said = run_tool('train.py', config, '--work-dir', tmp_path / 'one',
                    '--cfg-options', *SMALL)
    assert said.code == 0, said.err
    return tmp_path / 'one/epoch_1.pth'


@pytest.mark.slow
def test_checkpoint_goes_on_with_other_classes(first, tmp_path, run_tool):
    config = own_data(tmp_path / 'b', ['sit down', 'water', 'drink'])
    command = ['train.py', config, '--work-dir', tmp_path / 'two',
               '--cfg-options', f'load_from={first}']
    # Without a word other classes are a mistake.
    said = run_tool(*command, *SMALL)
    assert said.code == 2 and 'same_task=False' in said.errors[0]
    said = run_tool(*command, 'model.cls_head.same_task=False', *SMALL,
                    'optim_wrapper.optimizer.lr=0.')
    assert said.code == 0, said.err
    before, after = (torch.load(f, weights_only=False)['state_dict']
                     for f in (first, tmp_path / 'two/epoch_1.pth'))
    weights = [k for k in before if k.startswith('backbone')
               and k.endswith('.weight')]
    assert len(weights) > 50
    for key in weights:  # nothing was learned: they are those of the first
        torch.testing.assert_close(after[key], before[key])
    # What happens in clips is counted anew, for the new classes.
    totals = 'cls_head.reasons.totals'
    assert before[totals].tolist() == [2, 2]
    assert after[totals].tolist() == [2, 2, 2]


def test_the_page_has_the_command():
    text = (REPO / 'docs/custom_data.md').read_text()
    assert 'load_from=' in text and 'model.cls_head.same_task=False' in text
