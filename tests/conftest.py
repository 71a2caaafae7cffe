"""A language model small enough for tests, and what goes with it."""
import os
import runpy
from pathlib import Path
from typing import NamedTuple

import pytest
import tokenizers
import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from tokenizers import models, pre_tokenizers, processors
from transformers import (CLIPVisionConfig, LlamaConfig, LlamaForCausalLM,
                          LlavaConfig, LlavaForConditionalGeneration,
                          PreTrainedTokenizerFast)

from lvlm_var_mm.models import SemanticTokens
from lvlm_var_mm.models.lvlm.reader import PROMPT
from mmaction.structures import ActionDataSample

# Tensors this small only lose by threads, and badly on a busy machine.
torch.set_num_threads(1)
# What a Runner does: recognizers look for their parts in MMAction2.
init_default_scope('mmaction')

# One name begins another, two share a word, one stands alone.
CLASSES = [('drink', 'one hand rises to the mouth'),
           ('drink water', 'one hand rises and holds a glass'),
           ('sit down', 'the knees bend and the hips sink'),
           ('clapping', '')]
TOOLS = Path(__file__).parents[1] / 'tools'
CHANNELS = 8  # of a semantic action token
# Only the language model of a LLaVA, not its vision tower.
LORA_TARGETS = (r'.*language_model.*\.(q_proj|k_proj|v_proj|o_proj|'
                r'gate_proj|up_proj|down_proj)')
PIECES = r'\n|\w+|[^\w\s]'  # a newline is a word, other blanks are none


def pytest_addoption(parser):
    parser.addoption('--no-bfloat16', action='store_true',
                     help='run as on a CPU without bfloat16')


def pytest_configure(config):
    if config.getoption('--no-bfloat16'):
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
        # What `has_bfloat16` asks.
        torch.cpu._is_avx512_bf16_supported = lambda: False
        torch.cpu._is_amx_tile_supported = lambda: False


def write_tokenizer(folder):
    """A word-level tokenizer that opens texts with its start token."""
    split = pre_tokenizers.Split(tokenizers.Regex(PIECES), 'removed', True)
    text = ' '.join([PROMPT, *(' '.join(pair) for pair in CLASSES)])
    words = sorted({word for word, _ in split.pre_tokenize_str(text)})
    vocab = ['<unk>', '<s>', '</s>', '<pad>', *words]
    core = tokenizers.Tokenizer(
        models.WordLevel({w: i for i, w in enumerate(vocab)}, '<unk>'))
    core.pre_tokenizer = split
    core.post_processor = processors.TemplateProcessing(
        single='<s> $A', special_tokens=[('<s>', vocab.index('<s>'))])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, unk_token='<unk>', bos_token='<s>',
        eos_token='</s>', pad_token='<pad>')
    tokenizer.save_pretrained(folder)
    return tokenizer


def write_llava(folder, width=32):
    """A random LLaVA of two layers and its tokenizer -> ``folder``."""
    tokenizer = write_tokenizer(folder)
    save(folder, LlavaForConditionalGeneration(LlavaConfig(
        text_config=llama_config(tokenizer, width),
        vision_config=CLIPVisionConfig(
            hidden_size=16, intermediate_size=24, num_hidden_layers=1,
            num_attention_heads=2, image_size=8, patch_size=4,
            projection_dim=16),
        image_token_index=0, vision_feature_layer=-1)))
    return folder


def llama_config(tokenizer, width, **over):
    return LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=width, intermediate_size=48,
        num_hidden_layers=2, num_attention_heads=4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, **over)


@torch.no_grad()
def save(folder, model):
    """Written in shards, with weights so large that what the model reads
    shows in what it says."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Embedding)):
            module.weight.normal_(0, 0.3)
    model.save_pretrained(folder, max_shard_size='20KB')


class Said(NamedTuple):
    """The outcome of a tool: its exit code and its two streams."""
    code: int
    out: str
    err: str

    @property
    def errors(self):
        return [line for line in self.err.splitlines()
                if line.startswith('error:')]


@pytest.fixture
def run_tool(monkeypatch, capsys):
    """Return a function that runs a tool of ``tools/`` as a user does, but in
    this process: another one would import everything anew, for seconds."""
    monkeypatch.setenv('LOCAL_RANK', '0')  # or tools would leave it set
    logger = MMLogger.get_current_instance()
    level = logger.level

    def run(name, *args):
        path = str(TOOLS / name)
        monkeypatch.setattr('sys.argv', [path, *map(str, args)])
        code = 0
        try:
            runpy.run_path(path, run_name='__main__')
        except SystemExit as end:
            code = end.code or 0
        return Said(code, *capsys.readouterr())

    yield run
    logger.setLevel(level)


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


def head_cfg(folder, **over):
    """Config of an LVLMHead on the model in ``folder``."""
    cfg = dict(
        type='LVLMHead',
        num_classes=len(CLASSES),
        in_channels=CHANNELS,
        class_names=CLASSES,
        lvlm=dict(
            type='transformers.LlavaForConditionalGeneration.from_pretrained',
            pretrained_model_name_or_path=str(folder),
            dtype='float32',
            attn_implementation='eager'),
        lora=dict(
            type='peft.LoraConfig', r=4, lora_alpha=8,
            target_modules=LORA_TARGETS))
    return {**cfg, **over}


def make_tokens(lengths, channels=CHANNELS, seed=0):
    """Random semantic action tokens of clips of these lengths."""
    rng = torch.Generator().manual_seed(seed)
    n, length = len(lengths), max(lengths)
    embeds = torch.randn(n, length, channels, generator=rng)
    ids = torch.randint(16, (n, length), generator=rng)
    mask = torch.arange(length) < torch.tensor(lengths)[:, None]
    return SemanticTokens(embeds, ids, mask)


def make_samples(labels, **metainfo):
    samples = [ActionDataSample(metainfo=metainfo) for _ in labels]
    for sample, label in zip(samples, labels):
        sample.set_gt_label(label)
    return samples
