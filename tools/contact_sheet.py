"""Draw one sample of each class: its skeleton and its video, side by side;
of data without videos the skeleton alone.

    python tools/contact_sheet.py DATA_ROOT OUT.png [--split xsub_val]

DATA_ROOT holds nturgb+d_rgb/ and nturgb+d_skeletons/ of NTU RGB+D, or of the
made sample (python tools/make_sample.py); or skeletons alone, as raw files, a
store of prepare_ntu.py or the path of a pickle. Left and right of the body are
blue and orange; the white frame in a picture is what PersonCrop takes.
"""
import argparse
import os
import textwrap

from _numbers import at_least_one


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('data_root', help='folder of the data')
    parser.add_argument('out', help='picture to write, .png')
    parser.add_argument('--benchmark', default='ntu60',
                        choices=['ntu60', 'ntu120'])
    parser.add_argument('--split', default='xsub_val')
    parser.add_argument('--frames', type=at_least_one, default=5,
                        help='moments of each sample (default 5)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import decord
import numpy as np
from matplotlib.figure import Figure
from mmengine.dataset import BaseDataset

from lvlm_var_mm.atomic import replaced
from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.datasets import (NTURGBDPairedDataset, NTURGBDSkeletonDataset,
                                  PersonCrop)
from lvlm_var_mm.datasets.ntu.dataset import folders_of
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.visualization.samples import (draw_frames, draw_skeleton,
                                               spread)

HEIGHT, GAP = 144, 8  # pixels of a row
LEFT, TOP = 200, 60  # pixels for text


def open_split(args: argparse.Namespace) -> BaseDataset:
    """The pairs of video and skeleton, or the skeletons if it has no video."""
    settings = dict(
        pipeline=[], split=args.split, benchmark=args.benchmark,
        test_mode=True)  # else another takes the place of a corrupt one
    videos = [
        file for folder in folders_of(args.data_root,
                                      NTURGBDPairedDataset.folder)
        for file in os.listdir(folder)
        if file.endswith(NTURGBDPairedDataset.suffix)]
    kind = NTURGBDPairedDataset if videos else NTURGBDSkeletonDataset
    return kind(args.data_root, **settings)


def strips(item: dict, frames: int) -> list:
    """A sample's skeleton and, where it has one, its video at the same
    moments, uint8 (HEIGHT, W, 3) each."""
    if 'keypoint_3d' not in item:
        joints = item['keypoint']
        layout = next((name for name, layout in LAYOUTS.items()
                       if layout.num_joints == joints.shape[2]), 'ntu25')
        return [draw_skeleton(joints, layout, frames, HEIGHT)]
    video = decord.VideoReader(item['filename'], num_threads=1)
    times = spread(len(video), frames)
    imgs = list(video.get_batch(times).asnumpy())
    crop = PersonCrop()(dict(
        item, imgs=imgs, img_shape=imgs[0].shape[:2], frame_inds=times))
    nearest = abs(times[:, None] - item['video_frames']).argmin(1)
    return [draw_skeleton(item['keypoint_3d'], 'ntu25', nearest, HEIGHT),
            draw_frames(imgs, HEIGHT, crop['crop_bbox'])]


def sheet(rows: list, title: str) -> Figure:
    """Rows (name of the class, name of the sample, strips) -> figure."""
    width = LEFT - GAP + max(sum(strip.shape[1] + GAP for strip in strips)
                             for _, _, *strips in rows)
    height = TOP + len(rows) * (HEIGHT + GAP)
    figure = Figure((width / 100, height / 100), 100, facecolor='white')
    figure.text(GAP / width, 1 - TOP / 2 / height, title, va='center',
                size=14, weight='bold')
    for i, (action, name, *pictures) in enumerate(rows):
        y, x = height - TOP - i * (HEIGHT + GAP), LEFT
        figure.text(GAP / width, (y - 30) / height,
                    '\n'.join(textwrap.wrap(action, 20)), va='top', size=12)
        figure.text(GAP / width, (y - HEIGHT + 12) / height, name,
                    size=7, color='gray')
        for picture in pictures:
            figure.figimage(picture, x, y - HEIGHT, origin='upper')
            x += picture.shape[1] + GAP
    return figure


def main() -> None:
    args = parse_args()
    if not args.out.endswith('.png'):
        raise ValueError(f'{args.out}: must end in .png')
    dataset = open_split(args)
    names = load_classes(args.benchmark).names
    # The base class's: the list alone, no sample is read for its label.
    labels = np.array([BaseDataset.get_data_info(dataset, i)['label']
                       for i in range(len(dataset))])
    rows = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        # Not the first of each, which would all be of one camera.
        item = dataset[int(members[len(rows) % len(members)])]
        rows.append((f'A{label + 1:03} {names[label]}', item['frame_dir'],
                     *strips(item, args.frames)))
    note = dataset.metainfo.get('note', 'NTU RGB+D')
    paired = isinstance(dataset, NTURGBDPairedDataset)
    shown = 'skeleton and video at the same moments' if paired else 'skeleton'
    title = (f'{args.split} of {args.benchmark}: one sample per class, '
             f'{shown}\n{note}')
    with replaced(args.out) as f:
        sheet(rows, title).savefig(f, format='png')
    print(f'{args.out}: {len(rows)} classes')


if __name__ == '__main__':
    with user_errors():
        main()
