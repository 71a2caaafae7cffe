"""The cost of the pipeline is measured step by step."""
import json

from helpers import write_nucla


def test_each_transform_beside_a_step(tmp_path, run_tool, monkeypatch):
    monkeypatch.setenv('NUCLA_PKL', str(write_nucla(tmp_path / 'nucla.pkl')))
    said = run_tool(
        'perf/pipeline.py', 'stgcnpp_recipe_nucla_xview', '--clips', 4,
        '--steps', 1, '--cfg-options', 'model.backbone.base_channels=8',
        'model.cls_head.in_channels=32', 'train_dataloader.batch_size=2')
    assert said.code == 0, said.err
    found = json.loads(said.out.splitlines()[-1])
    assert found['batch'] == 2 and found['step_ms'] > 0
    assert {'(read)', 'BodyPartEvents', 'DrawFrames'} <= set(
        found['transforms'])
    assert found['pipeline_ms'] >= 0
