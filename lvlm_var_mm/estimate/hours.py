"""From a step's footprint to the hours of a training."""
import time
from typing import Dict, NamedTuple, Optional

import torch

from lvlm_var_mm.models.lvlm.build import usable_dtype
from .footprint import Footprint
from .schedule import Schedule

WAITS, READS = 'the language model waits', 'the whole model'
VALIDATION = 'validation'


class GPU(NamedTuple):
    """The peak rates of a GPU."""
    flops: float  # dense matrix products in bfloat16, per second
    bandwidth: float  # bytes of its memory, per second

    @classmethod
    def of(cls, tflops: float) -> 'GPU':
        """One of which the first is known: its memory is as fast, beside it,
        as an A100's."""
        known = GPUS['A100']
        return cls(tflops * 1e12, tflops * 1e12 *
                   known.bandwidth / known.flops)


# By their data sheets, in the form with 80 GB that is called SXM.
GPUS = dict(A100=GPU(312e12, 2.04e12), H100=GPU(989e12, 3.35e12))


def measured_tflops(size: int = 8192, repeats: int = 10) -> Optional[float]:
    """Return the rate of large matrix products on the GPU at hand, in bfloat16
    or, where it would be emulated, float32, in 1e12 operations per second.

    Returns:
        float | None: None without a GPU.
    """
    if not torch.cuda.is_available():
        return None
    dtype = usable_dtype(torch.bfloat16, 'the measurement')
    a = torch.randn(size, size, device='cuda', dtype=dtype)
    best = 0.
    for _ in range(repeats):
        torch.cuda.synchronize()
        start = time.perf_counter()
        a @ a
        torch.cuda.synchronize()
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best / 1e12


class Work(NamedTuple):
    """The cost of a clip, by what is done with it."""
    waits: Footprint  # a step of backbone and neck
    reads: Footprint  # of the whole model
    validates: Footprint  # through the whole model, without gradients


def stage_hours(work: Work,
                schedule: Schedule,
                train: int,
                val: Optional[int],
                gpu: GPU,
                share: float,
                gpus: int = 1) -> Dict[str, float]:
    """Return the hours of each stage, and of all together.

    A language model is taken to be bound by its matrix products, a backbone,
    whose products are few, by the memory that it moves as well. What is left
    out: reading the data, sending gradients around, and the time in which
    a GPU waits for work, which is a good part of a small backbone's.

    Args:
        work (Work): Of a clip.
        schedule (Schedule): Epochs.
        train (int): Clips of an epoch.
        val (int, optional): Clips of a validation; None counts as none.
        gpu (GPU): What it does at most.
        share (float): Of that, what training reaches.
        gpus (int): They share the clips.
    """
    def hours(clips: float, step: Footprint) -> float:
        seconds = step.flops / gpu.flops + step.traffic / gpu.bandwidth
        return clips * seconds / share / gpus / 3600

    # The light head alone is validated while the language model waits; a
    # forward is a third of a step.
    found = {
        WAITS: hours(train * schedule.waiting +
                     (val or 0) * schedule.val_waiting / 3, work.waits),
        READS: hours(train * schedule.reading, work.reads),
        VALIDATION: hours((val or 0) * schedule.val_reading, work.validates)
    }
    return dict(found, whole=sum(found.values()))
