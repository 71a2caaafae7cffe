"""Draw the answers to clips while a model is tested or validated."""
import math
import os.path as osp
from pathlib import Path
from typing import Any, Collection, Dict, Optional, Sequence

import cv2
import numpy as np
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from lvlm_var_mm.apis.answers import observed, said
from lvlm_var_mm.apis.clips import Clip
from lvlm_var_mm.apis.loading import class_names_of
from lvlm_var_mm.apis.wanted import Wanted, wanted_by
from lvlm_var_mm.atomic import replaced
from lvlm_var_mm.visualization.answer import draw_answer
from mmaction.registry import HOOKS, VISUALIZERS
from mmaction.structures import ActionDataSample
from mmaction.visualization import ActionVisualizer


@VISUALIZERS.register_module()
class AnswerVisualizer(ActionVisualizer):
    """``ActionVisualizer`` that draws a clip as one picture: what was seen
    over time, tokens, events, scores and reason. Its backends, such as
    TensorBoard's, store it as an image."""

    @master_only
    def add_datasample(self, name: str, video: Optional[np.ndarray] = None,
                       data_sample: Optional[ActionDataSample] = None,
                       clip: Optional[Clip] = None,
                       wanted: Optional[Wanted] = None,
                       out_path: Optional[str] = None, step: int = 0,
                       show_frames: bool = False, wait_time: float = 2,
                       **kwargs) -> np.ndarray:
        """Draw a prediction.

        Args:
            name (str): Of the clip.
            video (np.ndarray, optional): (T, H, W, 3), where there is no
                ``clip``.
            data_sample (:obj:`ActionDataSample`): With the prediction.
            clip (Clip, optional): With joints or frames.
            wanted (Wanted, optional): How its joints are measured.
            out_path (str, optional): A ``.png`` in the place of the backends.
            step (int): For the backends.
            show_frames (bool): Show it in a window.
            wait_time (float): Seconds that the window stays.

        Returns:
            np.ndarray: uint8 (H, W, 3), RGB.
        """
        if clip is None:
            clip = Clip(name, name, {}, 30., len(video), video=video)
        picture = draw_sample(clip, data_sample, self.names, wanted)
        if show_frames:
            self.show(picture, win_name=name, wait_time=wait_time)
        if out_path is not None:
            _write(out_path, picture)
        else:
            self.add_image(name, picture, step=step)
        return picture

    @property
    def names(self) -> Optional[Sequence[str]]:
        """Class names, of ``dataset_meta``."""
        return (self.dataset_meta or {}).get('classes')


def stem_of(name: str, names: Collection[str]) -> str:
    """Return what the picture of a clip is called: as much of its path, from
    the end, as no other clip shares, with ``_`` between the folders.

    Args:
        name (str): Of the clip.
        names (collection[str]): Of all clips of the data set, so that it is
            the same in all epochs and processes.
    """
    parts = Path(name).parts
    for n in range(1, len(parts)):
        end = '/'.join(parts[-n:])
        if not any(other != name and f'/{other}'.endswith(f'/{end}')
                   for other in names):
            return '_'.join(parts[-n:])
    return '_'.join(parts).strip(osp.sep)


@HOOKS.register_module()
class AnswerPicturesHook(Hook):
    """Draw some of the clips of a test or a validation: what
    ``VisualizationHook`` is for, which takes no input of a 3D recognizer.

    Joints are drawn as the data set has them, before any transform; frames as
    the model sees them.

    Args:
        enable (bool): Draw at all.
        interval (int): Every so many clips.
        out_dir (str, optional): Folder for ``NAME.png``, or
            ``FOLDER_NAME.png`` where several folders have that name.
            Without, the visualizer's backends store the pictures, such as
            TensorBoard's.
        show (bool): Show each in a window.
        wait_time (float): Seconds that a window stays.
    """

    def __init__(self, enable: bool = False, interval: int = 100,
                 out_dir: Optional[str] = None, show: bool = False,
                 wait_time: float = 2) -> None:
        if interval < 1:
            raise ValueError(f'AnswerPicturesHook: `interval` is {interval}, '
                             'must be at least 1')
        self.enable, self.interval, self.out_dir = enable, interval, out_dir
        self.show, self.wait_time = show, wait_time
        self._numbers: Dict[int, Dict[str, int]] = {}

    def after_val_iter(self, runner: Runner, batch_idx: int,
                       data_batch: Dict, outputs: Sequence[ActionDataSample]
                       ) -> None:
        self._draw(runner, runner.val_dataloader, batch_idx, data_batch,
                   outputs, runner.iter)

    def after_test_iter(self, runner: Runner, batch_idx: int,
                        data_batch: Dict, outputs: Sequence[ActionDataSample]
                        ) -> None:
        self._draw(runner, runner.test_dataloader, batch_idx, data_batch,
                   outputs, 0)

    def _draw(self, runner: Runner, loader: DataLoader, batch_idx: int,
              data_batch: Dict, samples: Sequence[ActionDataSample],
              step: int) -> None:
        if not self.enable:
            return
        # The last batch may be a smaller one.
        first = batch_idx * (loader.batch_size or len(samples))
        wanted = wanted_by(runner.cfg)
        model = getattr(runner.model, 'module', runner.model)
        names = class_names_of(model, runner.cfg)
        start = math.ceil(first / self.interval) * self.interval - first
        for i in range(start, len(samples), self.interval):
            sample = samples[i]
            name = str(sample.get('frame_dir') or sample.get('filename')
                       or f'clip {first + i}')
            inputs = data_batch['inputs']
            if isinstance(inputs, dict):  # of a pair
                inputs = inputs['rgb']
            clip = self._clip(name, loader.dataset, inputs[i], wanted)
            picture = draw_sample(clip, sample, names, wanted)
            if self.show:
                runner.visualizer.show(picture, win_name=name,
                                       wait_time=self.wait_time)
            stem = stem_of(name, self._number(loader.dataset))
            if self.out_dir is not None:
                _write(osp.join(self.out_dir, f'{stem}.png'), picture)
            elif not self.show:
                runner.visualizer.add_image(stem, picture, step=step)

    def _clip(self, name: str, dataset: Any, inputs: Any, wanted: Wanted
              ) -> Clip:
        number = self._number(dataset).get(name)
        info = {} if number is None else dataset.get_data_info(number)
        fps = float(info.get('fps') or wanted.fps)
        keypoint = info.get('keypoint')
        if not wanted.video and np.ndim(keypoint) == 4:
            layout = wanted.layout
            if layout and layout.num_joints == keypoint.shape[2]:
                score = info.get('keypoint_score')
                if score is not None:
                    keypoint = keypoint * (score > 0)[..., None]
                return Clip(name, name, {}, fps, keypoint.shape[1], keypoint,
                            layout)
        frames = np.asarray(inputs)
        if wanted.video and frames.ndim == 5:  # views, C, T, H, W
            frames = frames[0].transpose(1, 2, 3, 0).clip(0, 255).astype('u1')
            return Clip(name, name, {}, fps, len(frames), video=frames)
        return Clip(name, name, {}, fps, int(info.get('total_frames', 1)))

    def _number(self, dataset: Any) -> Dict[str, int]:
        """Map names to places in the data set; empty if it lists none."""
        if id(dataset) not in self._numbers:
            plain = getattr(dataset, 'get_plain_info', None)
            self._numbers[id(dataset)] = {} if plain is None else {
                str(plain(i).get('frame_dir')): i
                for i in range(len(dataset))}
        return self._numbers[id(dataset)]


def draw_sample(clip: Clip, sample: ActionDataSample,
                names: Optional[Sequence[str]],
                wanted: Optional[Wanted] = None) -> np.ndarray:
    """Draw the prediction of a clip, uint8 (H, W, 3) RGB."""
    seen = None if wanted is None else observed(clip, wanted)
    answer = said(sample, names, seen)
    truth, seconds = _truth(sample, names), clip.frames / clip.fps
    if clip.video is not None and sample.get('span') is not None:
        seconds = float(sample.span[1])
    return draw_answer(answer, clip.name, clip.keypoint, clip.layout,
                       clip.video, max(seconds, 1 / clip.fps), truth)


def _truth(sample: ActionDataSample, names: Optional[Sequence[str]]
           ) -> Optional[str]:
    label = sample.get('gt_label')
    if label is None or int(label) < 0:
        return None
    return names[int(label)] if names else f'class {int(label)}'


def _write(path: str, picture: np.ndarray) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode('.png', picture[..., ::-1])
    with replaced(path) as f:
        f.write(data.tobytes())
