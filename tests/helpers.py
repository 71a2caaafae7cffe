"""What tests share: language models small enough for them, and what goes with
these; annotations; the outcome of a tool. Recognizers stand in
recognizers.py."""
import os
import pickle
import resource
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import tokenizers
import torch
import transformers
from tokenizers import models, pre_tokenizers, processors
from transformers import (CLIPImageProcessor, CLIPVisionConfig, InternVLConfig,
                          InternVLForConditionalGeneration,
                          InternVLVisionConfig, LlamaConfig, LlavaConfig,
                          LlavaForConditionalGeneration,
                          PreTrainedTokenizerFast, Qwen2_5_VLConfig,
                          Qwen2_5_VLForConditionalGeneration)

from lvlm_var_mm.models import SemanticTokens
from lvlm_var_mm.models.lvlm.reader import PROMPT
from mmaction.structures import ActionDataSample

REPO = Path(__file__).parents[1]
TOOLS = REPO / 'tools'
# Data that are not shipped.
SHARED = REPO.parent / 'shared/data'
NUCLA = Path(os.environ.get('NUCLA_PKL', SHARED / 'nucla_3d.pkl'))
# One name begins another, two share a word, one stands alone.
CLASSES = [('drink', 'one hand rises to the mouth'),
           ('drink water', 'one hand rises and holds a glass'),
           ('sit down', 'the knees bend and the hips sink'),
           ('clapping', '')]
CHANNELS = 8  # of a semantic action token
# Only the language model of a LLaVA, not its vision tower.
LORA_TARGETS = (r'.*language_model.*\.(q_proj|k_proj|v_proj|o_proj|'
                r'gate_proj|up_proj|down_proj)')
PIECES = r'\n|\w+|[^\w\s]'  # a newline is a word, other blanks are none
SIZES = dict(vocab_size=0, hidden_size=32, intermediate_size=48,
             num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=4)
POSE = [
    dict(type='ResampleFrames', clip_len=8),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs', meta_keys=('frame_dir', ))
]


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
    # The model that is made for it is the same every time: `save` draws most
    # of its weights, not all.
    torch.manual_seed(0)
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


def write_qwen(folder):
    """Patches of 4 pixels, four of them a position."""
    tokenizer = write_tokenizer(folder)
    text = dict(SIZES, vocab_size=len(tokenizer), rope_scaling=dict(
        type='mrope', mrope_section=[1, 1, 2]))
    save(folder, Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(
        text_config=text, vision_config=dict(
            depth=1, hidden_size=16, intermediate_size=24, num_heads=2,
            patch_size=4, spatial_merge_size=2, temporal_patch_size=2,
            window_size=16, fullatt_block_indexes=[0], out_hidden_size=32),
        image_token_id=0, video_token_id=1,
        vision_start_token_id=tokenizer.vocab['hand'],
        vision_end_token_id=tokenizer.vocab['glass'])))
    transformers.Qwen2VLImageProcessor(
        patch_size=4, merge_size=2, temporal_patch_size=2, min_pixels=64,
        max_pixels=256).save_pretrained(folder)
    return 'Qwen2_5_VLForConditionalGeneration'


def write_internvl(folder):
    tokenizer = write_tokenizer(folder)
    save(folder, InternVLForConditionalGeneration(InternVLConfig(
        text_config=LlamaConfig(**dict(SIZES, vocab_size=len(tokenizer))),
        vision_config=InternVLVisionConfig(
            hidden_size=16, intermediate_size=24, num_hidden_layers=1,
            num_attention_heads=2, image_size=[8, 8], patch_size=[2, 2]),
        image_token_id=0)))
    write_image_processor(folder)
    return 'InternVLForConditionalGeneration'


def write_image_processor(folder):
    CLIPImageProcessor(size=dict(height=8, width=8), crop_size=dict(
        height=8, width=8)).save_pretrained(folder)


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


def annotations(number=6, joints=20):
    rng = np.random.default_rng(0)
    return [dict(frame_dir=f'clip{i}', label=i % 2, total_frames=10,
                 keypoint=rng.normal(size=(1, 10, joints, 3)).astype('f4'))
            for i in range(number)]


def write_nucla(path):
    """A few random clips in the place of Northwestern-UCLA."""
    rng = np.random.default_rng(0)
    clips = [dict(frame_dir=f'clip{i}', label=i, total_frames=20,
                  keypoint=rng.normal(size=(1, 20, 20, 3)).astype('f4'))
             for i in range(4)]
    names = [clip['frame_dir'] for clip in clips]
    path.write_bytes(pickle.dumps(dict(
        split=dict(xview_train=names[:2], xview_val=names[2:]),
        annotations=clips)))
    return path


def write_frames(path, frames, fps=30, codec='MJPG'):
    """A video of frames (T, H, W, 3), RGB; by default each is a JPEG."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps,
                             frames.shape[2:0:-1])
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()


def turn(path, width):
    """Let an MP4 of this many rows say that it is to be turned by a quarter,
    as a phone that is held upright does."""
    data = bytearray(path.read_bytes())
    still, turned = (struct.pack('>9i', a << 16, b << 16, 0, -b << 16, a << 16,
                                 0, x << 16, 0, 1 << 30)
                     for a, b, x in ((1, 0, 0), (0, 1, width)))
    at = data.index(still, data.index(b'tkhd'))
    data[at:at + len(turned)] = turned
    path.write_bytes(data)


@contextmanager
def file_limit(folder, size):
    """Let no file become larger, as on a disk with so much room; the system
    refuses the write itself, in whatever library."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Said(NamedTuple):
    """The outcome of a tool: its exit code and its two streams."""
    code: int
    out: str
    err: str

    @property
    def errors(self):
        return [line for line in self.err.splitlines()
                if line.startswith('error:')]


def end_process(*args):
    """Crash. Another process must be able to import it: no test's module."""
    os._exit(7)
