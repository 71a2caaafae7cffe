"""A transformers folder from the GGUF file of a small Llama.

transformers' own ``gguf_file=`` is slow, takes special tokens for text and
leaves a quantizer on the model.
"""
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

CONFIG_FIELDS = {
    'hidden_size': 'llama.embedding_length',
    'intermediate_size': 'llama.feed_forward_length',
    'num_hidden_layers': 'llama.block_count',
    'num_attention_heads': 'llama.attention.head_count',
    'num_key_value_heads': 'llama.attention.head_count_kv',
    'vocab_size': 'llama.vocab_size',
    'max_position_embeddings': 'llama.context_length',
    'rms_norm_eps': 'llama.attention.layer_norm_rms_epsilon',
    'rope_theta': 'llama.rope.freq_base',
    'bos_token_id': 'tokenizer.ggml.bos_token_id',
    'eos_token_id': 'tokenizer.ggml.eos_token_id',
    'pad_token_id': 'tokenizer.ggml.padding_token_id',
}
TENSOR_NAMES = {
    'token_embd': 'embed_tokens', 'output_norm': 'norm',
    'attn_norm': 'input_layernorm', 'ffn_norm': 'post_attention_layernorm',
    'attn_q': 'self_attn.q_proj', 'attn_k': 'self_attn.k_proj',
    'attn_v': 'self_attn.v_proj', 'attn_output': 'self_attn.o_proj',
    'ffn_gate': 'mlp.gate_proj', 'ffn_up': 'mlp.up_proj',
    'ffn_down': 'mlp.down_proj',
}


def write_folder(gguf_file: Path, folder: Path, progress: bool = True) -> None:
    """Write config, tokenizer and dequantised weights, in float32.

    Args:
        gguf_file (Path): A Llama with BPE tokens, as SmolLM2 is.
        folder (Path): An empty folder.
        progress (bool): Show a progress bar.

    Raises:
        ImportError: ``gguf`` is not installed.
    """
    reader = import_gguf().GGUFReader(str(gguf_file))
    fields = {key: f.contents() for key, f in reader.fields.items()}
    config = _model_config(fields)
    dump(folder / 'config.json', config)
    dump(folder / 'generation_config.json', {
        key: config[key] for key in config if key.endswith('_token_id')})
    _write_tokenizer(fields, folder)
    _write_weights(reader.tensors, config, folder, progress)


def unpermute(weight: np.ndarray, num_heads: int) -> np.ndarray:
    """Undo the row order llama.cpp gives query and key projections.

    llama.cpp rotates neighbouring rows (0, 1), (2, 3), ... of a head,
    transformers rotates row ``i`` with row ``i + head_dim / 2``.

    Args:
        weight (ndarray): ``(num_heads * head_dim, in_features)``.
        num_heads (int): Heads of this projection.

    Returns:
        ndarray: Same shape, even rows of each head first, then odd rows.

    Raises:
        ValueError: The rows do not split into heads of even size.
    """
    rows = weight.shape[0]
    if rows % (2 * num_heads):
        raise ValueError(f'{rows} rows do not make {num_heads} heads of '
                         'even size')
    pairs = weight.reshape(num_heads, -1, 2, weight.shape[-1])
    return pairs.swapaxes(1, 2).reshape(weight.shape)


def import_gguf() -> ModuleType:
    """Import the package ``gguf``.

    Raises:
        ImportError: It is not installed.
    """
    try:
        import gguf
        import gguf.quants
    except ImportError as error:
        raise ImportError('converting SmolLM2 needs the gguf package: pip '
                          f'install "gguf>=0.16" ({error})') from error
    return gguf


def dump(path: Path, content: Any) -> None:
    """Write JSON."""
    path.write_text(json.dumps(content, indent=2) + '\n', 'utf-8')


def _model_config(fields):
    # Written by hand: transformers 5 would save the rotary base under a
    # name that transformers 4 ignores without a word.
    config = {key: fields[name] for key, name in CONFIG_FIELDS.items()}
    config.update(
        architectures=['LlamaForCausalLM'], model_type='llama',
        hidden_act='silu', tie_word_embeddings=True, torch_dtype='float32',
        head_dim=config['hidden_size'] // config['num_attention_heads'],
        # stored as float32; rounding gives the 1e-5 that was meant
        rms_norm_eps=round(config['rms_norm_eps'], 9))
    return config


def _write_weights(tensors, config, folder, progress):
    from gguf.quants import dequantize
    from safetensors.numpy import save_file
    from tqdm import tqdm
    heads = {'attn_q': config['num_attention_heads'],
             'attn_k': config['num_key_value_heads']}
    state = {}
    for tensor in tqdm(tensors, 'converting', unit='tensor',
                       disable=not progress):
        # blk.0.attn_q.weight, or token_embd.weight outside the layers
        *block, short, _ = tensor.name.split('.')
        layer = f'layers.{block[1]}.' if block else ''
        # float32: bfloat16 would round the dequantised values once more and
        # move logits by up to 0.2
        weight = dequantize(tensor.data, tensor.tensor_type)
        if short in heads:
            weight = unpermute(weight, heads[short])
        name = f'model.{layer}{TENSOR_NAMES[short]}.weight'
        state[name] = weight.copy()
    target = folder / 'model.safetensors'
    save_file(state, str(target), {'format': 'pt'})
    shutil.copymode(folder / 'config.json', target)  # made private else


def _write_tokenizer(fields, folder):
    from tokenizers import (AddedToken, Tokenizer, decoders, models,
                            pre_tokenizers)
    tokens = fields['tokenizer.ggml.tokens']
    merges = [tuple(m.split(' ')) for m in fields['tokenizer.ggml.merges']]
    bpe = models.BPE({t: i for i, t in enumerate(tokens)}, merges)
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    control = 3  # llama.cpp's token type of markers such as <|im_end|>
    tokenizer.add_special_tokens([
        AddedToken(token, special=True, normalized=False)
        for token, kind in zip(tokens, fields['tokenizer.ggml.token_type'])
        if kind == control])
    tokenizer.save(str(folder / 'tokenizer.json'))
    ids = {key[:3]: fields[f'tokenizer.ggml.{key}_token_id']
           for key in ('bos', 'eos', 'padding', 'unknown')}
    # Written by hand for the same reason as the config.
    dump(folder / 'tokenizer_config.json', {
        'tokenizer_class': 'PreTrainedTokenizerFast',
        'model_input_names': ['input_ids', 'attention_mask'],
        'model_max_length': fields['llama.context_length'],
        'clean_up_tokenization_spaces': False,
        'chat_template': fields['tokenizer.chat_template'],
        **{f'{role}_token': tokens[i] for role, i in ids.items()}})
