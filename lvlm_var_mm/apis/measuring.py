"""Tell what the joints alone say: no model, no training."""
from typing import Any, Iterator, Optional, Sequence, Union

from lvlm_var_mm.class_lists import ClassList, load_classes
from .answers import Answer, Outcome, measured, observed
from .clips import Clip, Reading
from .inputs import listed
from .problems import told
from .reading import read_clips
from .wanted import Wanted
from .zero_shot import NOTE, UNDECIDED, by_claims, scorer_of

ANY = Wanted(video=False, layout=None, dims=None, persons=2)  # joints


def by_joints(clip: Clip, classes: Optional[ClassList] = None) -> Answer:
    """Return what the joints of a clip say (:func:`.answers.measured`) and,
    with ``classes``, what :func:`.zero_shot.by_claims` does."""
    seen = observed(clip, ANY)
    answer = measured(seen)
    if classes is not None:
        answer.update(by_claims(classes, seen))
    return answer


def no_trunk(clip: Clip) -> str:
    """Say what is wrong with joints in which nothing can be measured."""
    return (f'has joints of layout {clip.layout.name}, which names no '
            'shoulders and hips: give --layout')


def measured_answers(inputs: Any,
                     classes: Union[str, Sequence, None] = None,
                     **kwargs) -> Iterator[Outcome]:
    """Yield what the persons of each input do, by their joints.

    Args:
        inputs: See :class:`.ActionInferencer`; videos with ``pose``.
        classes (str | list, optional): Names with descriptions, see
            :func:`lvlm_var_mm.class_lists.load_classes`, to choose from.
        kwargs: Of :class:`.clips.Reading`.

    Yields:
        Outcome: Its prediction has ``measured`` and ``events``
        (:func:`.answers.measured`) and, with ``classes``, what
        :func:`.zero_shot.by_claims` says.

    Raises:
        ValueError: An argument that does not fit.
        ImportError: ``pose`` is not installed.
    """
    how = Reading(**kwargs)
    listing = None if classes is None else load_classes(classes)
    if listing is not None:
        scorer_of(listing)  # refuses what claims nothing
    for name, source in listed(inputs):
        prediction, clips = read_clips(name, source, ANY, how)
        unnamed = [c for c in clips if not c.layout.has_trunk]
        if unnamed:
            yield Outcome(dict(
                name=name, source=prediction['source'], error=(
                    f'{prediction["source"]} {no_trunk(unnamed[0])}')))
            continue
        try:
            answers = [by_joints(clip, listing) for clip in clips]
        except ValueError as e:
            yield Outcome(dict(name=name, source=prediction['source'],
                               error=told(prediction['source'], e, name)))
            continue
        if listing is not None and clips:
            named = any('class' in answer for answer in answers)
            prediction['notes'] = [NOTE if named else UNDECIDED,
                                   *clips[0].notes]
        if len(answers) > 1:
            prediction['persons'] = [
                dict(person=clip.person, **answer)
                for clip, answer in zip(clips, answers)]
        elif answers:
            prediction.update(answers[0])
        yield Outcome(prediction, tuple(clips))
