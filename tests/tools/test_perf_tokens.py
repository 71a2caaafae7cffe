"""The tools that judge tokens: what they say of a checkpoint that is none."""
import runpy
from pathlib import Path

import pytest
from helpers import REPO

from lvlm_var_mm.cli import user_errors


@pytest.mark.parametrize('tool, args', [
    ('perf/code_names.py', ()), ('perf/token_cache.py', ()),
    ('perf/ablate_tokens.py', ('--out', '{out}')),
    ('cache_tokens.py', ('{out}', ))])
def test_missing_checkpoint(tool, args, tmp_path, monkeypatch, capsys):
    missing, out = str(tmp_path / 'no.pth'), str(tmp_path / 'out.npz')
    monkeypatch.setenv('NTU_SAMPLE', str(tmp_path))
    monkeypatch.setattr('sys.argv', [
        tool, str(REPO / 'configs' / 'lvlmvar_quickstart.py'), missing,
        *(a.format(out=out) for a in args)])
    main = runpy.run_path(str(REPO / 'tools' / tool))['main']
    with pytest.raises(SystemExit) as end, user_errors():
        main()
    assert end.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith('error:') and missing in last
    assert not Path(out).exists()
