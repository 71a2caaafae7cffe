"""Put what a model says of a clip into plain words and numbers."""
from itertools import groupby
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from lvlm_var_mm.kinematics import Observation, describe, observe
from lvlm_var_mm.kinematics.rows import to_decidable, to_rows
from lvlm_var_mm.kinematics.verification import judge, verified
from lvlm_var_mm.models.vst.code_names import UNNAMED, VOCABULARY
from mmaction.structures import ActionDataSample
from .clips import Clip
from .wanted import Wanted

Answer = Dict[str, Any]
# Of joints of which nothing is decidable.
UNTOLD = 'What happens cannot be told from these joints.'


class Ask(NamedTuple):
    """The things to tell of a clip, see :meth:`ActionInferencer.answers`."""
    reasons: bool = True
    top_k: int = 5
    explain_spans: bool = False
    keep: bool = False
    verify: bool = False


class Outcome(NamedTuple):
    """The answer to an input, and the clips that it is about; none where it
    could not be read."""
    prediction: Answer
    clips: Tuple[Clip, ...] = ()


def answers_of(prediction: Answer) -> List[Answer]:
    """Return the answers of an input: one for each person that has its own,
    else the one; none of an input that could not be read."""
    if 'error' in prediction:
        return []
    return prediction.get('persons') or [prediction]


def observed(clip: Clip, wanted: Wanted) -> Optional[Observation]:
    """Measure what the persons of a clip do, on the joints as recorded, once;
    None without joints, or where the layout does not name a trunk."""
    if clip.keypoint is None or not clip.layout.has_trunk:
        return None
    if clip.seen is None:
        clip.seen = observe(clip.keypoint, clip.layout, clip.fps,
                            wanted.axes(clip.keypoint.shape[3]))
    return clip.seen


def for_pipeline(clip: Clip, wanted: Wanted) -> Dict[str, Any]:
    """Return what the test pipeline begins with. If it measures events, those
    of :func:`observed` are handed to it, which are the same: they are not
    measured a second time for the answer."""
    results = dict(clip.results)
    key = wanted.events_key
    if key and clip.keypoint is not None and results.get(
            'events_key') != key:
        seen = observed(clip, wanted)
        if seen is not None:
            results.update(events=to_rows(seen),
                           decidable=to_decidable(seen), events_key=key)
    return results


def measured(seen: Optional[Observation]) -> Answer:
    """Return what the joints alone say, ready for JSON.

    Returns:
        dict: ``measured``, a sentence, and ``events``, each with ``person``,
        ``name``, ``start``, ``end`` (seconds) and ``magnitude``; empty
        without joints.
    """
    if seen is None:
        return {}
    told = UNTOLD if not seen.decidable.any() else describe(seen.events)
    return dict(measured=told, events=[
        dict(person=event.person, name=event.name,
             start=round(float(event.start), 3),
             end=round(float(event.end), 3),
             magnitude=round(float(event.magnitude), 3))
        for event in seen.events])


def checked(sentence: str, seen: Optional[Observation]) -> List[Answer]:
    """Check each claim of a sentence on the joints.

    Returns:
        list[dict]: ``claim``, its words, and ``true``: True, False, or None
        where the joints do not tell.
    """
    return [dict(claim=text, true=truth)
            for text, truth in judge(sentence, seen)]


def said(sample: ActionDataSample, names: Optional[Sequence[str]],
         seen: Optional[Observation], top_k: int = 5,
         verify: bool = False) -> Answer:
    """Return what a model says of a clip, ready for JSON.

    Args:
        sample (:obj:`ActionDataSample`): With the predictions.
        names (sequence, optional): Of the classes; without, they are called
            by their numbers.
        seen (Observation, optional): What the joints say.
        top_k (int): Classes to list.
        verify (bool): Rewrite or leave out what the joints contradict in the
            reason, see :func:`~lvlm_var_mm.kinematics.verification.verified`.

    Returns:
        dict: ``label``, ``class``, ``score``; ``top``, the best classes, each
        with ``class`` and ``score``; of LVLM-VAR also ``narrative``,
        ``tokens`` (:func:`spans`), ``reason`` and ``claims``
        (:func:`checked`), and ``raw_reason``, as the model wrote it, where the
        joints had it changed; and what :func:`measured` returns.
    """
    scores = sample.pred_score.float().cpu()
    best = scores.topk(min(top_k, len(scores)))

    def name(label: int) -> str:
        return names[label] if names else f'class {label}'

    top = [{'class': name(label), 'score': round(score, 6)}
           for score, label in zip(*(x.tolist() for x in best))]
    label = int(sample.pred_label)
    answer = {'label': label, 'class': name(label),
              'score': round(float(scores[label]), 6), 'top': top}
    if sample.get('pred_tokens') is not None:
        answer.update(narrative=sample.pred_narrative, tokens=spans(sample))
    if sample.get('pred_reason') is not None:
        reason = sample.pred_reason
        raw = sample.get('pred_raw_reason', reason)
        if verify and seen is not None:
            reason = verified(reason, seen)
        answer.update(reason=reason, claims=checked(reason, seen))
        if raw != reason:
            answer['raw_reason'] = raw
    return {**answer, **measured(seen)}


def spans(sample: ActionDataSample) -> List[Answer]:
    """Return the tokens of a clip, equal neighbours put together.

    Returns:
        list[dict]: ``code``, ``name`` ('' without one), ``part`` (number of
        the body part), ``first`` and ``steps`` (numbers of tokens), and where
        the time is known ``start`` and ``end`` in seconds.
    """
    ids = sample.pred_tokens.tolist()
    numbers = sample.get('pred_names')
    names = ['' if n < 0 else VOCABULARY[n] for n in (
        [-1] * len(ids) if numbers is None else numbers.tolist())]
    parts = sample.get('pred_parts')
    parts = [0] * len(ids) if parts is None else parts.tolist()
    row = {part: i for i, part in enumerate(dict.fromkeys(parts))}
    each = len(ids) // max(len(row), 1)
    found, at = [], 0
    for (part, code, name), run in groupby(zip(parts, ids, names)):
        steps = len(list(run))
        span = dict(code=code, name=name if name != UNNAMED else '',
                    part=part, first=at, steps=steps)
        if sample.get('span') is not None:
            begin, end = (float(x) for x in sample.span)
            step = (end - begin) / each
            start = begin + (at - row[part] * each) * step
            span.update(start=round(start, 3),
                        end=round(start + steps * step, 3))
        found.append(span)
        at += steps
    return found
