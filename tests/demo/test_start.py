"""The command line of the server, and its answers beside those of the tool."""
import argparse
import json

import numpy as np
import pytest
from bodies import measured
from helpers import write_frames
from recognizers import inference_config, write_checkpoint

from lvlm_var_mm.apis import ActionInferencer
from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.demo.answering import Answering
from lvlm_var_mm.demo.limits import Limits
from lvlm_var_mm.demo.start import asker, intro_of


def options(**over):
    return argparse.Namespace(**{**dict(
        config=None, checkpoint=None, device='cpu', classes=None,
        no_reason=False, verify=False), **over})


def close(one, other):
    """Tell whether two answers are equal, but for ``source`` and 1e-4."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            close(one[k], other[k]) for k in one if k != 'source')
    if isinstance(one, list):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float):
        return abs(one - other) < 1e-4
    return one == other


def test_inferencer_tool_and_server_agree(tiny_llava, tmp_path, run_tool):
    cfg = inference_config(tiny_llava)
    checkpoint = write_checkpoint(cfg, tmp_path / 'model.pth', [
        dict(keypoint=measured(a)) for a in (8, 23)])
    cfg.dump(tmp_path / 'config.py')
    clip = tmp_path / 'wave.npy'
    np.save(clip, measured(23))
    model = dict(config=str(tmp_path / 'config.py'), checkpoint=checkpoint)
    ask, videos, joints, layout = asker(options(**model), Reading())
    assert joints and not videos
    served = Answering(ask, tmp_path, Limits(), lambda path: None)(
        str(clip)).prediction
    inferencer = ActionInferencer(*model.values(), 'cpu', show_progress=False)
    assert layout == inferencer.wanted.layout is not None
    (direct, _), = inferencer.answers(clip, explain_spans=True)
    said = run_tool('infer.py', clip, '--config', model['config'],
                    '--checkpoint', checkpoint, '--device', 'cpu', '--html',
                    '--json', '--out', tmp_path / 'out')
    told = json.loads([line for line in said.out.splitlines()
                       if line.startswith('{')][-1])
    assert 'class' in served and served['source'] == 'wave.npy'
    assert close(served, direct) and close(served, told)
    assert not close(served, dict(told, score=told['score'] + 1e-3))


def test_a_model_of_videos_is_served(tiny_llava, tmp_path, run_tool):
    """It answers as the tool does, and asks for no joints, which it could
    not read."""
    clip = tmp_path / 'clip.avi'
    write_frames(clip, np.random.default_rng(0).integers(
        0, 256, (12, 24, 32, 3)).astype('u1'))
    cfg = inference_config(tiny_llava, 'rgb')
    checkpoint = write_checkpoint(cfg, tmp_path / 'model.pth', [
        dict(filename=str(clip), start_index=0, modality='RGB')])
    cfg.dump(tmp_path / 'config.py')
    ask, videos, joints, _ = asker(options(
        config=str(tmp_path / 'config.py'), checkpoint=checkpoint), Reading())
    answering = Answering(ask, tmp_path, Limits(), lambda path: None, videos,
                          joints=joints)
    said = run_tool('infer.py', clip, '--config', tmp_path / 'config.py',
                    '--checkpoint', checkpoint, '--device', 'cpu', '--html',
                    '--json', '--out', tmp_path / 'out')
    assert close(answering(str(clip)).prediction, json.loads(said.out))
    np.save(tmp_path / 'wave.npy', measured(23))
    refused = answering(str(tmp_path / 'wave.npy')).prediction['error']
    assert 'wave.npy' in refused and '.mp4' in refused
    assert intro_of(answering, Limits(), 'model').startswith('A video, up to')
    by_joints = Answering(ask, tmp_path, Limits(), lambda path: None, True)
    assert intro_of(by_joints, Limits(), 'model').startswith(
        'A video or a file of joints (`.skeleton`')


def test_classes_are_read_before_the_first_upload(tmp_path):
    names = tmp_path / 'names.txt'
    names.write_text('waving | one hand waves\nnothing\n')
    ask, *_ = asker(options(classes=str(names)), Reading())
    clip = tmp_path / 'wave.npy'
    np.save(clip, measured(23))
    (said, _), = ask(str(clip))
    assert said['class'] == 'waving'
    names.write_text('nothing\nnobody\n')
    with pytest.raises(ValueError, match='description'):
        asker(options(classes=str(names)), Reading())


@pytest.mark.parametrize('arguments, words', [
    (['--config', 'lvlmvar_quickstart'], '--checkpoint'),
    (['--verify'], '--verify is for'), (['--max-mb', '0'], 'megabytes')])
def test_arguments_that_do_not_go_together(run_tool, arguments, words):
    pytest.importorskip('gradio', reason='needs the extra `demo`')
    said = run_tool('serve.py', *arguments)
    assert said.code == 2 and words in said.errors[-1]
