"""The measurement of robustness, with models whose answers are known and with
tiny ones of the configs."""
import json
import pickle

import numpy as np
import pytest
import torch
from helpers import CLASSES, REPO
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from recognizers import batch

from lvlm_var_mm.benchmark.disturbed import find_layout, open_models
from lvlm_var_mm.layouts import LAYOUTS
from mmaction.registry import MODELS

TOOL = 'perf/robustness.py'
CLIPS, FRAMES = 12, 20
JOINTS = ('left_wrist', 'right_wrist'), ('spine', )
PIPELINE = [dict(type='FormatGCNInput', num_person=1),
            dict(type='PackActionInputs', meta_keys=('frame_dir', ))]


@MODELS.register_module(force=True)
class ReadsJoints(BaseModel):
    """Take a clip for the class that all of some joints show at all times:
    0, 1 or 2 metres to the right; else for class 3."""

    def __init__(self, joints, **kwargs):
        super().__init__(data_preprocessor=dict(
            type='ActionDataPreprocessor'), **kwargs)
        self.joints = list(joints)
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        for clip, sample in zip(inputs, data_samples):
            seen = clip[0, 0][:, self.joints].cpu()  # [T, joints, C]
            classes = seen[..., 0].round().long().flatten().unique()
            hidden = not seen.any(-1).all()
            answer = 3 if hidden or len(classes) > 1 else int(classes[0])
            sample.set_pred_score(torch.eye(4)[answer])
        return data_samples


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Bodies that stand still; two of twelve test clips train as well."""
    monkeypatch.chdir(tmp_path)
    # The layout of written configs is of no interest here.
    monkeypatch.setattr('mmengine.config.config.FormatCode',
                        lambda text, **kwargs: (text, True))
    rng, layout = np.random.default_rng(0), LAYOUTS['kinect20']
    clips = []
    for i in range(CLIPS + 4):
        body = rng.normal(0, .02, size=(20, 3)) + [i % 3, 0, 0]
        for part, height in (('shoulder', .5), ('hip', 0)):
            for side in ('left', 'right'):
                body[layout.index(f'{side}_{part}'), 1] += height
        clips.append(dict(frame_dir=f'clip{i}', label=i % 3,
                          total_frames=FRAMES,
                          keypoint=np.tile(body, (1, FRAMES, 1, 1)).astype(
                              'f4')))
    for i in range(2):
        clips[i]['keypoint'] = clips[CLIPS + i]['keypoint']
    names = [clip['frame_dir'] for clip in clips]
    file = tmp_path / 'clips.pkl'
    file.write_bytes(pickle.dumps(dict(
        split=dict(xview_val=names[:CLIPS], xview_train=names[CLIPS:]),
        annotations=clips)))
    monkeypatch.setenv('NUCLA_PKL', str(file))
    return file


def write_model(folder, file, name, joints, wrapped=False):
    """A config and a checkpoint of ReadsJoints."""
    model = dict(type='ReadsJoints', joints=[
        LAYOUTS['kinect20'].index(j) for j in joints])

    def loader(split):
        dataset = dict(
            type='PoseDataset', ann_file=str(file), split=f'xview_{split}',
            test_mode=split == 'val', pipeline=PIPELINE)
        if wrapped and split == 'val':
            dataset = dict(type='ConcatDataset', datasets=[
                dict(dataset, indices=list(range(*part)))
                for part in ((0, 5), (5, CLIPS))])
        return dict(batch_size=5, num_workers=0, dataset=dataset,
                    sampler=dict(type='DefaultSampler', shuffle=False))

    cfg = Config(dict(
        model=model, default_scope='mmaction',
        train_dataloader=loader('train'), train_cfg=dict(
            by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=.1)),
        test_dataloader=loader('val'), test_cfg=dict(type='TestLoop'),
        test_evaluator=dict(type='AccMetric')))
    cfg.dump(str(folder / f'{name}.py'))
    checkpoint = folder / f'{name}.pth'
    torch.save(dict(state_dict=dict(weight=torch.zeros(1))), checkpoint)
    return '--model', folder / f'{name}.py', checkpoint


def top1(found, model, part='all'):
    return {(row['disturbance'], row['strength']):
            row['models'][model][part]['top1'] for row in found['rows']}


def test_models_whose_answers_are_known(data, tmp_path, run_tool):
    hands, spine = (write_model(tmp_path, data, name, joints)
                    for name, joints in zip(('hands', 'spine'), JOINTS))
    done = run_tool(TOOL, *hands, *spine, '--layout', 'kinect20',
                    '--out', tmp_path / 'out')
    assert done.code == 0, done.err
    found = json.loads(done.out.splitlines()[-1])
    assert found == json.loads((tmp_path / 'out/robustness.json').read_text())
    assert (tmp_path / 'out/robustness.png').stat().st_size > 10000
    assert found['clips'] == dict(all=12, clean=10) and not found['refused']
    hands, spine = top1(found, 'hands'), top1(found, 'spine')
    assert hands[None, 0] == spine[None, 0] == 100
    for part in .25, .5, 1.:  # one hand is always hidden for a while
        assert hands['arm', part] == 0 and spine['arm', part] == 100
    assert hands['common', 13] == 100 and spine['common', 13] == 0
    for (kind, strength), value in hands.items():
        if kind == 'frames':
            assert value == spine[kind, strength] == 0
        if kind in ('pace', 'rhythm'):
            assert value == spine[kind, strength] == 100
    # Half a metre of torso: what is lost is more than .5 away.
    assert spine['noise', .02] == 100 and 0 < hands['joints', .4] < 100
    assert hands['joints', .1] >= hands['joints', .2] >= hands['joints', .4]
    # The same clips for both, so the weaker one is right where both joints are
    # there.
    lost = next(r for r in found['rows'] if r['disturbance'] == 'arm')
    figs = lost['models']['hands']['clean']
    assert figs['drop'] == figs['low'] == figs['high'] == 100
    assert figs['p'] == pytest.approx(2 * .5**10) and figs['mean_class'] == 0
    assert 'clean: 10 clips' in done.out and 'hands, arm 0.5' in done.out


def test_the_same_config_twice_and_in_parts(data, tmp_path, run_tool):
    one = write_model(tmp_path, data, 'hands', JOINTS[0])
    parts = write_model(tmp_path, data, 'parts', JOINTS[0], wrapped=True)
    done = run_tool(TOOL, *parts, *one, *one, '--layout', 'kinect20',
                    '--only', 'joints', '--out', tmp_path)
    assert done.code == 0, done.err
    assert 'its test set has several parts' in done.out
    found = json.loads(done.out.splitlines()[-1])
    assert list(found['models']) == ['parts', 'hands', 'hands (2)']
    assert found['clips'] == dict(all=12)
    assert top1(found, 'parts') == top1(found, 'hands') == top1(
        found, 'hands (2)')
    assert set(found['units']) == {'joints'} and len(found['rows']) == 4


def test_refusals(data, tmp_path, run_tool):
    good = write_model(tmp_path, data, 'good', JOINTS[0])
    common = '--layout', 'kinect20', '--out', tmp_path

    def error(*args):
        done = run_tool(TOOL, *args)
        assert done.code == 2
        return done.err.splitlines()[-1]

    assert 'no checkpoint' in error(*good[:2], 'nowhere.pth', *common)
    assert 'give --layout' in error(*good)  # nothing names its joints
    assert '[20] joints' in error(*good, '--layout', 'ntu25')
    content = pickle.loads(data.read_bytes())
    content['split']['xview_val'] = content['split']['xview_val'][:3]
    (tmp_path / 'few.pkl').write_bytes(pickle.dumps(content))
    few = write_model(tmp_path, tmp_path / 'few.pkl', 'few', JOINTS[0])
    assert 'other clips' in error(*good, *few, *common)
    for clip in content['annotations']:
        clip['keypoint'] = clip['keypoint'][..., :2]
    (tmp_path / 'flat.pkl').write_bytes(pickle.dumps(content))
    flat = write_model(tmp_path, tmp_path / 'flat.pkl', 'flat', JOINTS[0])
    assert 'joints in pictures' in error(*flat, *common)
    (tmp_path / 'videos.txt').write_text('a.mp4 0\n')
    cfg = Config.fromfile(str(good[1]))
    cfg.test_dataloader.dataset = dict(
        type='VideoDataset', ann_file=str(tmp_path / 'videos.txt'),
        pipeline=[])
    cfg.dump(str(tmp_path / 'videos.py'))
    said = error('--model', tmp_path / 'videos.py', good[2])
    assert 'VideoDataset' in said and 'RGB' in said


def test_a_layout_without_names(data, tmp_path, run_tool):
    """What needs no names is measured, the rest is told."""
    model = write_model(tmp_path, data, 'bare', JOINTS[0])
    cfg = Config.fromfile(str(model[1]))
    cfg.test_dataloader.dataset.pipeline = [
        dict(type='SkeletonFeatures', feats=['j'], layout=dict(
            num_node=20, inward=LAYOUTS['kinect20'].inward, center=1)),
        *PIPELINE]
    cfg.dump(str(model[1]))
    done = run_tool(TOOL, *model, '--only', 'pace', 'arm', '--out', tmp_path)
    assert done.code == 0, done.err
    found = json.loads(done.out.splitlines()[-1])
    assert set(found['units']) == {'pace'} and 'elbow' in found['refused'][
        'arm']
    assert 'arm: not measured' in done.out
    done = run_tool(TOOL, *model, '--only', 'arm', '--out', tmp_path)
    assert done.code == 2 and 'elbow' in done.err.splitlines()[-1]


def test_layout_that_names_its_joints(data):
    names = LAYOUTS['kinect20'].joints
    bare = dict(num_node=2, inward=[(1, 0)], center=0)
    pipeline = [dict(type='A', layout=bare), dict(type='B'),
                dict(type='C', layout=dict(bare, joints=['nose', 'l hip']))]
    cfg = Config(dict(model=dict(backbone=dict(graph_cfg=dict(
        layout='nturgb+d'))), test_dataloader=dict(dataset=dict(
            type='RepeatDataset', dataset=dict(pipeline=pipeline)))))
    assert find_layout(cfg).joints == ('nose', 'left_hip')
    cfg.test_dataloader.dataset.dataset.pipeline = []
    assert find_layout(cfg).name == 'ntu25'
    cfg = Config.fromfile(
        str(REPO / 'configs/baselines/posec3d_nucla_xview.py'))
    assert find_layout(cfg).joints == names


def tiny_checkpoint(name, folder, **over):
    """A config of the zoo at small size, and random weights for it."""
    cfg = Config.fromfile(str(REPO / f'configs/{name}.py'))
    cfg.merge_from_dict(over)
    file = folder / f'{cfg.filename.split("/")[-1]}'
    cfg.work_dir = str(folder)
    cfg.dump(str(file))
    torch.manual_seed(0)
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model)
    if 'neck' in cfg.model:  # the first batch starts it
        with torch.no_grad():
            model.extract_feat(**model.data_preprocessor(
                batch((1, 1, 48, 20, 6), [0, 1, 2, 3]), training=True))
    torch.save(dict(state_dict=model.state_dict()), f'{file}.pth')
    return '--model', file, f'{file}.pth'


def test_a_stock_model_and_ours(data, tmp_path, run_tool, tiny_llama,
                                monkeypatch):
    """Through PreNormalize3D and ten views, and through events, codes and a
    language model."""
    monkeypatch.setenv('LVLM_PATH', str(tiny_llama))
    small = {f'model.backbone.{key}': value for key, value in dict(
        base_channels=8, num_stages=2, inflate_stages=[],
        down_stages=[]).items()}
    stock = tiny_checkpoint(
        'baselines/stgcnpp_stock_nucla_xview', tmp_path, **small,
        **{'model.cls_head.in_channels': 8})
    ours = tiny_checkpoint('lvlmvar_nucla_xview', tmp_path, **small, **{
        'model.neck.in_channels': 8, 'model.neck.num_tokens': 4,
        'model.neck.codebook_size': 8, 'model.neck.align': None,
        'model.neck.aux_head.num_classes': 4, 'model.cls_head.num_classes': 4,
        'model.cls_head.in_channels': 8, 'model.cls_head.class_names': [
            list(pair) for pair in CLASSES]})
    done = run_tool(TOOL, *stock, *ours, '--only', 'common', '--out',
                    tmp_path)
    assert done.code == 0, done.err
    found = json.loads(done.out.splitlines()[-1])
    assert found['layout'] == 'kinect20' and len(found['rows']) == 2
    # Undisturbed, they score as in a test of their own.
    for (_, file, checkpoint), values in zip((stock, ours), (
            top1(found, 'stgcnpp_stock_nucla_xview'),
            top1(found, 'lvlmvar_nucla_xview'))):
        cfg = Config.fromfile(str(file))
        cfg.update(load_from=checkpoint, test_evaluator=[dict(
            type='AccMetric')])
        cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
        alone = Runner.from_cfg(cfg).test()
        assert values[None, 0] == pytest.approx(100 * alone['acc/top1'])
    models = open_models([stock[1:], ours[1:]])
    assert models[0].names == models[1].names
