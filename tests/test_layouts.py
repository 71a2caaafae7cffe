"""Joint layouts."""
import runpy
import sys
from pathlib import Path

import pytest
from helpers import TOOLS
from mmengine.config import Config

from lvlm_var_mm.layouts import LAYOUTS, joint_name, load_layout
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


@pytest.mark.parametrize('layout', LAYOUTS.values(), ids=list(LAYOUTS))
def test_layouts_are_graphs(layout):
    graph = Graph(layout.graph_cfg(), mode='spatial')
    assert graph.A.shape[1:] == (layout.num_joints, layout.num_joints)
    assert graph.A.any((0, 1)).all()


def test_landmarks_of_blazepose():
    """Numbers of MediaPipe's PoseLandmark."""
    layout = LAYOUTS['blazepose33']
    for name, number in dict(
            nose=0, right_eye_inner=4, right_ear=8, left_mouth=9,
            left_shoulder=11, right_elbow=14, left_wrist=15, right_pinky=18,
            left_index=19, right_thumb=22, left_hip=23, right_knee=26,
            left_ankle=27, right_heel=30, left_foot=31).items():
        assert layout.index(name) == number


@pytest.mark.parametrize('layout', LAYOUTS.values(), ids=list(LAYOUTS))
def test_names_of_joints_stay(layout):
    assert tuple(map(joint_name, layout.joints)) == layout.joints
    assert layout.has_trunk


@pytest.mark.parametrize('name, known', [
    ('RightWrist', 'right_wrist'), ('wrist_r', 'right_wrist'),
    ('R Wrist', 'right_wrist'), ('LShoulder', 'left_shoulder'),
    ('LEFT_HIP', 'left_hip'), ('hip_center', 'pelvis'),
    ('RBigToe', 'right_foot'), ('right_foot_index', 'right_foot'),
    ('Root', 'pelvis'), ('tail_2', 'tail_2'), ('', ''), (None, '')])
def test_other_names_of_joints(name, known):
    assert joint_name(name) == known


def test_the_documentation_shows_all_layouts(tmp_path, monkeypatch):
    tool = TOOLS / 'draw_layouts.py'
    monkeypatch.setattr(sys, 'argv', [str(tool), '--out', str(tmp_path)])
    runpy.run_path(str(tool), run_name='__main__')
    shown = Path('docs/layouts.md').read_text('utf-8')
    assert (tmp_path / 'layouts.md').read_text('utf-8') == shown
    assert (tmp_path / 'layouts.png').stat().st_size > 10000
    assert '| 20 | chest |  |  |  | right_index |' in shown


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


def test_bones_are_turned_towards_the_centre():
    outward = dict(num_node=25, center=20, inward=[
        (b, a) for a, b in LAYOUTS['ntu25'].inward])
    assert load_layout(outward).inward == LAYOUTS['ntu25'].inward
    # Graphs may have circles, and bones another root.
    circle = [*LAYOUTS['ntu25'].inward, (16, 12)]
    assert load_layout(dict(outward, inward=circle)).num_joints == 25
    kinect = LAYOUTS['kinect20'].graph_cfg()
    assert load_layout(kinect).inward == LAYOUTS['kinect20'].inward


@pytest.mark.parametrize('source, word', [
    ('ntu26', 'unknown joint layout'),
    (dict(num_node=2, inward=[(0, 1)]), 'center'),
    (dict(num_node=3, inward=[(0, 1)], center=0), r'\[2\] hang on nothing'),
    (dict(num_node=2, inward=[(0, 2)], center=0), 'outside'),
    (dict(num_node=2, inward=[(0, 1)], center=2), 'no joint'),
    (dict(num_node=2, inward=[(0, 1)], center=0, joints=['a']), 'names 1'),
    (dict(num_node=2, inward=[(0, 1)], center=0, joints=['L Hip', 'hip_l']),
     "'left_hip' more than once"),
])
def test_errors(source, word):
    with pytest.raises(ValueError, match=word):
        load_layout(source)
