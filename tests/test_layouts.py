"""Joint layouts."""
import pytest
from mmengine.config import Config

from lvlm_var_mm.layouts import LAYOUTS, load_layout
from mmaction.models.utils import Graph


@pytest.mark.parametrize('layout', LAYOUTS.values(), ids=list(LAYOUTS))
def test_known_layouts(layout):
    assert len(set(layout.joints)) == layout.num_joints
    assert len(layout.inward) == layout.num_joints - 1
    # Valid as a custom one, so every joint hangs on the centre.
    assert load_layout(
        dict(num_node=layout.num_joints, inward=layout.inward,
             center=layout.center, joints=layout.joints)).joints
    # A bone stays on its side of the body.
    for bone in layout.inward:
        sides = {layout.joints[j].split('_')[0] for j in bone}
        assert not {'left', 'right'} <= sides


@pytest.mark.parametrize('name', ['ntu25', 'coco17', 'openpose18'])
def test_stock_layouts_have_the_same_bones(name):
    graph = Graph(LAYOUTS[name].stock)
    assert graph.num_node == LAYOUTS[name].num_joints
    assert graph.center == LAYOUTS[name].center
    assert set(map(tuple, graph.inward)) == set(LAYOUTS[name].inward)


def test_nucla_config_has_the_kinect_layout():
    cfg = Config.fromfile('configs/_base_/datasets/nucla_xview.py')
    layout = cfg.kinect20.to_dict()
    layout['inward'] = [tuple(bone) for bone in layout['inward']]
    assert layout == LAYOUTS['kinect20'].graph_cfg()


def test_index():
    assert LAYOUTS['ntu25'].index('right_wrist') == 10
    assert LAYOUTS['kinect20'].index('right_hand') == 11
    assert LAYOUTS['coco17'].index('chest') is None


@pytest.mark.parametrize('source, word', [
    ('ntu26', 'unknown joint layout'),
    (dict(num_node=2, inward=[(0, 1)]), 'center'),
    (dict(num_node=3, inward=[(0, 1)], center=0), r'\[2\] hang on nothing'),
    (dict(num_node=2, inward=[(0, 2)], center=0), 'outside'),
    (dict(num_node=2, inward=[(0, 1)], center=2), 'no joint'),
    (dict(num_node=2, inward=[(0, 1)], center=0, joints=['a']), 'names 1'),
])
def test_errors(source, word):
    with pytest.raises(ValueError, match=word):
        load_layout(source)
