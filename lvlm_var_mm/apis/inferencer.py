"""Classify and explain one's own clips: a file in, an answer out."""
import os
from contextlib import nullcontext
from pathlib import Path
from typing import (Any, Callable, Dict, Iterator, List, Optional, Sequence,
                    Tuple, Union)

import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.registry import init_default_scope
from torch import nn
from tqdm import tqdm

from lvlm_var_mm.models.heads.base import LVLMBaseHead
from lvlm_var_mm.shipped import find_config
from mmaction.registry import INFERENCERS
from mmaction.structures import ActionDataSample
from .answers import (Answer, Ask, Outcome, answers_of, for_pipeline, observed,
                      said)
from .clips import Clip, Reading
from .influence import influence
from .inputs import listed
from .loading import class_names_of, load_model
from .problems import told
from .reading import read_clips
from .saving import AnswerFolder, picture_of
from .wanted import decodes_frames, pipeline_of, take_window, wanted_by


@INFERENCERS.register_module()
class ActionInferencer(BaseInferencer):
    """Answer what a person does in videos, frames or joints.

        inferencer = ActionInferencer('lvlmvar_quickstart', 'CHECKPOINT.pth')
        answer, = inferencer('S001C001P001R001A001.skeleton')['predictions']
        print(answer['class'], answer['score'], answer['reason'])

    The model is loaded once. A clip goes through the config's own test
    pipeline, so the scores are those of ``tools/test.py``. An input that
    cannot be read has an ``error`` in the place of an answer, and the others
    are answered all the same.

    Args:
        config (str | Path | Config): A config, by its file or name.
        checkpoint (str, optional): Of that model: a file, or a folder that
            ``tools/export.py`` has written. Without, the weights are random.
        device (str, optional): Defaults to an accelerator if there is one.
        classes (str | list, optional): Choose from other class names than
            those of the config, see :func:`lvlm_var_mm.class_lists.
            load_classes`.
        show_progress (bool): Show a bar while inputs are read.

    Raises:
        FileNotFoundError: No such config or checkpoint.
        ValueError: The checkpoint is of another model, or ``classes`` does
            not go with it.
    """
    preprocess_kwargs: set = {'fps', 'layout', 'img_shape', 'persons', 'pose'}
    forward_kwargs: set = {'reasons'}
    visualize_kwargs: set = {'return_vis'}
    postprocess_kwargs: set = {'out_dir'}

    def __init__(self,
                 config: Union[str, Path, Config],
                 checkpoint: Optional[str] = None,
                 device: Optional[str] = None,
                 classes: Union[str, Sequence, None] = None,
                 show_progress: bool = True) -> None:
        if not isinstance(config, Config):
            config = Config.fromfile(find_config(str(config)))
        self.other_classes = classes
        init_default_scope('mmaction')
        super().__init__(config, checkpoint, device, scope='mmaction',
                         show_progress=show_progress)
        self.wanted = wanted_by(self.cfg)
        self.names = class_names_of(self.model, self.cfg)

    @property
    def class_names(self) -> List[str]:
        """A name for each class; its number where it has none."""
        number = self.model.cls_head.num_classes
        return list(self.names or [f'class {i}' for i in range(number)])

    def __call__(self,
                 inputs: Any,
                 return_datasamples: bool = False,
                 batch_size: int = 1,
                 top_k: int = 5,
                 out_dir: Union[str, Path, None] = None,
                 return_vis: bool = False,
                 **kwargs) -> Dict[str, Any]:
        """Answer all inputs.

        Args:
            inputs: A path of a video, a ``.skeleton``, ``.npy``, ``.npz`` or
                ``.pkl`` file, ``.json`` of MMPose or rtmlib, or a folder of
                OpenPose; frames (T, H, W, 3) uint8, RGB; joints (M, T, V, C);
                an annotation, a dict with ``keypoint`` or ``filename``; a
                folder, or a list of any.
            return_datasamples (bool): Give the data samples too.
            batch_size (int): Clips that the model reads at a time.
            top_k (int): Classes to list.
            out_dir (str | Path, optional): Folder for ``predictions.json``
                and a picture of each answer.
            return_vis (bool): Give the pictures too.
            kwargs: Of :meth:`answers`.

        Returns:
            dict: ``predictions``, a dict for each input, in their order, with
            ``name``, ``source``, ``frames``, ``fps`` and what
            :func:`.answers.said` tells; with ``persons='each'`` and several
            persons these stand in ``persons``, a dict for each; or ``name``,
            ``source`` and ``error``. And ``visualization``, for each input
            its pictures, uint8 (H, W, 3) RGB, or None without
            ``return_vis``.
        """
        outcomes = self.answers(
            inputs, batch_size=batch_size, top_k=top_k,
            return_datasamples=return_datasamples, **kwargs)
        predictions, pictures = [], []
        with nullcontext() if out_dir is None else AnswerFolder(
                out_dir) as folder:
            for prediction, clips in outcomes:
                predictions.append(prediction)
                answers, drawn = answers_of(prediction), []
                if folder:
                    drawn = folder.add(prediction, clips, answers)
                elif return_vis:
                    drawn = self.visualize(clips, answers)
                pictures.append(drawn if return_vis else [])
        return self.postprocess(predictions, pictures if return_vis else None)

    def answers(self,
                inputs: Any,
                batch_size: int = 1,
                top_k: int = 5,
                fps: Optional[float] = None,
                layout: Union[str, Dict, None] = None,
                img_shape: Optional[Tuple[int, int]] = None,
                persons: str = 'together',
                pose: Optional[str] = None,
                reasons: bool = True,
                explain_spans: bool = False,
                return_datasamples: bool = False,
                verify: bool = False) -> Iterator[Outcome]:
        """Yield the outcome of each input in turn, as soon as its batch is
        read: nothing is kept of those before.

        Args:
            inputs, batch_size, top_k, return_datasamples: As above.
            fps (float, optional): Frames a second of what does not say its
                own.
            layout (str | dict, optional): Of joints, see
                :func:`lvlm_var_mm.layouts.load_layout`; by default the
                model's, or told by their number.
            img_shape (tuple[int, int], optional): Height and width of the
                picture that 2D joints lie in.
            persons (str): ``'together'``, or ``'each'`` for an answer each.
            pose (str, optional): ``'mediapipe'`` estimates joints in videos.
            reasons (bool): Write reasons, which takes longer than the class.
            explain_spans (bool): Tell by how much the score falls without
                each span of tokens (:func:`.influence.influence`).
            return_datasamples (bool): Keep each as ``data_sample``, no JSON.
            verify (bool): Leave out of reasons what the joints contradict.

        Raises:
            ValueError: An argument that does not fit.
            ImportError: ``pose`` is not installed.
        """
        how = Reading(fps, layout, img_shape, persons, pose)
        ask = Ask(reasons, top_k, explain_spans, return_datasamples, verify)
        if batch_size < 1:
            raise ValueError(f'`batch_size` is {batch_size}, not 1 or more')
        waiting: List[Tuple[Answer, List[Clip], List[Dict]]] = []
        for name, source in tqdm(list(listed(inputs)), 'clips', delay=2,
                                 disable=not self.show_progress or None):
            waiting.append(self._read(name, source, how))
            if sum(len(clips) for _, clips, _ in waiting) >= batch_size:
                yield from self._answered(waiting, batch_size, ask)
                waiting = []
        yield from self._answered(waiting, batch_size, ask)

    def _read(self, name: str, source: Any, how: Reading
              ) -> Tuple[Answer, List[Clip], List[Dict]]:
        """The prediction so far, the clips, and what the model takes."""
        prediction, clips = read_clips(name, source, self.wanted, how)
        try:
            data = [self.pipeline(for_pipeline(c, self.wanted)) for c in clips]
        except Exception as e:  # a clip may be anything
            if os.environ.get('LVLM_VAR_TRACEBACK'):
                raise
            prediction['error'] = told(prediction['source'], e, name)
            return prediction, [], []
        return prediction, clips, data

    def _answered(self, waiting: List, batch_size: int, ask: Ask
                  ) -> Iterator[Outcome]:
        clips = [c for _, clips, _ in waiting for c in clips]
        data = [d for *_, data in waiting for d in data]
        answers: List[Answer] = []
        for at in range(0, len(data), batch_size):
            part = slice(at, at + batch_size)
            answers += self.predict(clips[part], data[part], ask)
        rest = iter(answers)
        for prediction, clips, _ in waiting:
            own = [next(rest) for _ in clips]
            failed = [a for a in own if 'error' in a]
            if failed:  # of one shape, so what is wrong is so of all
                prediction, clips = dict(prediction, **failed[0]), []
            elif len(own) > 1:
                prediction['persons'] = [
                    dict(person=clip.person, **answer)
                    for clip, answer in zip(clips, own)]
            elif own:
                prediction.update(own[0])
            yield Outcome(prediction, tuple(clips))

    def predict(self, clips: Sequence[Clip], data: Sequence[Dict],
                ask: Ask = Ask()) -> List[Answer]:
        """Answer clips that went through the pipeline, as one batch. One that
        does not go through the model has an ``error``."""
        try:
            return self._predict(clips, data, ask)
        except torch.cuda.OutOfMemoryError:
            raise
        except (RuntimeError, ValueError) as e:
            if len(clips) > 1:  # such as videos of different shapes
                return [self.predict([clip], [one], ask)[0]
                        for clip, one in zip(clips, data)]
            if os.environ.get('LVLM_VAR_TRACEBACK'):
                raise
            return [dict(error=told(clips[0].source, e, clips[0].name))]

    def _predict(self, clips: Sequence[Clip], data: Sequence[Dict], ask: Ask
                 ) -> List[Answer]:
        batch = self.collate_fn(data)
        samples = self.forward(batch, reasons=ask.reasons)
        answers = [said(sample, self.names, observed(clip, self.wanted),
                        ask.top_k, ask.verify)
                   for clip, sample in zip(clips, samples)]
        if ask.explain_spans and all('tokens' in a for a in answers):
            influence(self.model, batch, answers)
        if ask.keep:
            for answer, sample in zip(answers, samples):
                answer['data_sample'] = sample
        return answers

    # ---------------------------------------- what BaseInferencer asks for
    @torch.no_grad()
    def forward(self, inputs: Dict, reasons: bool = True
                ) -> List[ActionDataSample]:
        """Predict a batch as a test loop does, with reasons as configured."""
        head = self.model.cls_head
        if not isinstance(head, LVLMBaseHead):
            return self.model.test_step(inputs)
        configured = head.explain
        head.explain = (configured or dict()) if reasons else None
        try:
            return self.model.test_step(inputs)
        finally:
            head.explain = configured

    def visualize(self, inputs: Sequence[Clip], preds: Sequence[Answer],
                  **kwargs) -> List[Any]:
        """Draw a picture of each answer, uint8 (H, W, 3) RGB."""
        return [picture_of(clip, answer)
                for clip, answer in zip(inputs, preds)]

    def postprocess(self, preds: List[Answer],
                    visualization: Optional[List] = None,
                    return_datasamples: bool = False, **kwargs
                    ) -> Dict[str, Any]:
        """Put answers and pictures together."""
        return dict(predictions=preds, visualization=visualization)

    def _init_pipeline(self, cfg: Config) -> Callable:
        steps = pipeline_of(cfg)
        opened = [i for i, step in enumerate(steps, 1)
                  if str(step['type']).endswith('Init')]
        for_files = Compose([
            *steps[:opened[0]], take_window, *steps[opened[0]:]
        ] if opened else steps)
        for_arrays = Compose([
            dict(type='ArrayDecode') if decodes_frames(str(step['type']))
            else step for step in steps
            if not str(step['type']).endswith('Init')])
        return lambda results: (
            for_arrays if 'array' in results else for_files)(results)

    def _init_collate(self, cfg: Config) -> Callable:
        return pseudo_collate

    def _init_visualizer(self, cfg: Config) -> None:
        """Pictures are drawn by :meth:`visualize`."""

    def _init_model(self, cfg: Config, weights: Optional[str],
                    device: str = 'cpu') -> nn.Module:
        return load_model(cfg, weights, device, self.other_classes)
