"""What was there stays until what takes its place is whole."""
import errno
import os
import signal
import subprocess
import sys

import pytest
from helpers import file_limit

from lvlm_var_mm import atomic
from lvlm_var_mm.atomic import (replaced, replaced_folder, replaced_path,
                                write_text)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_file_is_replaced(tmp_path):
    file = tmp_path / 'a.txt'
    write_text(file, 'old')
    write_text(file, 'täglich')
    assert file.read_text('utf-8') == 'täglich'
    assert names(tmp_path) == ['a.txt']


def test_failed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / 'a.bin'
    file.write_bytes(b'old')
    with pytest.raises(OSError, match='No space'):
        with replaced(file) as f:
            f.write(b'ne')
            raise OSError(errno.ENOSPC, 'No space left on device')
    assert file.read_bytes() == b'old'
    assert names(tmp_path) == ['a.bin']


def test_error_of_a_library_in_rust_is_one_of_writing(tmp_path):
    """As safetensors and tokenizers raise them."""
    file = tmp_path / 'a'
    with pytest.raises(OSError) as raised, replaced(file) as f:
        f.write(b'x')
        raise Exception('I/O error: No space left on device (os error 28)')
    assert (raised.value.errno, raised.value.filename) == (
        errno.ENOSPC, str(file))
    with pytest.raises(Exception, match='^mine$'), replaced(file):
        raise Exception('mine')
    with pytest.raises(TimeoutError, match='^mine$'), replaced(file):
        raise TimeoutError('mine')
    assert not names(tmp_path)


def test_what_opencv_does_not_say(tmp_path):
    """A file that could not be written to its end."""
    file = tmp_path / 'a.bin'
    write_text(file, 'old')
    with file_limit(tmp_path, 2000), pytest.raises(
            OSError, match='a.bin'), replaced_path(file) as part:
        assert part.endswith('.bin')
        with open(part, 'wb') as f:
            f.write(bytes(2000))  # and no more, without a word
    assert names(tmp_path) == ['a.bin'] and file.read_text() == 'old'
    with pytest.raises(OSError, match='a.bin'), replaced_path(file):
        pass  # nothing was written at all
    assert names(tmp_path) == ['a.bin'] and file.read_text() == 'old'
    with replaced_path(file) as part, open(part, 'w') as f:
        f.write('new')
    assert names(tmp_path) == ['a.bin'] and file.read_text() == 'new'


def test_killed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / 'a.bin'
    file.write_bytes(b'old')
    done = subprocess.run([sys.executable, '-c', f'''
import os, signal
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location('atomic', {atomic.__file__!r})
atomic = module_from_spec(spec)
spec.loader.exec_module(atomic)
with atomic.replaced({str(file)!r}) as f:
    f.write(b'new' * 10**6)
    f.flush()
    os.kill(os.getpid(), signal.SIGKILL)
'''])
    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == b'old'
    with replaced(file) as f:  # and what is left is in nobody's way
        f.write(b'new')
    assert names(tmp_path) == ['a.bin']


def test_it_is_on_the_disk_before_it_is_renamed(tmp_path, monkeypatch):
    calls = []
    fsync, rename = os.fsync, os.replace
    monkeypatch.setattr(os, 'fsync', lambda n: (calls.append('sync'),
                                                fsync(n)))
    monkeypatch.setattr(os, 'replace', lambda a, b: (calls.append('rename'),
                                                     rename(a, b)))
    write_text(tmp_path / 'a', 'text')
    assert calls == ['sync', 'rename', 'sync']


def test_link_stays_a_link(tmp_path):
    (tmp_path / 'there').write_text('old')
    (tmp_path / 'link').symlink_to('there')
    write_text(tmp_path / 'link', 'new')
    assert (tmp_path / 'link').is_symlink()
    assert (tmp_path / 'there').read_text() == 'new'


def test_device_is_no_file_to_replace():
    write_text('/dev/null', 'text')
    assert not os.path.isfile('/dev/null')


def test_folder_is_replaced(tmp_path):
    folder = tmp_path / 'a'
    for text in ('old', 'new'):
        with replaced_folder(folder) as part:
            assert not folder.exists() or (folder / 'b').read_text() == 'old'
            (part / 'b').write_text(text)
    assert (folder / 'b').read_text() == 'new'
    assert names(tmp_path) == ['a']


def test_failed_folder_leaves_the_old_one(tmp_path):
    folder = tmp_path / 'a'
    folder.mkdir()
    (folder / 'b').write_text('old')
    with pytest.raises(KeyboardInterrupt):
        with replaced_folder(folder) as part:
            (part / 'b').write_text('new')
            raise KeyboardInterrupt
    assert (folder / 'b').read_text() == 'old'
    assert names(tmp_path) == ['a']


def test_folder_moved_aside_by_a_killed_run_comes_back(tmp_path):
    (tmp_path / '.a.old').mkdir()
    (tmp_path / '.a.old/b').write_text('old')
    with pytest.raises(ValueError):
        with replaced_folder(tmp_path / 'a'):
            raise ValueError
    assert (tmp_path / 'a/b').read_text() == 'old'
