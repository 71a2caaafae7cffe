"""Skip, count and name samples whose files cannot be used."""
import os
import re
from typing import Iterator, List, Optional, Sequence, Union

import decord
import torch
from mmengine.dataset import BaseDataset
from mmengine.dist import all_gather_object, get_dist_info
from mmengine.logging import print_log
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm


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
# Time and place in decord's source, before what it has to say.
DECORD_PLACE = re.compile(r'\[[\d:]+\] \S+?:\d+: ')


def problem_of(error: Exception) -> Optional[str]:
    """Say what is wrong with the file that an error comes from.

    Training, the doctor and the preparation ask this alone, so what one of
    them calls corrupt the others do, too.

    Returns:
        str | None: None if the error is a fault of the program or the
        configuration.
    """
    if isinstance(error, CorruptSampleError):
        return error.problem or str(error)
    if not isinstance(error, UNREADABLE) and not (
            isinstance(error, (RuntimeError, AssertionError))
            and str(error).startswith(DECORD_SAYS)):
        return None
    # decord puts its call stack first and the reason last.
    lines = str(error).strip().splitlines() or [repr(error)]
    return DECORD_PLACE.sub('', lines[-1])


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
            self._count_anew()

    def _count_anew(self) -> None:
        # Shared, so that what dataloader workers find reaches the hook.
        self._corrupt = torch.zeros(
            len(self), dtype=torch.uint8).share_memory_()

    def get_subset_(self, indices: Union[int, Sequence[int]]) -> None:
        super().get_subset_(indices)
        self._count_anew()

    def get_subset(self, indices: Union[int, Sequence[int]]
                   ) -> 'SkipCorruptMixin':
        subset = super().get_subset(indices)
        subset._count_anew()
        return subset

    def check_sample(self, idx: int) -> None:
        """Read sample ``idx`` without its pipeline, as far as it takes to
        know whether it is corrupt.

        Raises:
            CorruptSampleError: It is; names the file.
        """
        try:
            self._check_sample(idx)
        except Exception as e:
            problem = problem_of(e)
            if problem is None or isinstance(e, CorruptSampleError):
                raise
            raise CorruptSampleError(self.sample_name(idx), problem) from e

    def _check_sample(self, idx: int) -> None:
        self.get_data_info(idx)

    def prepare_data(self, idx: int) -> Optional[dict]:
        """Sample ``idx`` through the pipeline, None for a corrupt one in
        training.

        Raises:
            CorruptSampleError: In testing, or when every sample is corrupt;
                it names the file and the remedy.
        """
        try:
            return super().prepare_data(idx)
        except Exception as e:
            problem = problem_of(e)
            if problem is None:
                raise
            name = self.sample_name(idx)
            if not isinstance(e, CorruptSampleError):
                e = CorruptSampleError(name, problem)
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


class _Checks(Dataset):
    """The error of each of some samples, None where there is none."""

    def __init__(self, dataset: SkipCorruptMixin, chosen: Sequence[int]):
        self.dataset, self.chosen = dataset, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, i: int) -> Optional[CorruptSampleError]:
        try:
            self.dataset.check_sample(self.chosen[i])
        except CorruptSampleError as e:
            return e
        return None


def find_corrupt(dataset: SkipCorruptMixin,
                 workers: int = 0) -> List[CorruptSampleError]:
    """Read every sample of a data set, each process its share of them.

    Args:
        dataset (SkipCorruptMixin): Any of them.
        workers (int): Processes that read.

    Returns:
        list[CorruptSampleError]: Those of the corrupt samples, the same in
        all processes.
    """
    rank, processes = get_dist_info()
    chosen = range(rank, len(dataset), processes)
    loader = DataLoader(_Checks(dataset, chosen), 32, num_workers=workers,
                        collate_fn=list)
    # What takes no longer than the start of a training needs no bar.
    found = [e for batch in tqdm(
        loader, 'reading the validation set', delay=5, unit='batch',
        disable=None if rank == 0 else True) for e in batch if e is not None]
    return [e for part in all_gather_object(found) for e in part]


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
