"""The doctor: a healthy setup, and faults planted in it one by one."""
import json
import pickle
import shutil
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from helpers import CLASSES, REPO, write_llava
from mmengine.config import Config, ConfigDict
from safetensors.torch import load_file, save_file

from lvlm_var_mm.datasets.ntu.census import complete_set
from lvlm_var_mm.datasets.ntu.dataset import NTUNames
from lvlm_var_mm.datasets.ntu.splits import in_split, parse_names
from lvlm_var_mm.doctor import Finding, examine, exit_code, table
from lvlm_var_mm.doctor.data import Split, check_published
from lvlm_var_mm.doctor.environment import (check_mmcv, check_packages,
                                            check_python, check_shared_memory)
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.synthetic.body import Body, Pose, joints_of
from lvlm_var_mm.synthetic.make import make_sample
from mmaction.registry import MODELS

NUCLA = REPO / 'configs/lvlmvar_nucla_xview.py'


# ------------------------------------------------------------ a healthy setup
def write_clips(path, change=lambda clips, splits: None):
    """Persons with a torso of half a metre, who sway -> a pickle."""
    rng = np.random.default_rng(0)
    known = LAYOUTS['ntu25'].joints
    body = joints_of(Pose(Body(1.85), 1))[0, [
        known.index(name) for name in LAYOUTS['kinect20'].joints]] * [1, 1, -1]
    clips = []
    for i in range(16):
        sway = rng.normal(0, .02, (1, 20, 20, 3)) + [0, 0, 3]
        clips.append(dict(frame_dir=f'clip{i}', label=i % 4, total_frames=20,
                          keypoint=(body + sway).astype('f4')))
    names = [clip['frame_dir'] for clip in clips]
    splits = dict(xview_train=names[:8], xview_val=names[8:])
    change(clips, splits)
    path.write_bytes(pickle.dumps(dict(split=splits, annotations=clips)))


def set_everywhere(cfg, **over):
    for part in ('train', 'val', 'test'):
        cfg[f'{part}_dataloader'].dataset.update(over)


@pytest.fixture
def setup(tmp_path, tiny_llama, monkeypatch):
    """``cfg``, ``clips`` (a function that rewrites the data), ``folder`` of
    the language model; all may be damaged."""
    llm = tmp_path / 'llm'
    shutil.copytree(tiny_llama, llm)
    monkeypatch.setenv('LVLM_PATH', str(llm))
    monkeypatch.setenv('NUCLA_PKL', str(tmp_path / 'clips.pkl'))
    write_clips(tmp_path / 'clips.pkl')
    cfg = Config.fromfile(NUCLA)
    cfg.work_dir = str(tmp_path / 'work')
    set_everywhere(cfg, class_names=CLASSES)
    cfg.train_dataloader.batch_size = 4
    cfg.model.backbone.base_channels = 8
    cfg.model.neck.update(in_channels=32, num_tokens=4, codebook_size=8)
    cfg.model.neck.aux_head.num_classes = 4
    cfg.model.cls_head.update(in_channels=32, num_classes=4,
                              class_names=CLASSES)
    return SimpleNamespace(
        cfg=cfg, llm=llm, tmp=tmp_path,
        clips=lambda change: write_clips(tmp_path / 'clips.pkl', change))


def look(setup, **kwargs):
    return examine(setup.cfg, number=None, progress=False, **kwargs)


def expect(findings, level, area, words):
    """The finding that was planted, and no error beside it."""
    found = [f for f in findings if f.level == level and f.area == area
             and words in f.text]
    assert found, table(findings, 120)
    assert all(f.remedy for f in findings if f.level != 'ok')
    assert all(f.area == area or f.area.startswith('data')
               for f in findings if f.level == 'error'), table(findings, 120)
    assert exit_code(findings) == int(level == 'error'), table(findings, 120)
    return found[0]


def test_healthy(setup):
    found = look(setup)
    assert exit_code(found) == 0
    assert {f.level for f in found} <= {'ok', 'note'}, table(found, 120)
    said = '\n'.join(f.text for f in found)
    for words in ('torch ', '8 samples, 2 a class', '8 samples read',
                  'torsos of 0.5', 'pass backbone and neck', ': whole',
                  'GB free', "a clip is read as '<s>Semantic"):
        assert words in said


def test_descriptions_that_claim_nothing(setup):
    """Those without a description are no matter of claims."""
    names = [('drink', 'a glass is full'), ('eat', 'one hand rises'),
             ('sit down', 'it rains'), 'clapping']
    setup.cfg.model.cls_head.class_names = names
    set_everywhere(setup.cfg, class_names=names)
    found, = [f for f in look(setup) if 'joints can decide' in f.text]
    assert found.level == 'note' and found.remedy
    assert '2 of 3 descriptions' in found.text
    assert 'drink, sit down' in found.text
    setup.cfg.model.cls_head.class_names = CLASSES
    set_everywhere(setup.cfg, class_names=CLASSES)
    found, = [f for f in look(setup) if 'joints can decide' in f.text]
    assert found.level == 'ok' and '3 descriptions make' in found.text


def test_schedule(setup):
    setup.cfg.optim_wrapper.accumulative_counts = 8
    found = [f.text for f in look(setup) if f.area == 'schedule']
    assert found == [
        'a step is of 32 clips for each GPU, 8 times 4',
        'learning rate of rest: 2.0e-05, at most 2.0e-03, 2.0e-06 at the end',
        'learning rate of cls_head: 4.0e-06, at most 3.9e-04, 3.9e-08 at the '
        'end; from epoch 53 on',
        'learning rate of cls_head.projector: 1.0e-05, at most 9.7e-04, '
        '9.6e-08 at the end; from epoch 53 on']


def test_schedule_that_misses_the_reading(setup):
    setup.cfg.custom_hooks[0].epochs = 40
    assert 'param_scheduler' in expect(
        look(setup), 'warning', 'schedule', 'cls_head begins to learn in '
        'epoch 41 at its full').remedy


def test_schedule_of_an_unknown_part(setup):
    setup.cfg.param_scheduler[2].parts = ['head']
    expect(look(setup), 'error', 'schedule', "no part 'head'")


def test_environment_alone():
    found = examine()
    assert {f.area for f in found} == {'environment'}
    assert exit_code(found) == 0


# ----------------------------------------------------------------- the data
def keypoints(number, change):
    """Change the keypoints of the first clips of both splits."""
    def plant(setup):
        def damage(clips, splits):
            for clip in clips[:number] + clips[8:8 + number]:
                clip['keypoint'] = change(clip['keypoint'])
        setup.clips(damage)
    return plant


def infinite(keypoint):
    keypoint[0, 3, 2, 1] = np.inf
    return keypoint


def stock(setup):
    """MMAction2's own data set, which checks nothing."""
    for part in ('train', 'val', 'test'):
        dataset = setup.cfg[f'{part}_dataloader'].dataset
        dataset.type = 'PoseDataset'
        del dataset['class_names'], dataset['num_joints']


def stock_with(plant):
    def both(setup):
        stock(setup)
        plant(setup)
    return both


def no_pickle(setup):
    (setup.tmp / 'clips.pkl').unlink()


def wrong_labels(setup):
    def shift(clips, splits):
        for clip in clips:
            clip['label'] += 1  # counted from 1
    setup.clips(shift)


def no_class_3(setup):
    def drop(clips, splits):
        splits['xview_train'] = ['clip0', 'clip1', 'clip2', 'clip4']
    setup.clips(drop)


def leak(setup):
    setup.clips(lambda clips, splits: splits['xview_val'].append('clip0'))


def copied(setup):
    def copy(clips, splits):
        clips[9]['keypoint'] = clips[1]['keypoint']
    setup.clips(copy)


def twice(setup):
    setup.clips(lambda clips, splits: clips.append(dict(clips[0])))


def centimetres(align):
    def plant(setup):
        keypoints(8, lambda k: k * 100)(setup)
        if not align:
            for part in ('train', 'val', 'test'):
                dataset = setup.cfg[f'{part}_dataloader'].dataset
                dataset.pipeline = [step for step in dataset.pipeline
                                    if step['type'] != 'AlignSkeleton3D']
    return plant


def two_dimensions(setup):
    keypoints(8, lambda k: k[..., :2])(setup)
    centre = dict(type='PreNormalize2D')
    for part in ('train', 'val', 'test'):
        setup.cfg[f'{part}_dataloader'].dataset.pipeline = [
            centre, *[s for s in setup.cfg.test_pipeline
                      if s.type != 'AlignSkeleton3D']]


def option(key, value):
    return lambda setup: setup.cfg.merge_from_dict({key: value})


def bad_pipeline(setup):
    setup.cfg.train_dataloader.dataset.pipeline.insert(
        0, dict(type='PoseDecoder'))


@pytest.mark.parametrize('plant, level, words, remedy', [
    (no_pickle, 'error', 'clips.pkl', 'train_dataloader.dataset'),
    (option('train_dataloader.dataset.split', 'xsub'), 'error',
     "no split 'xsub'", 'train_dataloader.dataset'),
    (keypoints(8, lambda k: k[:, :, :17]), 'error', '17 joints', 'dataset'),
    (stock_with(keypoints(8, lambda k: k[:, :, :17])), 'error',
     'skeletons of 17 joints, but', 'graph_cfg.layout'),
    (wrong_labels, 'error', 'has label 4', 'dataset'),
    (stock_with(wrong_labels), 'error', 'labels 4 lie outside',
     'num_classes'),
    (no_class_3, 'warning', 'none of the classes 3', 'zero-shot'),
    (keypoints(2, infinite), 'warning', '2 of 8 are corrupt', 'exclude'),
    (stock_with(keypoints(1, infinite)), 'error', 'NaN or infinite: clip0',
     'exclude'),
    (keypoints(3, np.zeros_like), 'error', '3 of 8 skeletons: all zero',
     'exclude'),
    (keypoints(3, lambda k: k[:, [0] * 20]), 'error', 'never moves',
     'exclude'),
    (centimetres(True), 'warning', 'centimetres?', 'metres'),
    (centimetres(False), 'error', 'centimetres?', 'metres'),
    (twice, 'warning', 'more than once: clip0', 'repeats'),
    (two_dimensions, 'error', '4 channels', 'in_channels` to 4'),
    (bad_pipeline, 'error', 'PoseDecoder', 'pipeline'),
    (option('model.neck.in_channels', 64), 'error', 'does not fit features',
     'neck'),
    (option('train_dataloader.batch_size', 9), 'error', 'no batch of 9',
     'batch_size'),
    (option('train_dataloader.dataset.class_names', CLASSES[::-1]), 'error',
     "'drink' and 'clapping'", 'same list'),
])
def test_data(setup, plant, level, words, remedy):
    plant(setup)
    found = look(setup)
    if words.endswith('corrupt'):
        # Skipped in training, an error in testing.
        expect(found, 'error', 'data: val, test', words)
        assert [f for f in found if f.level == 'warning' and words in f.text]
        return
    assert remedy in expect(found, level, 'data: train', words).remedy


@pytest.mark.parametrize('plant, words', [
    (leak, '1 samples also train: clip0'), (copied, 'clip9 is clip1')])
def test_leak(setup, plant, words):
    plant(setup)
    assert 'disjoint' in expect(look(setup), 'error', 'data: val, test',
                                words).remedy


def test_data_sets_inside_of_wrappers(setup):
    loader = setup.cfg.train_dataloader
    loader.dataset = dict(
        type='ConcatDataset', datasets=[
            dict(type='RepeatDataset', times=9, dataset=loader.dataset),
            dict(loader.dataset, split='xview_val')])
    loader.batch_size = 9  # repeated, there are enough
    found = look(setup)
    assert [f.text for f in found if 'samples read' in f.text] == [
        '8 samples read'] * 3
    expect(found, 'error', 'data: val, test', '8 samples also train')


def test_reads_as_many_as_it_is_told(setup):
    keypoints(8, np.zeros_like)(setup)
    found = examine(setup.cfg, number=3, progress=False)
    assert any('3 of 3 skeletons: all zero: clip0' in f.text for f in found)


@pytest.fixture
def videos(setup):
    """Two clips a class and a list of them, for stock VideoDataset."""
    lines = []
    for i in range(8):
        file = setup.tmp / f'{i}.avi'
        out = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*'MJPG'), 10,
                              (32, 32))
        for frame in np.random.default_rng(i).integers(
                0, 255, (9, 32, 32, 3), dtype='u1'):
            out.write(frame)
        out.release()
        lines.append(f'{file} {i % 4}')
    for part, some in (('train', lines[:4]), ('val', lines[4:])):
        (setup.tmp / f'{part}.txt').write_text('\n'.join(some))
    rgb = Config.fromfile(REPO / 'configs/lvlmvar_rgb_quickstart.py')
    model = dict(rgb.model, cls_head=setup.cfg.model.cls_head)
    model['backbone']['base_channels'] = 4
    model['neck'].update(in_channels=32, aux_head=dict(num_classes=4))
    setup.cfg.model = model
    for part, name in (('train', 'train'), ('val', 'val'), ('test', 'val')):
        setup.cfg[f'{part}_dataloader'].dataset = dict(
            type='VideoDataset', ann_file=str(setup.tmp / f'{name}.txt'),
            pipeline=rgb[f'{part if part == "train" else "test"}_pipeline'],
            test_mode=part != 'train')
    return setup


def test_videos(videos):
    found = look(videos)
    assert exit_code(found) == 0, table(found, 120)
    assert any('(1, 3, 8, 72, 72)' in f.text for f in found)


@pytest.mark.parametrize('damage, words', [
    (Path.unlink, '1 of 4 files are missing'),
    (lambda file: file.write_bytes(file.read_bytes()[:3000]), 'ends early'),
    (lambda file: file.write_bytes(b'RIFF\0\0\0\0AVI ' + bytes(500)),
     '1 of 4 are corrupt')])
def test_damaged_video(videos, damage, words):
    damage(videos.tmp / '2.avi')
    expect(look(videos), 'error', 'data: train', words)


def test_ntu(tmp_path, setup):
    make_sample(tmp_path / 'sample', repeats=1, classes=[1, 8], progress=False,
                performers=[1, 3])
    setup.cfg.model.backbone.graph_cfg.layout = 'nturgb+d'
    for part in ('train', 'val', 'test'):
        dataset = setup.cfg[f'{part}_dataloader'].dataset
        dataset.update(type='NTURGBDSkeletonDataset', ann_file='',
                       data_root=str(tmp_path / 'sample'), actions=None,
                       class_names=None,
                       split='xsub_' + dataset.split.split('_')[1])
        del dataset['num_joints']
    found = look(setup)
    # Action 8 of 60, where the head knows four classes.
    expect(found, 'error', 'data: train', 'labels 7 lie outside the 4')
    assert [f.text for f in found if 'published' in f.text] == [
        '6 samples, published are 40091: a part of ntu60',
        '6 samples, published are 16487: a part of ntu60']


class Names(NTUNames):
    """NTU RGB+D, cross-subject training, names alone."""

    def __init__(self, names, exclude=()):
        self.benchmark, self.exclude = 'ntu60', set(exclude)
        self.actions = range(60)
        self.data_list = [dict(frame_dir=n) for n in names]


@pytest.mark.parametrize('number, level, text, remedy', [
    (40320, 'warning', 'missing skeletons are among them', 'exclude'),
    (40091, 'ok', '40091 samples, published are 40091', ''),
    (40000, 'warning', 'lacking: 320 not in the folder, such as S',
     'complete'),
    (100, 'note', 'a part of ntu60', 'part is meant')])
def test_published_sizes(number, level, text, remedy):
    names = complete_set('ntu60')
    names = [n for n, inside in zip(names, in_split(
        parse_names(names), 'ntu60', 'xsub_train')) if inside]
    assert len(names) == 40320
    found, = check_published(Split(
        'train', ConfigDict(split='xsub_train'), Names(names[:number])))
    assert found.level == level
    assert text in found.text and remedy in found.remedy


def test_made_sample_is_not_made(setup, tmp_path):
    setup.cfg.train_dataloader.dataset = dict(
        type='NTURGBDSkeletonDataset', data_root=str(tmp_path / 'no'),
        make_sample=True, split='xsub_train')
    expect(look(setup), 'note', 'data: train', 'made on first use')
    assert not (tmp_path / 'no').exists()


# ---------------------------------------------------------------- the model
def no_folder(setup):
    shutil.rmtree(setup.llm)


def without(name):
    return lambda setup: next(setup.llm.glob(name)).unlink()


def cut(setup):
    shard = sorted(setup.llm.glob('*.safetensors'))[0]
    shard.write_bytes(shard.read_bytes()[:-100])


def lost_weight(setup):
    shard = sorted(setup.llm.glob('*.safetensors'))[0]
    tensors = load_file(shard)
    tensors.popitem()
    save_file(tensors, shard)


def other_width(setup):
    file = setup.llm / 'config.json'
    config = {**json.loads(file.read_text()), 'hidden_size': 48}
    file.write_text(json.dumps(config))


def no_joint_17(setup):
    graph = setup.cfg.model.backbone.graph_cfg
    graph.layout.inward = [b for b in graph.layout.inward if 17 not in b]


TARGETS = 'model.cls_head.lora.target_modules'


@pytest.mark.parametrize('plant, level, words, remedy', [
    (no_folder, 'error', 'no model folder', 'fetch_smollm2'),
    (without('config.json'), 'error', 'lacks config.json', 'LVLM_PATH'),
    (without('tokenizer.json'), 'error', 'lacks its tokenizer', 'LVLM_PATH'),
    (without('*-00002-*.safetensors'), 'error', 'is missing', 'anew'),
    (without('*.index.json'), 'error', 'no weights', 'anew'),
    (cut, 'error', 'damaged or cut short', 'anew'),
    (lost_weight, 'error', 'stand in the index but in no file', 'anew'),
    (other_width, 'error', 'hidden_size 48, the weights 32', 'LVLM_PATH'),
    (option('model.cls_head.lvlm.type',
            'transformers.AutoNothing.from_pretrained'), 'error',
     'AutoNothing', 'cls_head.lvlm'),
    (option('model.cls_head.lvlm.type', 'nothing.there'), 'error',
     'nothing.there', '`model`'),
    (option(TARGETS, ['query', 'key']), 'error', 'called query, key',
     'q_proj'),
    (option(TARGETS, '.*attn.no'), 'error', 'called .*attn.no', 'q_proj'),
    (option(TARGETS, ['q_proj', 'qkv']), 'warning', 'called qkv', 'q_proj'),
    (option('model.cls_head.lvlm.attn_implementation', 'flash_attention_2'),
     'error', "'flash_attention_2', which does not read", '`model`'),
    (option('model.cls_head.num_classes', 5), 'error', 'num_classes=5',
     'class_names'),
    (option('model.neck.aux_head.num_classes', 10), 'error',
     'aux_head.num_classes` is 10', 'number of classes'),
    (option('model.cls_head.prompt', 'no place'), 'error', '{tokens}',
     '`model`'),
    (option('model.cls_head.answer', '{label}: why{reason}'), 'error',
     "joins the end of the class name 'drink'", 'cls_head.answer'),
    (option('model.backbone.type', 'STGCN3'), 'error', 'STGCN3', '`model`'),
    (no_joint_17, 'error', 'joints [17, 18, 19] hang on nothing',
     'graph_cfg.layout'),
])
def test_model(setup, plant, level, words, remedy):
    plant(setup)
    assert remedy in expect(look(setup), level, 'model', words).remedy


def test_names_written_in_two_ways(setup):
    names = [*CLASSES[:3], ('Drink', '')]
    setup.cfg.model.cls_head.class_names = names
    set_everywhere(setup.cfg, class_names=names)
    with pytest.warns(UserWarning, match="'drink' and 'Drink'"):
        found = look(setup)
    expect(found, 'warning', 'model', "'drink' and 'Drink'")


def test_hub_id_is_not_fetched(setup):
    setup.cfg.model.cls_head.lvlm.pretrained_model_name_or_path = 'some/llm'
    expect(look(setup), 'note', 'model', 'some/llm is no folder')


# ----------------------------------------------------------- the checkpoint
@pytest.fixture
def checkpoint(setup):
    """-> a function that changes a good state dict and writes it."""
    def write(change=lambda state: None):
        model = MODELS.build(setup.cfg.model)
        model.neck.align.set_texts(torch.randn(4, 9), torch.randn(9, 9))
        state = model.state_dict()
        state['neck.quantizer._codebook.initted'].fill_(True)
        change(state)
        path = setup.tmp / 'epoch_1.pth'
        torch.save(dict(meta=dict(epoch=1), state_dict=state), path)
        return str(path)
    return write


def test_healthy_checkpoint(setup, checkpoint):
    found = look(setup, checkpoint=checkpoint())
    assert exit_code(found) == 0
    assert found[-1].area == 'checkpoint' and 'epoch 1' in found[-1].text


def poison(state):
    state['neck.norm.weight'][3] = np.nan


@pytest.mark.parametrize('change, words, remedy', [
    (poison, 'neck.norm.weight', 'diverged'),
    (lambda s: s['neck.quantizer._codebook.initted'].fill_(False),
     'never started', 'training'),
    (lambda s: s.pop('neck.norm.bias'), 'not in it: neck.norm.bias',
     'config'),
    (lambda s: s.update(other=torch.ones(1)), 'not of the model: other',
     'config'),
    (lambda s: s.update({'neck.norm.bias': torch.ones(7)}),
     'neck.norm.bias (7,), model (32,)', 'config')])
def test_checkpoint(setup, checkpoint, change, words, remedy):
    found = look(setup, checkpoint=checkpoint(change))
    assert remedy in expect(found, 'error', 'checkpoint', words).remedy


def test_checkpoint_of_a_waiting_language_model(setup, checkpoint):
    found = look(setup, checkpoint=checkpoint())  # nothing was trained
    assert 'second stage' in expect(
        found, 'warning', 'checkpoint', 'its adapter is untrained').remedy


def test_no_checkpoint(setup):
    setup.cfg.load_from = str(setup.tmp / 'no.pth')
    expect(look(setup), 'error', 'checkpoint', 'no.pth')
    (setup.tmp / 'no.pth').write_bytes(b'garbage')
    expect(look(setup), 'error', 'checkpoint', 'no checkpoint of tensors')


def of_a_stock_model(state):
    """As a stock model with the same backbone has it."""
    for key in [k for k in state if not k.startswith('backbone.')]:
        del state[key]
    state['cls_head.fc.weight'] = torch.ones(60, 32)


def test_training_from_a_stock_backbone(setup, checkpoint):
    setup.cfg.load_from = checkpoint(of_a_stock_model)
    found = look(setup)
    assert exit_code(found) == 0
    assert 'initialises weights' in found[-1].text
    # To test with it, or of another backbone, is a mistake.
    expect(look(setup, checkpoint=setup.cfg.load_from), 'error', 'checkpoint',
           'weights of the model are not in it')
    state = torch.load(setup.cfg.load_from)['state_dict']
    key = next(k for k in state if state[k].dim())
    state[key] = torch.ones(1, 1, 1, 1, 1)
    torch.save(state, setup.cfg.load_from)
    expect(look(setup), 'warning', 'checkpoint', key)
    state = {k: torch.ones(1, 1, *v.shape) for k, v in state.items()}
    state['backbone.data_bn.running_mean'] = state.pop(
        'backbone.data_bn.running_mean')[0, 0]
    torch.save(state, setup.cfg.load_from)
    expect(look(setup), 'error', 'checkpoint', 'its backbone is another one')
    torch.save(dict(a=torch.ones(1)), setup.cfg.load_from)
    expect(look(setup), 'error', 'checkpoint', 'no weight of the model')


def test_checkpoint_of_another_model(setup, checkpoint):
    path = checkpoint()
    setup.cfg.model.cls_head.prompt = '{tokens} Why:\n'
    expect(look(setup, checkpoint=path), 'error', 'checkpoint',
           'trained with other `prompt`')
    setup.cfg.model.cls_head.same_task = False
    setup.cfg.model.cls_head.class_names = [
        ('run', ''), *CLASSES[1:]]
    set_everywhere(setup.cfg, class_names=setup.cfg.model.cls_head.class_names)
    found = look(setup, checkpoint=path)
    expect(found, 'warning', 'checkpoint', 'trained with other `class_names`')
    write_llava(setup.llm, width=16)
    head = setup.cfg.model.cls_head
    head.lvlm.type = (
        'transformers.LlavaForConditionalGeneration.from_pretrained')
    expect(look(setup, checkpoint=path), 'error', 'checkpoint',
           'another language model')


# ---------------------------------------------------------- the environment
def test_packages():
    versions = dict(torch='2.5.0', numpy='1.26.4', mmcv='2.1.0')
    found = list(check_packages(
        ['torch>=2.6,<2.14', 'numpy<2', 'mmcv-lite<2.2', 'peft>=0.17',
         'pytest>=7; extra == "test"'],
        lambda name: versions.get(name, '')))
    assert [(f.level, f.text, f.remedy) for f in found] == [
        ('error', 'torch is 2.5.0, tested is torch<2.14,>=2.6',
         "pip install 'torch<2.14,>=2.6'"),
        ('error', 'peft>=0.17 is not installed', "pip install 'peft>=0.17'"),
        ('ok', 'within their pins: numpy 1.26.4, mmcv 2.1.0', '')]


def test_two_mmcvs():
    assert not list(check_mmcv(lambda name: '2.1.0' if name == 'mmcv'
                               else ''))
    found, = check_mmcv(lambda name: '2.1.0')
    assert found.level == 'error' and 'pip uninstall' in found.remedy


def test_python():
    assert not list(check_python('>=3.10'))
    found, = check_python('<3.0')
    assert found.level == 'error' and found.remedy


def test_shared_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, 'disk_usage',
                        lambda path: SimpleNamespace(total=64e6))
    assert not list(check_shared_memory(0, tmp_path))
    found, = check_shared_memory(2, tmp_path)
    assert found.level == 'warning' and '--shm-size' in found.remedy


def test_work_dir(setup, monkeypatch):
    (setup.tmp / 'file').write_text('')
    setup.cfg.work_dir = str(setup.tmp / 'file/below')
    expect(look(setup), 'error', 'work dir', 'is a file')
    setup.cfg.work_dir = str(setup.tmp / 'work')
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: SimpleNamespace(
        total=1e12, free=1e8))
    expect(look(setup), 'error', 'work dir', '0.1 GB free')


# ----------------------------------------------------------------- the tool
def test_table_is_as_wide_as_the_terminal():
    findings = [Finding('error', 'data: val, test', 'a ' * 200, 'b' * 300)]
    for width in (80, 120):
        lines = table(findings, width).splitlines()
        assert {len(line) for line in lines} == {len(lines[0])}
        assert width - 2 <= len(lines[0]) <= width


def test_tool(tmp_path, run_tool, monkeypatch):
    monkeypatch.setenv('LVLM_PATH', '/nowhere/llm')
    monkeypatch.setenv('NUCLA_PKL', str(tmp_path / 'no'))
    done = run_tool('doctor.py', NUCLA, '--json', '--work-dir', tmp_path)
    assert done.code == 1 and 'Traceback' not in done.err
    found = json.loads(done.out)
    errors = [f for f in found if f['level'] == 'error']
    assert {f['area'] for f in errors} == {'model', 'data: train',
                                           'data: val, test'}
    assert all(f['remedy'] for f in errors)


def test_tool_without_a_config(run_tool):
    code, said, _ = run_tool('doctor.py')
    assert code == 0
    assert 'shims for' in said and said.splitlines()[-1].startswith(
        'errors: 0, ')


def test_tool_reads_the_config_as_training_does(run_tool, setup):
    setup.cfg.dump(setup.tmp / 'mine.py')
    code, said, _ = run_tool('doctor.py', setup.tmp / 'mine.py', '--samples',
                             2)
    assert code == 0 and ' 2 samples read ' in said
    code, said, _ = run_tool('doctor.py', setup.tmp / 'mine.py', '--all',
                             '--cfg-options', 'train_dataloader.batch_size=9')
    assert code == 1 and ' 8 samples read ' in said
    assert 'errors: 1,' in said and 'no batch' in said


def test_tool_on_a_config_that_is_none(run_tool, tmp_path):
    (tmp_path / 'bad.py').write_text('model = dict(\n')
    code, said, _ = run_tool('doctor.py', tmp_path / 'bad.py')
    assert code == 1
    assert 'errors: 1,' in said and f'{tmp_path}'[:8] in said


@pytest.mark.parametrize('args', [
    ['no.py'], ['--samples', '0'], ['--checkpoint', 'a.pth'],
    [NUCLA, '--all', '--samples', '3'], ['--what']])
def test_wrong_usage(run_tool, args):
    assert run_tool('doctor.py', *args)[:2] == (2, '')
