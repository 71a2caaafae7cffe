"""Shims that other tests do not show to be needed."""
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_decord_keeps_its_libraries():
    """Or the first window of an OpenCV imported before ends the process; and
    decord works all the same."""
    done = subprocess.run([sys.executable, '-c', """
import ctypes
import cv2
import lvlm_var_mm
import decord
assert decord.VideoReader and 'decord_keeps_its_libraries' in lvlm_var_mm.SHIMS
print(hasattr(ctypes.CDLL(None), 'DECORDGetLastError'))
"""], capture_output=True, text=True)
    assert done.stdout.split()[-1:] == ['False'], done.stderr
