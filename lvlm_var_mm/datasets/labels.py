"""One label per sample: what MMEngine's wrappers ask of it."""
from typing import List

from mmengine.dataset import BaseDataset


class OneLabelMixin:
    """Tells ``ClassBalancedDataset`` the class of a sample, and refuses
    ``multi_class``, which the heads of this package would ignore."""

    def full_init(self) -> None:
        if getattr(self, 'multi_class', False):
            raise ValueError(
                f'{type(self).__name__}: `multi_class=True` is not supported, '
                'a clip has one class: take it out of the dataset')
        super().full_init()

    def get_cat_ids(self, idx: int) -> List[int]:
        """Return the label of sample ``idx`` in a list; no file is read."""
        return [int(BaseDataset.get_data_info(self, idx)['label'])]
