"""Body-part events in a pipeline, for whatever names or checks tokens."""
from typing import Dict, Optional, Sequence, Union

import numpy as np
from mmcv.transforms import BaseTransform

from lvlm_var_mm.kinematics import observe
from lvlm_var_mm.kinematics.vocabulary import INDEX
from mmaction.registry import TRANSFORMS


@TRANSFORMS.register_module()
class BodyPartEvents(BaseTransform):
    """What the persons of a clip do, from their joints as recorded: before
    anything turns, resamples or cuts them.

    Clips are remembered by their ``frame_dir``, so that only the first epoch
    pays.

    Required Keys: keypoint. Added Keys: events, fps. ``events`` is float32
    (Q, 3), a row for each event of any person: its number in
    ``lvlm_var_mm.kinematics.NAMES``, its start and its end in seconds.

    Args:
        layout (str | dict): Names of the joints, see
            :func:`lvlm_var_mm.layouts.load_layout`.
        fps (float): Frames a second, where the results have no ``fps``.
        up (sequence, optional): The direction that points up, see
            :func:`lvlm_var_mm.kinematics.observe`.
    """

    def __init__(self,
                 layout: Union[str, Dict],
                 fps: float = 30.,
                 up: Optional[Sequence[float]] = None) -> None:
        self.layout, self.fps, self.up = layout, fps, up
        self._seen = {}

    def transform(self, results: Dict) -> Dict:
        fps = results.setdefault('fps', self.fps)
        name = results.get('frame_dir')
        events = self._seen.get(name)
        if events is None:
            seen = observe(results['keypoint'], self.layout, fps, self.up)
            events = np.array([(INDEX[e.name], e.start, e.end)
                               for e in seen.events], np.float32)
            events = events.reshape(-1, 3)
            if name is not None:
                self._seen[name] = events
        results['events'] = events
        return results
