"""Measure what re-encoding videos small saves in training.

    python tools/perf/reencoded_video.py [--clips 3] [--repeats 5]

In one run: clips of the made sample are enlarged to 1920 x 1080 with sensor
noise, written as MPEG-4 like NTU RGB+D's, and re-encoded to a short side of
256. Then the head of the RGB pipeline, DecordInit to Resize(-1, 256) with 16
frames, reads both.

Times are wall clock, one process, medians over the repeats. The last line is
JSON. Real videos are textured otherwise, so the sizes are no more than an
example.
"""
import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Sequence


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--clips', type=int, default=3)
    parser.add_argument('--repeats', type=int, default=5)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import cv2
import decord
import numpy as np
from mmcv.transforms import Compose
from terminaltables import AsciiTable

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.preparation.reencode import reencode_folder
from lvlm_var_mm.synthetic.make import make_sample
from mmaction.registry import TRANSFORMS

PIPELINE = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=4, num_clips=1,
         test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 256))
]


def enlarge(source: Path, target: Path) -> None:
    """One made clip as large as a Kinect's, with some noise."""
    video = decord.VideoReader(str(source))
    noise = np.random.default_rng(0).integers(
        0, 12, (1090, 1930, 3), np.uint8)
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter_fourcc(*'XVID'),
                             video.get_avg_fps(), (1920, 1080))
    for i in range(len(video)):
        frame = cv2.resize(video[i].asnumpy(), (1920, 1080),
                           interpolation=cv2.INTER_CUBIC)
        y, x = i % 10, 7 * i % 10  # a sensor's noise changes by the frame
        frame = cv2.add(frame, noise[y:y + 1080, x:x + 1920])
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()


def seconds_a_clip(pipeline: Compose, videos: Sequence[Path],
                   repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for path in videos:
            pipeline(dict(filename=str(path), start_index=0, modality='RGB'))
        times.append((time.perf_counter() - start) / len(videos))
    return median(times)


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = make_sample(Path(folder) / 'sample', repeats=1,
                           performers=[1], progress=False)
        full, small = Path(folder) / 'full', Path(folder) / 'small'
        full.mkdir()
        made = sorted((root / 'nturgb+d_rgb').iterdir())[:args.clips]
        for path in made:
            enlarge(path, full / path.name)
        start = time.perf_counter()
        done = reencode_folder(full, small, 256, 1, progress=False)
        once = (time.perf_counter() - start) / len(made)
        pipeline = Compose([TRANSFORMS.build(t) for t in PIPELINE])
        times = [seconds_a_clip(pipeline, [f / p.name for p in made],
                                args.repeats) for f in (full, small)]
    sizes = [done.bytes_before / len(made) / 1e6,
             done.bytes_after / len(made) / 1e6]
    rows = [('', '1920 x 1080', 'short side 256'),
            ('MB per clip', *(f'{s:.2f}' for s in sizes)),
            ('s to read 16 frames', *(f'{t:.3f}' for t in times)),
            ('s to re-encode, once', '', f'{once:.2f}')]
    print(AsciiTable(rows, title=f'{len(made)} made clips').table)
    print(json.dumps(dict(
        clips=len(made), read_full_s=round(times[0], 4),
        read_small_s=round(times[1], 4),
        speedup=round(times[0] / times[1], 1), reencode_s=round(once, 3),
        mb_full=round(sizes[0], 3), mb_small=round(sizes[1], 3))))


if __name__ == '__main__':
    with user_errors():
        main()
