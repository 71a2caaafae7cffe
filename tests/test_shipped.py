"""Configs and tools are found by name, from any folder and in a wheel."""
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from helpers import REPO
from mmengine.config import Config

from lvlm_var_mm import shipped
from lvlm_var_mm.shipped import CONFIGS, TOOLS, find_config, find_tool


@pytest.mark.parametrize('name, file', [
    ('lvlmvar_quickstart', 'lvlmvar_quickstart.py'),
    ('lvlmvar_quickstart.py', 'lvlmvar_quickstart.py'),
    ('configs/lvlmvar_quickstart.py', 'lvlmvar_quickstart.py'),
    ('lvlm_var_mm::lvlmvar_quickstart', 'lvlmvar_quickstart.py'),
    ('baselines/stgcnpp_quickstart', 'baselines/stgcnpp_quickstart.py'),
    # Its last part is unique.
    ('stgcnpp_quickstart', 'baselines/stgcnpp_quickstart.py'),
    # One on top comes before those of folders.
    ('lvlmvar_ntu60_xsub', 'lvlmvar_ntu60_xsub.py'),
    ('two_stage/lvlmvar_ntu60_xsub', 'two_stage/lvlmvar_ntu60_xsub.py')])
def test_config_by_name(name, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(name) == str(CONFIGS / file)


def test_a_file_comes_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / 'configs/lvlmvar_quickstart.py'
    file.parent.mkdir()
    file.touch()
    assert find_config('configs/lvlmvar_quickstart.py') == (
        'configs/lvlmvar_quickstart.py')
    assert find_config('lvlmvar_quickstart') != str(file)


@pytest.mark.parametrize('name, near', [
    ('lvlmvar_quikstart', 'lvlmvar_quickstart'),
    ('stgcnpp_quickstrat.py', 'baselines/stgcnpp_quickstart')])
def test_unknown_config_lists_the_nearest(name, near, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=f'{name}; the near.* {near}'):
        find_config(name)


@pytest.mark.parametrize('name', [
    'mine/lvlmvar_quickstart.py', 'default_runtime', 'x', '../setup', ''])
def test_no_such_config(name, tmp_path, monkeypatch):
    """Not one of another folder, no base config, nothing beside configs/."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match='no config file'):
        find_config(name)


def test_name_in_two_folders(tmp_path, monkeypatch):
    for folder in 'ab':
        (tmp_path / 'configs' / folder).mkdir(parents=True)
        (tmp_path / 'configs' / folder / 'same.py').touch()
    monkeypatch.setattr(shipped, 'CONFIGS', tmp_path / 'configs')
    with pytest.raises(ValueError, match='a/same.py, b/same.py'):
        find_config('same')
    assert find_config('b/same') == str(tmp_path / 'configs/b/same.py')


@pytest.mark.parametrize('name, file', [
    ('train', 'train.py'), ('tools/test.py', 'test.py'),
    ('perf/codebook', 'perf/codebook.py'), ('codebook', 'perf/codebook.py'),
    ('dist_train', 'dist_train.sh')])
def test_tool_by_name(name, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_tool(name) == str(TOOLS / file)


def test_base_by_scope(tmp_path):
    file = tmp_path / 'mine.py'
    file.write_text("_base_ = ['lvlm_var_mm::_base_/default_runtime.py',\n"
                    "          'lvlm_var_mm::_base_/models/llava_13b']\n"
                    'randomness = dict(seed=7)\n')
    ours = Config.fromfile(CONFIGS / '_base_/default_runtime.py')
    cfg = Config.fromfile(file)
    assert cfg.randomness.seed == 7
    assert cfg.default_hooks == ours.default_hooks
    # Entries are of MMAction2's registries: no scope of ours.
    assert "_scope_='lvlm_var_mm'" not in cfg.pretty_text
    file.write_text("_base_ = 'mmaction::_base_/default_runtime.py'\n")
    assert Config.fromfile(file).default_scope == 'mmaction'


# ------------------------------------------------------------- the wheel
@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """The package as a wheel installs it, unpacked."""
    out = tmp_path_factory.mktemp('wheel')
    source = out / 'source'
    source.mkdir()
    # A build leaves its folder in the checkout, and takes what lies there.
    for name in ('setup.py', 'setup.cfg', 'README.md', 'model-index.yml',
                 'lvlm_var_mm', 'configs', 'tools'):
        (source / name).symlink_to(REPO / name)
    subprocess.run(
        [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps',
         '--no-build-isolation', '--no-index', '--wheel-dir', out, '.'],
        cwd=source, check=True)
    file, = out.glob('*.whl')
    with zipfile.ZipFile(file) as content:
        content.extractall(out / 'site')
    return out / 'site'


def run(wheel, folder, *args):
    """Run ``python -m lvlm_var_mm`` of the wheel in a folder."""
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, '-m', 'lvlm_var_mm', *map(str, args)], cwd=folder,
        capture_output=True, text=True, env=dict(
            os.environ, PYTHONPATH=str(wheel), OMP_NUM_THREADS='1'))


def test_wheel_has_configs_and_tools(wheel):
    mim = wheel / 'lvlm_var_mm/.mim'

    def files(root):
        return {f.relative_to(root) for f in root.rglob('*')
                if f.is_file() and '__pycache__' not in f.parts}

    for folder in ('configs', 'tools'):
        assert files(mim / folder) == files(REPO / folder)
    for file in ('page.css', 'page.js'):
        assert (wheel / 'lvlm_var_mm/visualization' / file).is_file()
    index = (mim / 'model-index.yml').read_text()
    assert 'configs/metafile.yml' in index


def test_help_of_the_wheel_waits_for_no_framework(wheel, tmp_path):
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', '-m', 'lvlm_var_mm', 'train',
         '--help'], cwd=tmp_path, capture_output=True, text=True,
        env=dict(os.environ, PYTHONPATH=str(wheel)))
    assert done.returncode == 0 and '--cfg-options' in done.stdout
    imported = {line.rpartition('|')[2].strip()
                for line in done.stderr.splitlines()}
    assert 'lvlm_var_mm.shipped' in imported
    assert not imported & {'torch', 'transformers', 'mmaction', 'cv2'}


@pytest.mark.slow
def test_doctor_of_the_wheel_reads_a_config_by_name(wheel, tmp_path):
    done = run(wheel, tmp_path / 'empty', 'doctor', 'stgcnpp_nucla_xview',
               '--cfg-options', 'train_dataloader.dataset.ann_file=no.pkl')
    assert done.returncode == 1, done.stderr
    assert 'no.pkl' in done.stdout and 'Traceback' not in done.stderr


@pytest.mark.slow
def test_config_of_own_data_stands_on_the_wheel(wheel, tmp_path):
    rng = np.random.default_rng(0)
    rows = ['file,label,split']
    for i in range(8):
        np.save(tmp_path / f'{i}.npy', rng.random((1, 12, 17, 2)))
        rows.append(f'{i}.npy,{"ab"[i % 2]},{"test" if i > 5 else "train"}')
    (tmp_path / 'clips.csv').write_text('\n'.join(rows))
    done = run(wheel, tmp_path, 'prepare_custom', 'clips.csv', 'out',
               '--layout', 'coco17', '--img-shape', 1, 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == (
        'python -m lvlm_var_mm train out/config.py')
    # An environment may be made anew: no path of it.
    text = (tmp_path / 'out/config.py').read_text()
    assert str(wheel) not in text and 'lvlm_var_mm::_base_/models' in text
    cfg = Config.fromfile(tmp_path / 'out/config.py')
    assert cfg.model.cls_head.num_classes == 2


def test_unknown_tool(wheel, tmp_path):
    done = run(wheel, tmp_path, 'trian')
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        'error: no tool trian; the nearest of the package: train')
