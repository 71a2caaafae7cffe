"""Strengths of the body-part events as the input of a model."""
from typing import Dict

from mmcv.transforms import BaseTransform

from lvlm_var_mm.kinematics.strengths import strengths_of_rows
from mmaction.registry import TRANSFORMS


@TRANSFORMS.register_module()
class EventStrengths(BaseTransform):
    """Replace the joints of a clip by the strengths of its body-part events
    (:func:`~lvlm_var_mm.kinematics.strengths`); what cannot be decided is 0.
    For :class:`EventCountHead`.

    Required Keys: events, decidable, of :class:`BodyPartEvents`. Modified
    Keys: keypoint, float32 (1, E).
    """

    def transform(self, results: Dict) -> Dict:
        if 'events' not in results:
            raise ValueError('EventStrengths: no `events`; put BodyPartEvents '
                             'before it into the pipeline')
        found = strengths_of_rows(results['events'], results.get('decidable'))
        found[found != found] = 0  # NaN
        results['keypoint'] = found[None]
        return results
