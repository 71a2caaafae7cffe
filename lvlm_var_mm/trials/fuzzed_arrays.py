"""Files of arrays: skeletons, annotations, stores, tokens, checkpoints."""
import io
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from lvlm_var_mm.checkpoint.loading import load_checkpoint_file
from lvlm_var_mm.datasets import SkeletonDataset, TokenDataset
from lvlm_var_mm.datasets.events import EventTable, save_table
from lvlm_var_mm.datasets.ntu.skeleton_io import (_walk, read_skeleton,
                                                  write_skeleton)
from lvlm_var_mm.datasets.ntu.skeleton_scan import scan
from lvlm_var_mm.datasets.store import SkeletonStore, StoreWriter
from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.kinematics import KINDS
from .damage import (BOMBS, Evil, damaged, either, evil, keypoints, labels,
                     odd_text)
from .fuzzed import CLASSES, Kind, Wrong

RNG = np.random.default_rng(0)


class Skeletons(Kind):
    """Raw files of NTU RGB+D; two readers must agree."""
    file = 'S001C001P001R001A001.skeleton'

    def whole(self) -> None:
        joints = RNG.normal(size=(2, 4, 25, 3))
        write_skeleton(self.path, joints, 500 + joints[..., :2], [71, 72])
        self.text = self.path.read_text()

    def draw(self, data: st.DataObject) -> None:
        self.path.write_bytes(data.draw(either(
            odd_text(self.text), damaged(self.text.encode()))))

    def read(self) -> None:
        found = read_skeleton(self.path)
        same = found['keypoint'].shape == (
            len(found['body_ids']), found['total_frames'], 25, 3)
        content = self.path.read_bytes()
        try:
            fast = scan(content)
        except ValueError:
            fast = None
        if fast is not None:
            slow = _walk(self.path, content)
            same &= all(np.array_equal(np.asarray(a), np.asarray(b),
                                       equal_nan=True)
                        for a, b in zip(fast[3:], slow[3:]))
        if not same or not np.isfinite(found['keypoint']).all():
            raise Wrong('two readers differ')


class Annotations(Kind):
    """Pickles that people make: labels are converted or refused, and nothing
    of them runs."""
    file = 'annotations.pkl'

    def draw(self, data: st.DataObject) -> None:
        self.expected, self.ran = None, self.folder / 'ran'
        way = data.draw(st.integers(0, 5))
        samples, right = [], []
        for i in range(data.draw(st.integers(1, 3))):
            label, number = data.draw(labels())
            sample = dict(frame_dir=f'clip{i}', label=label,
                          keypoint=data.draw(keypoints()))
            for key in data.draw(st.lists(st.sampled_from(
                    ['frame_dir', 'label', 'keypoint']), max_size=1)
                    if way == 1 else st.just([])):
                del sample[key]
            samples.append(sample)
            right.append(number)
        content = dict(
            split=data.draw(st.sampled_from(
                [{}, None, dict(train=[f'clip{i}' for i in range(3)])])),
            annotations=samples)
        protocol = data.draw(st.integers(0, 5))
        if way == 2:
            written = evil(content, f'touch {self.ran}', protocol)
        elif way == 3:
            written = data.draw(damaged(pickle.dumps(content, protocol)))
        elif way == 4:
            written = data.draw(st.sampled_from(BOMBS))
        else:
            written = pickle.dumps(data.draw(st.sampled_from(
                [content, samples, tuple(samples)])) if way else content,
                protocol)
            self.expected = right
        self.path.write_bytes(written)

    def read(self) -> None:
        try:
            dataset = SkeletonDataset(str(self.path), [],
                                      class_names=CLASSES)
            found = [dataset.get_data_info(i) for i in range(len(dataset))]
        finally:
            if self.ran.exists():
                self.ran.unlink()
                raise Wrong('a pickle ran a command')
        for info in found:
            if info['keypoint'].ndim != 4 or not np.isfinite(
                    info['keypoint']).all():
                raise Wrong('keypoints that are none')
        if self.expected is not None and (
                [info['label'] for info in found] != self.expected):
            raise Wrong(f'labels {[info["label"] for info in found]} of '
                        f'{self.expected}')


class Stores(Kind):
    """One file of a store."""
    file = 'store'

    def whole(self) -> None:
        with StoreWriter(self.folder / 'whole', dict(dataset='x')) as store:
            for i in range(5):
                store.add(dict(
                    frame_dir=f'clip{i}', label=i % 4, explanation=f'{i}',
                    keypoint=RNG.normal(size=(1, 2 + i, 5, 3)).astype('f4')))
            store.splits = dict(train=[0, 2, 4], val=[1, 3])
        save_table(EventTable('key', RNG.normal(size=(7, 5)).astype('f4'),
                              np.array([0, 1, 1, 3, 6, 7]),
                              np.ones((5, len(KINDS)), bool)),
                   self.folder / 'whole')
        self.contents = {p.name: p.read_bytes()
                         for p in sorted((self.folder / 'whole').iterdir())}
        self.expected = self._facts(self.folder / 'whole')

    def draw(self, data: st.DataObject) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        name = data.draw(st.sampled_from(sorted(self.contents)))
        gone = data.draw(st.integers(0, 9)) == 0
        for file, content in self.contents.items():
            if file == name:
                if gone:
                    continue
                ways = [damaged(content)]
                if name.endswith('.json'):
                    ways.append(odd_text(content.decode()))
                content = data.draw(either(*ways))
            (self.path / file).write_bytes(content)

    def _facts(self, path: Path) -> Any:
        store = SkeletonStore(path)
        samples = [store.sample(i) for i in range(len(store))]
        return ([(s['frame_dir'], s['label'], s['keypoint'].shape,
                  s.get('explanation')) for s in samples],
                {k: v.tolist() for k, v in store.splits.items()})

    def read(self) -> None:
        found = self._facts(self.path)
        # A store without explanations is a good one.
        if [s[:3] for s in found[0]] != [s[:3] for s in self.expected[0]] or (
                found[1] != self.expected[1]):
            raise Wrong('other samples, labels or splits')


class Tokens(Kind):
    """Caches of tokens."""
    file = 'tokens.npz'

    def whole(self) -> None:
        save_tokens(str(self.path), 'f' * 64, [
            dict(label=i, codes=RNG.integers(9, size=(2, 4)), meta=[
                dict(frame_dir=f'clip{i}', span=(0., 1.5),
                     events=RNG.normal(size=(i, 3)).astype('f4'))] * 2)
            for i in range(4)])
        self.content = self.path.read_bytes()
        self.expected = self._facts()

    def draw(self, data: st.DataObject) -> None:
        self.path.write_bytes(data.draw(damaged(self.content)))

    def _facts(self) -> Any:
        dataset = TokenDataset(str(self.path), test_mode=True)
        items = [dataset[i] for i in range(len(dataset))]
        return dataset.metainfo['fingerprint'], [
            (item['inputs'].tolist(), int(item['data_samples'].gt_label),
             item['data_samples'].span, item['data_samples'].frame_dir)
            for item in items]

    def read(self) -> None:
        if self._facts() != self.expected:
            raise Wrong('other codes or labels')


class Checkpoints(Kind):
    """Checkpoints of MMEngine; those that run something are refused."""
    file = 'epoch_1.pth'

    def whole(self) -> None:
        torch.save(dict(meta=dict(epoch=1), state_dict=dict(
            weight=torch.arange(12.).view(3, 4), age=torch.tensor(3))),
            self.path)
        self.content = self.path.read_bytes()

    def draw(self, data: st.DataObject) -> None:
        self.ran = self.folder / 'ran'
        if data.draw(st.integers(0, 9)):
            self.path.write_bytes(data.draw(damaged(self.content)))
        elif data.draw(st.booleans()):
            self.path.write_bytes(evil({}, f'touch {self.ran}', 2))
        else:
            file = io.BytesIO()
            torch.save(dict(a=Evil(f'touch {self.ran}')), file)
            self.path.write_bytes(file.getvalue())

    def read(self) -> None:
        try:
            found = load_checkpoint_file(str(self.path), 'cpu')
        finally:
            if self.ran.exists():
                self.ran.unlink()
                raise Wrong('a checkpoint ran a command')
        if not isinstance(found, dict):
            raise Wrong(f'a checkpoint that is a {type(found).__name__}')
