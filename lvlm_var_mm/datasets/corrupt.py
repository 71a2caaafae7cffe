"""Skip, count and name samples whose files cannot be used."""
import os
from typing import Iterator, List, Optional, Union

import decord
import torch
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log


class CorruptSampleError(ValueError):
    """A sample's file cannot be used.

    Args:
        path: The file.
        problem (str): What is wrong with it. Left out by PyTorch, which
            makes a worker's error anew from its message alone.
    """

    def __init__(self, path: Union[str, os.PathLike],
                 problem: Optional[str] = None):
        self.path = str(path)
        self.problem = problem
        super().__init__(
            self.path if problem is None else f'{self.path}: {problem}; '
            'restore the file or list the sample in `exclude`')

    def __reduce__(self):
        # Errors travel between data-loading workers by pickle.
        return type(self), (self.path, self.problem)


# What reading raises on a file that is there but broken; anything else is a
# fault of the program or the configuration and stops it.
UNREADABLE = (CorruptSampleError, decord.DECORDError,
              decord.DECORDLimitReachedError)
# What decord says of a broken file in errors that have no class of their own.
DECORD_SAYS = ('Error reading ', 'Invalid frame count', 'Failed to seek')


class SkipCorruptMixin:
    """Skips corrupt samples in training and keeps count of them.

    In training another sample takes the place of a corrupt one, under its
    own label; :class:`~lvlm_var_mm.engine.SkippedSamplesHook` reports the
    number and the names. In testing it is an error: a figure over fewer
    samples than it claims would be wrong.
    """

    def full_init(self) -> None:
        super().full_init()
        if not hasattr(self, '_corrupt'):
            # Shared, so that what dataloader workers find reaches the hook.
            self._corrupt = torch.zeros(
                len(self), dtype=torch.uint8).share_memory_()

    def prepare_data(self, idx: int) -> Optional[dict]:
        """Sample ``idx`` through the pipeline, None for a corrupt one in
        training.

        Raises:
            CorruptSampleError: In testing, or when every sample is corrupt;
                it names the file and the remedy.
        """
        try:
            return super().prepare_data(idx)
        except (*UNREADABLE, RuntimeError, AssertionError) as e:
            if not (isinstance(e, UNREADABLE)
                    or str(e).startswith(DECORD_SAYS)):
                raise
            name = self.sample_name(idx)
            if not isinstance(e, CorruptSampleError):
                # decord puts its call stack first and the reason last.
                lines = str(e).strip().splitlines() or [repr(e)]
                e = CorruptSampleError(name, lines[-1])
            if self.test_mode:
                raise e
            if not self._corrupt[idx]:
                print_log(f'skipped in training: {e}', logger='current',
                          level=30)
                self._corrupt[idx] = 1
            if bool(self._corrupt.all()):
                raise CorruptSampleError(
                    name, f'the last of {len(self)} samples of the split, '
                    f'all of them corrupt ({e.problem})')
            return None

    def sample_name(self, idx: int) -> str:
        """Return what a message calls a sample: its file where it has one."""
        # The subclass's own get_data_info may be what found it corrupt.
        info = BaseDataset.get_data_info(self, idx)
        return str(info.get('filename') or info.get('frame_dir') or idx)

    @property
    def corrupt_samples(self) -> List[str]:
        """Names of the corrupt samples met so far, in any worker."""
        found = self._corrupt.nonzero().flatten().tolist()
        return [self.sample_name(i) for i in found]


def skipping_datasets(dataset: BaseDataset) -> Iterator[SkipCorruptMixin]:
    """The datasets that keep such a count, inside any of MMEngine's wrappers
    (``RepeatDataset``, ``ConcatDataset``, ``ClassBalancedDataset``)."""
    if isinstance(dataset, SkipCorruptMixin):
        yield dataset
    inner = getattr(dataset, 'datasets', None) or [
        getattr(dataset, 'dataset', None)
    ]
    for child in inner:
        if child is not None:
            yield from skipping_datasets(child)
