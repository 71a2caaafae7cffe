"""Options and fixtures of all tests; what they import stands in helpers.py,
recognizers.py and bodies.py."""
import os
import runpy

import mmengine
import pytest
import torch
from helpers import (NUCLA, TOOLS, Said, llama_config, save, write_llava,
                     write_tokenizer)
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import init_default_scope
from mmengine.visualization import Visualizer
from transformers import LlamaForCausalLM

from mmaction.visualization import ActionVisualizer

# Tensors this small only lose by threads, and badly on a busy machine.
torch.set_num_threads(1)
# Every Runner and every checkpoint lays out its config, in half a second.
mmengine.config.config.FormatCode = lambda text, **kwargs: (f'{text}\n', True)
# What a Runner does: recognizers look for their parts in MMAction2.
init_default_scope('mmaction')
LONGEST = ('test_distributed.py', 'test_kill.py', 'test_benchmark.py',
           'test_tools.py', 'test_perf.py')


def pytest_addoption(parser):
    parser.addoption('--no-bfloat16', action='store_true',
                     help='run as on a CPU without bfloat16')


def pytest_configure(config):
    if config.getoption('--no-bfloat16'):
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
        # What `has_bfloat16` asks.
        torch.cpu._is_avx512_bf16_supported = lambda: False
        torch.cpu._is_amx_tile_supported = lambda: False


def pytest_collection_modifyitems(items):
    """What takes longest begins first: nobody waits for it in the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture
def run_tool(monkeypatch, capsys):
    """Return a function that runs a tool of ``tools/`` as a user does, but in
    this process: another one would import everything anew, for seconds."""
    monkeypatch.setenv('LOCAL_RANK', '0')  # or tools would leave it set
    logger = MMLogger.get_current_instance()
    level = logger.level

    def run(name, *args):
        # MMEngine names a run by the second: one that begins in the second of
        # the last would write into that one's log.
        for shared in (MMLogger, MessageHub, Visualizer, ActionVisualizer):
            for old in set(shared._instance_dict) - {'mmengine'}:
                del shared._instance_dict[old]
        path = str(TOOLS / name)
        monkeypatch.setattr('sys.argv', [path, *map(str, args)])
        monkeypatch.syspath_prepend(os.path.dirname(path))
        code = 0
        try:
            runpy.run_path(path, run_name='__main__')
        except SystemExit as end:
            code = end.code or 0
        return Said(code, *capsys.readouterr())

    yield run
    logger.setLevel(level)


@pytest.fixture
def nucla():
    """The file of Northwestern-UCLA."""
    if not NUCLA.is_file():
        pytest.skip(f'no {NUCLA}: set NUCLA_PKL')
    return NUCLA


@pytest.fixture(scope='session')
def tiny_llava(tmp_path_factory):
    return write_llava(tmp_path_factory.mktemp('llava'))


@pytest.fixture(scope='session')
def tiny_llama(tmp_path_factory):
    """A plain causal LM, whose input and output embeddings are tied."""
    folder = tmp_path_factory.mktemp('llama')
    config = llama_config(write_tokenizer(folder), 32,
                          tie_word_embeddings=True)
    save(folder, LlamaForCausalLM(config))
    return folder
