"""The doctor on bodies: silent on people, with a remedy for each fault."""
import pickle

import numpy as np
import pytest
from bodies import CHANGES, made, pictures
from mmengine.config import Config, ConfigDict

from lvlm_var_mm.doctor.bodies import check_bodies, layout_of_split
from lvlm_var_mm.doctor.data import Split, open_split, splits_of
from lvlm_var_mm.doctor.samples import check_unit, read_samples
from lvlm_var_mm.layouts import LAYOUTS, load_layout


def write(path, clips, **more):
    path.write_bytes(pickle.dumps(dict(annotations=[
        dict(frame_dir=f'clip{i}', label=0, total_frames=k.shape[1],
             keypoint=np.float32(k), **more) for i, k in enumerate(clips)])))
    return path


def look(file, body, pipeline):
    """Findings about the bodies of a pickle; level and text."""
    split, problems = open_split(Split('train', ConfigDict(
        type='SkeletonDataset', ann_file=str(file), pipeline=pipeline)))
    assert not problems
    joints = layout_of_split(split, body)
    read = read_samples(split, None, joints, progress=False)
    return [f for f in (*check_unit(split, read),
                        *check_bodies(split, read, joints))
            if f.level != 'ok']


def events(layout, **kwargs):
    return [dict(type='BodyPartEvents', layout=layout, **kwargs)]


ALIGN = dict(type='AlignSkeleton3D')
PICTURE = dict(type='NormalizePicture2D')


@pytest.mark.parametrize('layout', ['ntu25', 'kinect20'])
def test_good_skeletons(tmp_path, layout):
    file = write(tmp_path / 'a.pkl', made(layout))
    for pipeline in ([], [ALIGN], [*events(layout), ALIGN]):
        assert look(file, LAYOUTS[layout], pipeline) == []


@pytest.mark.parametrize('layout', ['coco17', 'openpose18'])
def test_good_pictures(tmp_path, layout):
    clips = pictures(layout)
    for clip in clips:  # what an estimator does not see
        clip[np.random.default_rng(0).random(clip.shape[:3]) < .1] = 0
    file = write(tmp_path / 'a.pkl', clips, img_shape=(120, 160))
    for pipeline in ([], [PICTURE], [*events(layout), PICTURE]):
        assert look(file, LAYOUTS[layout], pipeline) == []


@pytest.mark.parametrize('change, level, words, remedy', [
    ('y_down', 'error', '-y points up in', 'up=(0, -1, 0)'),
    ('z_up', 'warning', 'z points up in',
     'up=(0, 0, 1)` of BodyPartEvents, AlignSkeleton3D and'),
    ('mirrored', 'warning', 'those of a mirror', 'mirrored=True'),
    ('millimetres', 'warning', 'not metres but millimetres?',
     'convert the keypoints to metres; the pipeline scales them'),
    ('scrambled', 'warning', 'are no human bodies', 'docs/layouts.md')])
@pytest.mark.parametrize('layout', ['ntu25', 'kinect20'])
def test_faults(tmp_path, layout, change, level, words, remedy):
    clips = [CHANGES[change](k) for k in made(layout)]
    found = look(write(tmp_path / 'a.pkl', clips), LAYOUTS[layout],
                 [*events(layout), ALIGN])
    finding = next(f for f in found if words in f.text)
    assert finding.level == level and remedy in finding.remedy
    # No other fault is made of it; a scrambled body has another torso.
    assert len(found) == 1 or change == 'scrambled'


def test_the_recipe_scales_as_well(tmp_path):
    clips = [CHANGES['millimetres'](k) for k in made()]
    finding, = look(write(tmp_path / 'a.pkl', clips), LAYOUTS['ntu25'], [
        dict(type='CenterSkeleton3D', center=1), dict(type='MinMaxSkeleton')])
    assert finding.level == 'warning' and 'scales them' in finding.remedy


def test_what_the_pipeline_says_of_the_axes_counts(tmp_path):
    file = write(tmp_path / 'a.pkl', [CHANGES['z_up'](k) for k in made()])
    good = events('ntu25', up=(0, 0, 1))
    assert look(file, LAYOUTS['ntu25'], [*good, ALIGN]) == []
    assert look(file, LAYOUTS['ntu25'], [dict(ALIGN, up=(0, 0, 1))]) == []
    finding, = look(file, LAYOUTS['ntu25'], [ALIGN])
    assert 'z points up' in finding.text and finding.level == 'warning'
    file = write(tmp_path / 'b.pkl', [CHANGES['y_down'](k) for k in made()])
    # It turns about an axis, whichever end is up.
    assert look(file, LAYOUTS['ntu25'], [ALIGN]) == []
    file = write(tmp_path / 'c.pkl', [CHANGES['mirrored'](k)
                                      for k in made()])
    assert look(file, LAYOUTS['ntu25'],
                events('ntu25', mirrored=True)) == []


@pytest.mark.parametrize('step, fps, told, asks', [
    (4, 30, None, True), (4, 7.5, None, False), (4, 30, 7.5, False),
    (1, 7, None, True)])
def test_frames_a_second(tmp_path, step, fps, told, asks):
    clips = [k[:, ::step] for k in made(performers=(1, 2))]
    more = {} if told is None else dict(fps=told)
    found = look(write(tmp_path / 'a.pkl', clips, **more), LAYOUTS['ntu25'],
                 events('ntu25', fps=fps))
    assert len(found) == asks
    if asks:
        assert f'at {fps} frames a second' in found[0].text
        assert 'set `fps`' in found[0].remedy and found[0].level == 'warning'


def test_parts_of_a_picture(tmp_path):
    clips = [k / [160, 120] for k in pictures('coco17')]
    for more in (dict(img_shape=(1080, 1920)), {}):  # stock assumes the same
        finding, = look(write(tmp_path / 'a.pkl', clips, **more),
                        LAYOUTS['coco17'], [PICTURE])
        assert finding.level == 'error'
        assert 'within 0..1, but their picture is 1080 x 1920' in finding.text
        assert '--img-shape' in finding.remedy
    file = write(tmp_path / 'b.pkl', clips, img_shape=(1, 1))
    assert look(file, LAYOUTS['coco17'], [PICTURE]) == []


def test_names_of_joints_are_those_of_the_events(tmp_path):
    """The graph of a layout of one's own has none."""
    ntu = LAYOUTS['ntu25']
    named = dict(num_node=25, inward=ntu.inward, center=20,
                 joints=list(ntu.joints))
    nameless = load_layout(dict(named, joints=None))
    file = write(tmp_path / 'a.pkl', [CHANGES['y_down'](k) for k in made()])
    assert look(file, nameless, [ALIGN]) == []
    finding, = look(file, nameless, [*events(named), ALIGN])
    assert '-y points up' in finding.text


@pytest.mark.nucla
def test_northwestern_ucla(nucla, monkeypatch):
    monkeypatch.setenv('NUCLA_PKL', str(nucla))
    cfg = Config.fromfile('configs/lvlmvar_nucla_xview.py')
    for split in splits_of(cfg):
        split, problems = open_split(split)
        assert not problems
        read = read_samples(split, 150, LAYOUTS['kinect20'], progress=False)
        assert [f for f in check_bodies(split, read, LAYOUTS['kinect20'])
                if f.level != 'ok'] == []
        split.cfg.pipeline[0].fps = 30
        finding, = check_bodies(split, read, LAYOUTS['kinect20'])
        assert 'at 30 frames a second' in finding.text
