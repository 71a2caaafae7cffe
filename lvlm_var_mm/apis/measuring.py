"""Tell what the joints alone say: no model, no training."""
from typing import Any, Iterator, Sequence, Union

from lvlm_var_mm.class_lists import load_classes
from .answers import Outcome, measured, observed
from .clips import Reading
from .inputs import listed
from .reading import read_clips
from .wanted import Wanted


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
    wanted = Wanted(video=False, layout=None, dims=None, persons=2)
    how = Reading(**kwargs)
    listing = None if classes is None else load_classes(classes)
    for name, source in listed(inputs):
        prediction, clips = read_clips(name, source, wanted, how)
        unnamed = [c for c in clips if not c.layout.has_trunk]
        if unnamed:
            yield Outcome(dict(name=name, source=prediction['source'], error=(
                f'{prediction["source"]} has joints of layout '
                f'{unnamed[0].layout.name}, which names no shoulders and '
                'hips: give --layout')))
            continue
        answers = []
        for clip in clips:
            seen = observed(clip, wanted)
            answers.append(measured(seen))
            if listing is not None:
                from .zero_shot import NOTE, by_claims
                answers[-1].update(by_claims(listing, seen))
                prediction['notes'] = [NOTE, *clip.notes]
        if len(answers) > 1:
            prediction['persons'] = [
                dict(person=clip.person, **answer)
                for clip, answer in zip(clips, answers)]
        elif answers:
            prediction.update(answers[0])
        yield Outcome(prediction, tuple(clips))
