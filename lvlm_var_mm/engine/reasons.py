"""Count what happens in the clips of each class, for the reasons that a head
learns to give."""
import random
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
from mmengine.dataset import (BaseDataset, ClassBalancedDataset, ConcatDataset,
                              RepeatDataset)
from mmengine.hooks import Hook
from mmengine.runner import Runner
from tqdm import tqdm

from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.tokens import TokenDataset
from lvlm_var_mm.datasets.transforms.events import BodyPartEvents
from lvlm_var_mm.datasets.transforms.mirror import MirrorSkeleton3D
from lvlm_var_mm.kinematics.rows import in_a_mirror
from mmaction.registry import HOOKS
from .averaged import copies


class ClipEvents(NamedTuple):
    """Hold the label and the events of a training clip.

    Attributes:
        label (int): Its class.
        events (array, optional): (Q, 5), see ``kinematics.rows``; None where
            the pipeline measures none.
        decidable (array, optional): bool (E, ), with ``events``.
        explanation (str): Empty where there is none.
    """
    label: int
    events: Optional[np.ndarray]
    decidable: Optional[np.ndarray]
    explanation: str


@HOOKS.register_module()
class ClipReasonsHook(Hook):
    """Count the body-part events of the training clips of each class before
    training, for :class:`~lvlm_var_mm.models.heads.reasons.ClipReasons`; the
    log says where reasons come from.

    Of large data sets some clips of each class are enough. Of videos with
    paired skeletons the joints are read, no video is.

    Args:
        per_class (int): The most clips of a class that are looked at.
    """

    def __init__(self, per_class: int = 200) -> None:
        self.per_class = per_class

    def before_train(self, runner: Runner) -> None:
        model, *averaged = copies(runner)
        reasons = getattr(getattr(model, 'cls_head', None), 'reasons', None)
        if reasons is None or not reasons.used:
            return
        clips = chosen(runner.train_dataloader.dataset, self.per_class)
        written, measured, labelled = 0, 0, []
        for info in tqdm(clips, desc='events of the classes', unit='clip',
                         disable=None if len(clips) > 1000 else True):
            found = events_of(*info)
            if found is None:
                continue
            written += bool(found.explanation)
            if found.events is not None:
                measured += 1
                labelled += as_trained(info[0], found)
        reasons.fit(labelled)  # without any, a checkpoint's go as well
        for other in averaged:
            other.cls_head.reasons.set_counts(reasons.counts, reasons.totals)
        classes = model.cls_head.classes
        texts = sum(map(bool, classes.descriptions))
        runner.logger.info(
            f'reasons to learn: of {len(clips)} clips looked at {written} '
            f'have an `explanation`, {measured} have body-part events, '
            'of which those are told that speak for the class; '
            f'{"others get" if labelled else "clips get"} the description of '
            f'their class, which {texts} of {len(classes.names)} classes '
            'have')


def chosen(dataset: BaseDataset, per_class: int
           ) -> List[Tuple[BaseDataset, int]]:
    """Choose clips of each class at random, always the same: ``(data set,
    number)`` of each, inside of all wrappers."""
    by_class: Dict[int, list] = {}
    for leaf in leaves(dataset):
        for i in range(len(leaf)):
            # The base class's: the list alone, nothing is read.
            label = BaseDataset.get_data_info(leaf, i).get('label')
            if label is not None:
                by_class.setdefault(int(label), []).append((leaf, i))
    rng = random.Random(0)
    return [clip for label in sorted(by_class)
            for clip in rng.sample(by_class[label],
                                   min(per_class, len(by_class[label])))]


def leaves(dataset: BaseDataset) -> Iterator[BaseDataset]:
    """The data sets inside of wrappers that have a list of clips."""
    if isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from leaves(part)
    elif isinstance(dataset, (RepeatDataset, ClassBalancedDataset)):
        yield from leaves(dataset.dataset)
    elif isinstance(dataset, BaseDataset):
        yield dataset


def events_of(dataset: BaseDataset, i: int) -> Optional[ClipEvents]:
    """Return what is known of a clip; None of one that is corrupt."""
    if isinstance(dataset, TokenDataset):
        info = dataset.get_data_info(i)
        meta = info['meta'][0]
        return _known(info['label'], meta)
    measure = [t for t in dataset.pipeline.transforms
               if isinstance(t, BodyPartEvents)]
    try:
        if not measure:
            info = BaseDataset.get_data_info(dataset, i)
            return ClipEvents(info['label'], None, None,
                              info.get('explanation', ''))
        info = measure[0](dataset.get_data_info(i))
    except CorruptSampleError:  # told when training reads it
        return None
    return _known(info['label'], info)


def as_trained(dataset: BaseDataset,
               found: ClipEvents) -> List[Tuple[int, np.ndarray, float]]:
    """Return label and (Q, 5) events of a clip as training shows it, each with
    its share: if the pipeline mirrors some clips, in a mirror as well."""
    pipeline = getattr(dataset.pipeline, 'transforms', ())
    share = max((t.share(found.explanation) for t in pipeline
                 if isinstance(t, MirrorSkeleton3D)), default=0.)
    shown = [(found.label, found.events, 1 - share)]
    if share:
        shown.append((found.label, in_a_mirror(
            found.events, found.decidable)[0], share))
    return shown


def _known(label: int, info: Dict) -> ClipEvents:
    return ClipEvents(label, info.get('events'), info.get('decidable'),
                      info.get('explanation', ''))
