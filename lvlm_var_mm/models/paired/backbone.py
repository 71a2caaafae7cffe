"""A backbone for the videos and one for the skeletons of a batch."""
from typing import Any, Dict, Optional

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmaction.registry import MODELS
from .batch import PairBatch, PairFeatures


@MODELS.register_module()
class TwoBranchBackbone(BaseModule):
    """Run a backbone on the videos and another on the skeletons.

    Each sees the clips that have its modality and no others, so neither its
    batch normalisation nor its time is spent on what is missing.

    Args:
        rgb (dict): Config of any backbone of videos, such as
            ``ResNet3dSlowOnly``.
        skeleton (dict): Config of any backbone of skeletons, such as
            ``STGCN``.
        init_cfg (dict, optional): Of ``BaseModule``; either backbone has its
            own.
    """

    def __init__(self, rgb: Dict, skeleton: Dict,
                 init_cfg: Optional[Dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.rgb = MODELS.build(rgb)
        self.skeleton = MODELS.build(skeleton)

    def forward(self, x: PairBatch) -> PairFeatures:
        """Return the features of both branches.

        Args:
            x (PairBatch): Of B clips; ``there`` (B, 2).
        """
        return PairFeatures(
            _features(self.rgb, x.rgb, x.there[:, 0]),
            _features(self.skeleton, x.skeleton, x.there[:, 1]), x.there)


def _features(backbone: nn.Module, x: Tensor, rows: Tensor) -> Any:
    """Features of the clips (B, ...) that are there, None without any."""
    if not rows.any():
        return None
    return backbone(x if rows.all() else x[rows.to(x.device)])
