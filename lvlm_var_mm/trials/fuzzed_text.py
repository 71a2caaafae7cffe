"""Files of text: class lists, tables, OpenPose's frames; and videos."""
import csv
import io
import json
import shutil
from pathlib import Path
from typing import Callable, Dict

import cv2
import numpy as np
from hypothesis import strategies as st

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.datasets import VideoListDataset
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.preparation.custom_skeleton import read_clip
from lvlm_var_mm.preparation.custom_table import read_table
from .damage import ODD, damaged, either, odd_text
from .fuzzed import CLASSES, Kind, Wrong
from .fuzzed_arrays import Annotations, Checkpoints, Skeletons, Stores, Tokens


class ClassLists(Kind):
    """Text files of class names: a name must keep its number."""
    file = 'classes.txt'

    def draw(self, data: st.DataObject) -> None:
        names = data.draw(st.lists(st.sampled_from(
            [*CLASSES, *(f'{c} | what it is' for c in CLASSES), '', '# note',
             *ODD, 'täglich', 'a\tb']), max_size=6))
        text = '\n'.join(names)
        self.path.write_bytes(data.draw(either(
            st.just(text.encode()), odd_text(text),
            damaged(text.encode() or b'x'))))

    def read(self) -> None:
        found = load_classes(self.path)
        # As Python, editors and MMAction2 count lines.
        with open(self.path, encoding='utf-8-sig') as f:
            lines = [line.strip() for line in f]
        expected = [line.partition('|')[0].strip() for line in lines
                    if line and not line.startswith('#')]
        if list(found.names) != expected or len(set(expected)) < len(
                expected) or '' in expected:
            raise Wrong(f'{found.names} of {expected}')


class Tables(Kind):
    """The CSV of one's own data."""
    file = 'table.csv'

    def whole(self) -> None:
        for i in range(4):
            (self.folder / f'clip {i}.npy').touch()

    def draw(self, data: st.DataObject) -> None:
        out = io.StringIO()
        writer = csv.writer(out)
        columns = ['file', 'label', 'split', 'fps']
        writer.writerow(columns)
        self.expected: Dict[str, str] = {}
        odd = st.sampled_from(ODD)
        for i in range(4):
            label = data.draw(st.one_of(st.sampled_from(CLASSES), odd)
                              if i else st.sampled_from(CLASSES))
            writer.writerow([f'clip {i}.npy', label,
                             ['train', 'val', 'Test', 'train'][i],
                             data.draw(st.sampled_from(['', '30', '25.0']))])
            self.expected[f'clip {i}.npy'] = label.strip()
        text, way = out.getvalue(), data.draw(st.integers(0, 2))
        written = text.encode()
        if way:
            self.expected = {}
            written = data.draw(odd_text(text) if way == 1 else
                                damaged(text.encode()))
        self.path.write_bytes(written)

    def read(self) -> None:
        rows, classes = read_table(self.path, self.folder)
        found = {row.file: classes.names[row.label] for row in rows}
        if self.expected and found != self.expected:
            raise Wrong(f'{found} of {self.expected}')


class OpenPose(Kind):
    """A folder of OpenPose: frames are in the order of their numbers."""
    file = 'openpose'

    def draw(self, data: st.DataObject) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        frames = data.draw(st.sampled_from([1, 3, 11]))
        odd = data.draw(st.integers(-frames, frames - 1))
        for t in range(frames):
            people = [dict(pose_keypoints_2d=[
                number for j in range(18)
                for number in (20. * t + 10 * j + 100, 20. * j + 50, .5)])]
            if t == odd:
                people[0]['pose_keypoints_2d'] = data.draw(st.one_of(
                    st.lists(st.one_of(st.floats(), st.none(), st.text(
                        max_size=3), st.integers()), max_size=60),
                    st.none(), st.just([[1.] * 54] * 2), st.integers(),
                    st.just([1e999] * 54), st.just([10**400] * 54)))
            text = json.dumps(dict(people=people))
            if t == odd and data.draw(st.booleans()):
                text = data.draw(st.one_of(
                    st.sampled_from(['[]', '{}', 'null', '[' * 10**5,
                                     '{"people": 3}', '{"people": [3]}',
                                     '{"people": {"a": 1}}']),
                    damaged(text.encode()).map(
                        lambda b: b.decode('latin1'))))
            (self.path / f'{t + 1}_keypoints.json').write_text(
                text, 'utf-8', 'replace')
        self.whole_frames = frames if odd < 0 else 0

    def read(self) -> None:
        clip = read_clip(self.path, LAYOUTS['openpose18'],
                         img_shape=(1080, 1920))
        joints = clip['keypoint']
        if not np.isfinite(joints).all() or joints.shape[2:] != (18, 2):
            raise Wrong('keypoints that are none')
        if self.whole_frames and joints[0, :, 0, 0].tolist() != list(
                range(100, 20 * self.whole_frames + 81, 20)):
            raise Wrong('frames in another order')


class Videos(Kind):
    """Videos, read as in training; a decoder may end the process."""
    file = 'videos'

    def whole(self) -> None:
        self.path.mkdir(exist_ok=True)
        self.contents = {}
        for name, codec in (('a.avi', 'XVID'), ('a.mp4', 'mp4v'),
                            ('a.mkv', 'XVID')):
            path = self.folder / name
            writer = cv2.VideoWriter(
                str(path), cv2.VideoWriter_fourcc(*codec), 10, (64, 64))
            for t in range(12):
                writer.write(np.full((64, 64, 3), 20 * t, np.uint8))
            writer.release()
            self.contents[name] = path.read_bytes()

    def draw(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.contents)))
        content = data.draw(damaged(self.contents[name]))
        shutil.rmtree(self.path)
        self.path.mkdir()
        (self.path / name).write_bytes(content)
        (self.folder / 'list.txt').write_text(f'{self.path / name} 2\n')

    def read(self) -> None:
        dataset = VideoListDataset(
            str(self.folder / 'list.txt'), PIPELINE, test_mode=True)
        dataset.check_sample(0)
        item = dataset[0]
        if item['inputs'].shape != (1, 3, 4, 64, 64) or int(
                item['data_samples'].gt_label) != 2:
            # A head may say another size of the pictures.
            if tuple(item['inputs'].shape)[:3] != (1, 3, 4):
                raise Wrong(f'frames of {tuple(item["inputs"].shape)}')


PIPELINE = [
    dict(type='DecordInit', num_threads=1),
    dict(type='SampleFrames', clip_len=4, frame_interval=2, num_clips=1,
         test_mode=True),
    dict(type='DecordDecode'),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=())]
KINDS: Dict[str, Callable[[Path], Kind]] = dict(
    skeletons=Skeletons, annotations=Annotations, stores=Stores,
    tokens=Tokens, checkpoints=Checkpoints, classes=ClassLists,
    tables=Tables, openpose=OpenPose, videos=Videos)
