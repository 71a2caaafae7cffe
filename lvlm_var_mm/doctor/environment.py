"""The machine and what is installed on it."""
import os
import os.path as osp
import platform
import shutil
from importlib import metadata
from typing import Callable, Iterator, Sequence

import torch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import lvlm_var_mm
from lvlm_var_mm.models.lvlm.build import has_bfloat16
from lvlm_var_mm.preparation.workers import cores
from .findings import Finding

AREA = 'environment'
# A checkpoint of the small configs takes some 40 MB, one of the large ones
# with its optimizer 2 GB.
LITTLE_SPACE, NO_SPACE = 4e9, 2e8
# Docker gives 64 MB unless asked for more.
SHARED_MEMORY = 5e8


def check_environment() -> Iterator[Finding]:
    """All of the below that need no config."""
    try:
        package = metadata.distribution('lvlm_var_mm')
    except metadata.PackageNotFoundError:
        yield Finding('warning', AREA,
                      'lvlm_var_mm is not installed, only on the path: its '
                      'requirements are unknown', 'pip install -e .')
    else:
        yield from check_python(package.metadata['Requires-Python'])
        yield from check_packages(package.requires)
    yield from check_mmcv()
    yield from check_shims()
    yield from check_device()


def installed(name: str) -> str:
    """Version of a package, empty where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ''


def check_python(wanted: str) -> Iterator[Finding]:
    """The interpreter against ``python_requires``."""
    here = platform.python_version()
    if not SpecifierSet(wanted).contains(here, prereleases=True):
        yield Finding('error', AREA, f'Python {here}, needed is {wanted}',
                      'make a virtual environment of such a Python')


def check_packages(requirements: Sequence[str],
                   installed: Callable[[str], str] = installed
                   ) -> Iterator[Finding]:
    """Compare what is installed with the pins of setup.py."""
    good = []
    for requirement in map(Requirement, requirements):
        if requirement.marker and not requirement.marker.evaluate(
                dict(extra='')):
            continue
        name, version = requirement.name, installed(requirement.name)
        if name == 'mmcv-lite' and not version:
            # The full build has all of the lite one.
            name, version = 'mmcv', installed('mmcv')
        pin = f'{name}{requirement.specifier}'
        if not version:
            yield Finding('error', AREA, f'{requirement} is not installed',
                          f"pip install '{requirement}'")
        elif not requirement.specifier.contains(version, prereleases=True):
            yield Finding('error', AREA,
                          f'{name} is {version}, tested is {pin}',
                          f"pip install '{pin}'")
        else:
            good.append(f'{name} {version}')
    if good:
        yield Finding('ok', AREA, f'within their pins: {", ".join(good)}')


def check_mmcv(installed: Callable[[str], str] = installed
               ) -> Iterator[Finding]:
    """mmcv and mmcv-lite own the same folder."""
    full, lite = installed('mmcv'), installed('mmcv-lite')
    if full and lite:
        yield Finding(
            'error', AREA,
            f'mmcv {full} and mmcv-lite {lite} are both installed, into one '
            'folder: what is imported is a mixture',
            "pip uninstall mmcv mmcv-lite, then install one of them, such as "
            "pip install 'mmcv-lite>=2.1.0,<2.2.0'")


def check_shims() -> Iterator[Finding]:
    """Which shims of compat.py this installation needed."""
    shims = ', '.join(lvlm_var_mm.SHIMS) or 'none needed'
    yield Finding('ok', AREA, f'shims for mmaction2: {shims}')


def check_device() -> Iterator[Finding]:
    """Name the device that it will run on, and the precision."""
    precision = 'bfloat16' if has_bfloat16() else 'float32'
    if torch.cuda.is_available():
        names = [
            f'{p.name} ({p.total_memory / 2**30:.0f} GiB)' for p in map(
                torch.cuda.get_device_properties,
                range(torch.cuda.device_count()))
        ]
        gpus = f'CUDA {torch.version.cuda}: {", ".join(names)}'
        if has_bfloat16():
            yield Finding('ok', AREA, gpus)
        else:
            yield Finding(
                'note', AREA, f'{gpus}; without bfloat16, in float32',
                'float16 is faster: optim_wrapper.type=AmpOptimWrapper '
                'model.cls_head.lvlm.dtype=float16')
    elif torch.version.cuda:
        yield Finding(
            'warning', AREA, f'PyTorch is built for CUDA {torch.version.cuda} '
            'but finds no GPU: it will run on the CPU',
            'see whether nvidia-smi lists a GPU; if so, its driver is older '
            'than this CUDA, or CUDA_VISIBLE_DEVICES hides it')
    else:
        yield Finding(
            'note', AREA, f'no GPU; on the CPU with '
            f'{cores()} cores, language models in '
            f'{precision}',
            'enough for the quickstart; LLaVA needs a PyTorch with CUDA')


def check_work_dir(path: str) -> Iterator[Finding]:
    """Check that checkpoints and logs can be written."""
    area, remedy = 'work dir', 'name another folder: --work-dir, or `work_dir`'
    there = osp.abspath(path)
    while not osp.exists(there):
        there = osp.dirname(there)
    if not osp.isdir(there):
        yield Finding('error', area, f'{path}: {there} is a file', remedy)
        return
    if not os.access(there, os.W_OK | os.X_OK):
        yield Finding('error', area, f'{path}: {there} may not be written',
                      remedy)
        return
    free = shutil.disk_usage(there).free
    text = f'{path}: {free / 1e9:.1f} GB free'
    if free < LITTLE_SPACE:
        level = 'error' if free < NO_SPACE else 'warning'
        yield Finding(level, area, text, 'make room, or ' + remedy)
    else:
        yield Finding('ok', area, text)


def check_shared_memory(workers: int,
                        folder: str = '/dev/shm') -> Iterator[Finding]:
    """Dataloader workers hand over their batches in shared memory."""
    if workers and osp.isdir(folder):
        size = shutil.disk_usage(folder).total
        if size < SHARED_MEMORY:
            yield Finding(
                'warning', AREA, f'{folder} has {size / 1e6:.0f} MB, but '
                f'`num_workers` is {workers}: workers may die of a bus error',
                'docker run --shm-size=2g, or `num_workers` 0 with '
                '`persistent_workers` False')
