"""`tools/test.py` shows reasons with the truth of each claim."""
import runpy
import sys
from types import SimpleNamespace

import pytest
from helpers import TOOLS
from mmengine.config import Config

from lvlm_var_mm.models import LVLMHead


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')
    return runpy.run_path(str(TOOLS / 'test.py'), run_name='tool')


@pytest.fixture
def merge(tool, tmp_path, monkeypatch):
    """The config of a head of this kind under these flags."""
    checkpoint = tmp_path / 'a.pth'
    checkpoint.touch()

    def merged(kind, *flags):
        monkeypatch.setattr(sys, 'argv', ['test.py', 'c.py', str(checkpoint),
                                          *flags])
        return tool['merge_args'](Config(dict(
            launcher='none', model=dict(cls_head=dict(type=kind)))),
            tool['parse_args']())

    return merged


def test_truth_is_marked(tool, capsys, monkeypatch):
    asked = []

    def explain(model, dataset, chosen, verify):
        asked.append((len(chosen), verify))
        return [dict(name='clip', truth='drink', answer='sit', score=.25,
                     narrative='a1', reason=reason, seconds=.5,
                     claims=[('right hand rises', True), ('head nods', False),
                             ('body jumps', None)])
                for reason in ('It nods.', '')]

    show = tool['show_explanations']
    monkeypatch.setitem(show.__globals__, 'explain', explain)
    runner = SimpleNamespace(
        model=SimpleNamespace(cls_head=LVLMHead.__new__(LVLMHead)),
        test_dataloader=SimpleNamespace(dataset=range(5)))
    show(runner, 2, True)
    out = capsys.readouterr().out
    assert asked == [(2, True)]
    for words in ('wrong; truth: drink', 'true:  right hand rises',
                  'false: head nods', '?:     body jumps',
                  '(nothing that is true)',
                  '0.50 s a clip, 2 clips at a time'):
        assert words in out


@pytest.mark.parametrize('flags, expected', [
    ([], None), (['--explain-all'], dict(verify=False)),
    (['--verify'], None),
    (['--explain-all', '--explain', '0', '--verify'], dict(verify=True)),
    (['--explain-all', '--verify'], dict(verify=True))])
@pytest.mark.parametrize('kind', ['LVLMHead', LVLMHead])
def test_all_clips(merge, flags, expected, kind):
    assert merge(kind, *flags).model.cls_head.get('explain') == expected


@pytest.mark.parametrize('kind, flags, message', [
    ('GCNHead', ['--explain-all'], '--explain-all: GCNHead gives no reasons'),
    ('GCNHead', ['--verify'], '--verify: GCNHead gives no reasons'),
    ('LVLMHead', ['--verify', '--explain', '0'], 'add --explain-all, or')])
def test_flags_that_would_do_nothing(merge, kind, flags, message):
    with pytest.raises(ValueError, match=message):
        merge(kind, *flags)
