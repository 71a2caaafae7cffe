"""Write the config that trains on your own data: what differs from ours."""
import os.path as osp
import shlex
from pathlib import Path
from pprint import pformat
from string import Template
from typing import Dict

from lvlm_var_mm.layouts import LAYOUTS, Layout
from lvlm_var_mm.shipped import CONFIGS, INSTALLED, SCOPE
from .custom_bodies import Bodies

# As for Northwestern-UCLA, which is as small as most people's own data.
MAX_EPOCHS, WARMUP_EPOCHS = 60, 52

CONFIG = Template("""\
# python -m lvlm_var_mm train $command
#
# Written by tools/prepare_custom.py, to be changed at will. The language
# model reads the tokens in the last epochs, see `warmup_epochs`.
_base_ = [
    $bases
]

work_dir = $work_dir
here = "{{ fileDirname }}"
class_names = f'{here}/classes.txt'
num_classes = $num_classes
batch_size = $batch_size
max_epochs = $max_epochs
warmup_epochs = $warmup_epochs

$pipelines
$model_settings
$loaders
val_evaluator = [dict(type='AccMetric'), dict(type='TokenMetric')]
test_evaluator = val_evaluator

train_cfg = dict(
    max_epochs=max_epochs, dynamic_intervals=[(warmup_epochs + 1, 1)])
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='CodeNamesHook')
]
# The language model has a schedule of its own, from when it reads.
optim_wrapper = dict(
    constructor='PartwiseOptimWrapperConstructor',
    paramwise_cfg=dict(
        parts={
            'cls_head': dict(lr=4e-4, decay_mult=0.),
            'cls_head.projector': dict(lr=1e-3, decay_mult=0.),
        }))
in_epochs = dict(by_epoch=True, convert_to_iter_based=True)
warm = dict(type='PartLinearLR', start_factor=0.01, **in_epochs)
cosine = dict(type='PartCosineAnnealingLR', **in_epochs)
reading = dict(parts=['cls_head'], begin=warmup_epochs)
param_scheduler = [
    dict(**warm, parts=['rest'], end=3),
    dict(**cosine, parts=['rest'], end=warmup_epochs, eta_min_ratio=0.001),
    dict(**warm, **reading, end=warmup_epochs + 2),
    dict(**cosine, **reading, end=max_epochs)
]
""")

LOADERS = Template("""\
loader = dict(batch_size=batch_size, num_workers=2, persistent_workers=True)
train_dataloader = dict(
    **loader,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**dataset, $train, pipeline=train_pipeline))
val_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **dataset, $val, pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **dataset, $test, pipeline=test_pipeline, test_mode=True))
""")

CLASSES = """\
    neck=dict(aux_head=dict(num_classes=num_classes)),
    cls_head=dict(num_classes=num_classes, class_names=class_names))
"""

GRAPH = Template("""\
model = dict(
    backbone=dict(
        in_channels=$in_channels,
        graph_cfg=dict(
            _delete_=True,
            layout=$layout,
            mode='spatial')),
""")

SKELETON_DATA = Template("""\
dataset = dict(
    type='SkeletonDataset',
    ann_file=f'{here}/store',
    class_names=class_names,
    num_joints=$num_joints)
""")

VIDEO_DATA = Template("""\
dataset = dict(
    type='VideoListDataset',
    data_prefix=dict(video=$root),
    class_names=class_names$explanations)
""")

# Coordinates and their motion, then packed.
FEATURES = Template("""\
features = [
    dict(type='SkeletonFeatures', feats=['j', 'jm']),
    dict(type='FormatGCNInput', num_person=$num_person),
    dict(
        type='PackActionInputs',
        meta_keys=('frame_dir', 'explanation', 'events', 'decidable',
                   'span'))
]
""")

SPACE = Template("""\
clip_len = 48
# The direction that points up in the axes of the data.
up = $up
$events
$align
train_pipeline = [
    *events, align,
    dict(type='ResampleFrames', clip_len=clip_len, part=(0.5, 1.0)),
    dict(type='RandomViewpoint3D', turn=30, tilt=15, stretch=0.1,
         up=up),
    *features
]
test_pipeline = [
    *events, align,
    dict(type='ResampleFrames', clip_len=clip_len, part=(0.5, 0.95),
         test_mode=True), *features
]
""")

PICTURE = """\
clip_len = 48
# A clip says the height and width of its picture.
train_pipeline = [
    dict(type='NormalizePicture2D'),
    dict(type='UniformSampleFrames', clip_len=clip_len),
    dict(type='PoseDecode'), *features
]
test_pipeline = [
    dict(type='NormalizePicture2D'),
    dict(type='UniformSampleFrames', clip_len=clip_len, test_mode=True),
    dict(type='PoseDecode'), *features
]
"""

VIDEO = """\
clip = dict(type='SampleFrames', clip_len=16, frame_interval=4, num_clips=1)
train_pipeline = [
    dict(type='DecordInit'), clip,
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 128)),
    dict(type='RandomCrop', size=112),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('frame_dir', 'explanation'))
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(**clip, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 128)),
    dict(type='CenterCrop', crop_size=112),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('frame_dir', 'explanation'))
]
"""

# Body-part events name the codes; they need the names of the joints.
EVENTS = Template("""\
# What the joints do names the codes. Frames per second of clips that do not
# say theirs:
fps = $fps
events = [
    dict(
        type='BodyPartEvents',
        layout=$layout,
        fps=fps,
        up=up$mirrored)
]""")
NO_EVENTS = """\
# No events, and no names of codes: the layout does not name left_shoulder,
# right_shoulder, left_hip and right_hip.
events = []"""

ALIGN = Template("""\
align = dict(
    type='AlignSkeleton3D',
    center=$center,
    torso=$torso,
    left_right=$left_right,
    up=up)""")


def check_configs() -> None:
    """Raises:
        FileNotFoundError: The package has been copied without its configs.
    """
    if not (CONFIGS / '_base_').is_dir():
        raise FileNotFoundError(
            f'no folder {CONFIGS}: the config is built on those of the '
            'package; install it with `pip install .` or `pip install -e .`'
        )


def skeleton_config(out: Path, layout: Layout, bodies: Bodies,
                    num_classes: int, sizes: Dict[str, int]) -> str:
    """The text of ``out/config.py`` for a store.

    Args:
        out (Path): The folder of the data.
        layout (Layout): Of the joints.
        bodies (Bodies): What they say of axes and clock.
        num_classes (int): Classes.
        sizes (dict): Samples of each split.
    """
    dims = bodies.dims
    pipelines = FEATURES.substitute(num_person=bodies.persons) + (
        PICTURE if dims == 2 else SPACE.substitute(
            up=tuple(map(int, bodies.axes.up)),
            events=_events(layout, bodies), align=_align(layout)))
    graph = pformat(layout.graph_cfg(), width=60, compact=True)
    model = GRAPH.substitute(
        # Positions and motion; the score of a 2D joint goes with them.
        in_channels=2 * dims + (dims == 2),
        layout=graph.replace('\n', '\n' + ' ' * 19))
    data = SKELETON_DATA.substitute(num_joints=layout.num_joints)
    return _config(out, 'lvlmvar_skeleton', pipelines, model + CLASSES, data,
                   {s: f'split={s!r}' for s in sizes}, num_classes, sizes)


def video_config(out: Path, root: Path, explained: bool, num_classes: int,
                 sizes: Dict[str, int]) -> str:
    """The text of ``out/config.py`` for lists of videos below ``root``."""
    data = VIDEO_DATA.substitute(
        root=repr(str(root.resolve())),
        explanations=",\n    explanations=f'{here}/explanations.json'"
        if explained else '')
    return _config(out, 'lvlmvar_rgb', VIDEO, 'model = dict(\n' + CLASSES,
                   data, {s: f"ann_file=f'{{here}}/{s}.txt'" for s in sizes},
                   num_classes, sizes)


def _config(out: Path, model: str, pipelines: str, model_settings: str,
            data: str, where: Dict[str, str], num_classes: int,
            sizes: Dict[str, int]) -> str:
    val = 'val' if 'val' in sizes else 'test'
    test = 'test' if 'test' in sizes else 'val'
    loaders = LOADERS.substitute(
        train=where['train'], val=where[val], test=where[test])
    # No epoch without a batch.
    batch_size = min(32, sizes['train'])
    parts = 'default_runtime', f'models/{model}', 'schedules/adamw_cosine'
    return CONFIG.substitute(
        command=shlex.quote(str(out / 'config.py')),
        bases=',\n    '.join(repr(f'{_base(out)}/{p}.py') for p in parts),
        work_dir=repr(f'work_dirs/{out.resolve().name}'),
        num_classes=num_classes,
        batch_size=batch_size,
        max_epochs=MAX_EPOCHS,
        warmup_epochs=WARMUP_EPOCHS,
        pipelines=pipelines,
        model_settings=model_settings,
        loaders=data + loaders)


def _base(out: Path) -> str:
    """Our base configs as seen from ``out``: by a relative path inside the
    checkout, which may then be moved, by an absolute one outside. Those of a
    wheel are named by the package, since environments come and go."""
    if INSTALLED:
        return f'{SCOPE}_base_'
    base, out = CONFIGS / '_base_', out.resolve()
    if CONFIGS.parent in out.parents:
        return osp.relpath(base, out)
    return str(base)


def _events(layout: Layout, bodies: Bodies) -> str:
    if not layout.has_trunk:
        return NO_EVENTS
    source = repr(layout.name) if layout.name in LAYOUTS else pformat(
        dict(layout.graph_cfg(), joints=list(layout.joints)), width=60,
        compact=True).replace('\n', '\n' + ' ' * 15)
    return EVENTS.substitute(
        layout=source, fps=f'{bodies.fps:g}',
        mirrored=',\n        mirrored=True' if bodies.axes.mirrored else '')


def _align(layout: Layout) -> str:
    """Write the settings of AlignSkeleton3D that the names of the joints
    give."""
    def pair(*names):
        joints = tuple(layout.index(name) for name in names)
        return None if None in joints else joints

    sides = [pair(f'left_{part}', f'right_{part}')
             for part in ('shoulder', 'hip')]
    torso = (pair('pelvis', 'chest') or pair('pelvis', 'neck')
             or pair('left_hip', 'left_shoulder'))
    spine = layout.index('spine')
    center = pair('left_hip', 'right_hip') if spine is None else spine
    return ALIGN.substitute(
        center=layout.center if center is None else center, torso=torso,
        left_right=None if None in sides else sides)
