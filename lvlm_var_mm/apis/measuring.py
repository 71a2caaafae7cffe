"""Tell what the joints alone say: no model, no training."""
from typing import Any, Iterator

from .answers import Outcome, measured, observed
from .clips import Reading
from .inputs import listed
from .reading import read_clips
from .wanted import Wanted


def measured_answers(inputs: Any, **kwargs) -> Iterator[Outcome]:
    """Yield what the persons of each input do, by their joints.

    Args:
        inputs: See :class:`.ActionInferencer`; videos with ``pose``.
        kwargs: Of :class:`.clips.Reading`.

    Yields:
        Outcome: Its prediction has ``measured`` and ``events``
        (:func:`.answers.measured`).

    Raises:
        ValueError: An argument that does not fit.
        ImportError: ``pose`` is not installed.
    """
    wanted = Wanted(video=False, layout=None, dims=None, persons=2)
    how = Reading(**kwargs)
    for name, source in listed(inputs):
        prediction, clips = read_clips(name, source, wanted, how)
        unnamed = [c for c in clips if not c.layout.has_trunk]
        if unnamed:
            yield Outcome(dict(name=name, source=prediction['source'], error=(
                f'{prediction["source"]} has joints of layout '
                f'{unnamed[0].layout.name}, which names no shoulders and '
                'hips: give --layout')))
            continue
        answers = [measured(observed(clip, wanted)) for clip in clips]
        if len(answers) > 1:
            prediction['persons'] = [
                dict(person=clip.person, **answer)
                for clip, answer in zip(clips, answers)]
        elif answers:
            prediction.update(answers[0])
        yield Outcome(prediction, tuple(clips))
