"""Measure what scores of all class names cost by every method, and whether
they are exact.

    python tools/perf/label_scores.py [--clips 4] [--repeats 3] [--lvlm PATH]

In one run, on SmolLM2 in float32 with random LoRA layers, names of NTU RGB+D
and random action tokens, a different number of them in neighbouring clips:

    trie          LVLMHead's scores: one forward over prompt and label trie,
                  behind the cached keys and values of the instruction
    per label     one ordinary forward of the model for each name, with logits
                  where they are read (lean) or for every position, which is
                  what `model(...)` gives (full logits)
    generate      greedy decoding up to the end of a name, then the name that
                  the text is most like
    constrained   greedy decoding along the trie, the instruction cached
    linear        a linear layer on the last hidden state, likewise
    prompt        one forward over the prompt alone, logits of its last
                  position (lean) or of all (full logits)

The first table compares exact scores of 60 names with a short instruction and
with one that lists the candidates; the second all methods, in seconds per
clip. The others know nothing of a cached prefix. Times are medians over the
repeats; but a forward for each name is timed on a few names and multiplied,
except where `max_abs_diff` is taken, on all 60 names with the short
instruction. They are wall clock, or by `--cpu-time` the time of the processor,
which other work on the machine disturbs less. The last line is JSON:

    max_abs_diff           largest difference of two log-likelihoods
    speedup_vs_per_label   per label (lean) over trie; with `_full_logits`
                           per label (full logits)
    cost_vs_prompt         trie over prompt (lean)
    token_ratio            positions of a row with the trie, padding included,
                           over those of its prompt
    cost_over_tokens       the last but one over the last
    with_candidates        the same where candidates are listed
    seconds_a_clip         the second table
"""
import argparse
import difflib
import json
import os.path as osp
import time
from functools import partial
from statistics import median
from typing import Callable, Dict, List, Sequence, Tuple


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--clips', type=int, default=4,
                        help='clips of the first table (default: %(default)s)')
    parser.add_argument('--labels', type=int, nargs='*', default=[10, 60, 120],
                        help='of the second; none leaves it out '
                        '(default: 10 60 120)')
    parser.add_argument('--batch', type=int, nargs='+', default=[1, 8],
                        help='clips of the second table (default: 1 8)')
    parser.add_argument('--repeats', type=int, default=3,
                        help='timed runs of each (default: %(default)s)')
    parser.add_argument('--names', type=int, default=2,
                        help='names that a forward for each is timed on '
                        '(default: %(default)s)')
    parser.add_argument('--attn', default='sdpa', choices=['sdpa', 'eager'])
    parser.add_argument('--cpu-time', action='store_true',
                        help='time of the processor, not of the clock')
    parser.add_argument('--lvlm', metavar='PATH',
                        help='folder or hub id of a causal language model '
                        '(default: SmolLM2)')
    args = parser.parse_args()
    if min(args.clips, args.repeats, args.names, *args.batch) < 1:
        parser.error('--clips, --repeats, --names and --batch must be at '
                     'least 1')
    if not all(2 <= k <= 120 for k in args.labels):
        parser.error('--labels must lie between 2 and 120')
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import torch
import torch.nn.functional as F
from terminaltables import AsciiTable
from torch import Tensor, nn

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.models import LVLMHead, SemanticTokens
from lvlm_var_mm.models.heads.scoring import Scoring
from lvlm_var_mm.models.lvlm.reader import PROMPT
from lvlm_var_mm.models.lvlm.smollm2 import default_dir

CHANNELS, TOKENS = 128, 12  # as in configs/_base_/models/lvlmvar_skeleton.py
PROMPTS = {
    'short': PROMPT,
    'candidates': 'A clip shows one of these actions: {candidates}.\n' + PROMPT
}
LABELS = 60


def make_head(path: str, prompt: str = PROMPT,
              attn: str = 'sdpa') -> nn.Module:
    """A head that was never trained, but whose LoRA layers matter."""
    head = LVLMHead(
        num_classes=LABELS,
        in_channels=CHANNELS,
        class_names='ntu60',
        prompt=prompt,
        lvlm=dict(
            type='transformers.AutoModelForCausalLM.from_pretrained',
            pretrained_model_name_or_path=path,
            dtype='float32',
            attn_implementation=attn),
        lora=dict(
            type='peft.LoraConfig',
            r=16,
            lora_alpha=32,
            target_modules=['q_proj', 'k_proj', 'v_proj', 'o_proj']))
    for name, param in head.named_parameters():
        if 'lora_B' in name:  # starts out as zero
            torch.nn.init.normal_(param, std=0.02)
    return head.eval()


def make_tokens(clips: int) -> SemanticTokens:
    """Random action tokens; the mask leaves 12, 10, 8 or 6 of a clip."""
    lengths = TOKENS - 2 * (torch.arange(clips) % 4)
    return SemanticTokens(
        torch.randn(clips, TOKENS, CHANNELS),
        torch.randint(256, (clips, TOKENS)),
        torch.arange(TOKENS) < lengths[:, None])


def embed_prompts(head: nn.Module,
                  feats: SemanticTokens) -> Tuple[Tensor, Tensor]:
    """Each clip's prompt, put together on its own and padded on the left ->
    (N, S, D) embeddings and the (N, S) mask."""
    embed = head.lvlm.get_input_embeddings()
    before, after = (embed(torch.tensor(ids))
                     for ids in (head.prompt.before, head.prompt.after))
    tokens = head.token_scale(head.projector(feats.embeds)).to(before)
    rows = [torch.cat([before, x[m], after])
            for x, m in zip(tokens, feats.mask)]
    width = max(map(len, rows))
    padded = [F.pad(row, (0, 0, width - len(row), 0)) for row in rows]
    lengths = torch.tensor([[len(row)] for row in rows])
    return torch.stack(padded), torch.arange(width) >= width - lengths


def ordinary_logits(head: nn.Module, embeds: Tensor, mask: Tensor,
                    keep: int) -> Tensor:
    """Logits of the last ``keep`` positions, or of all (0)."""
    return head.lvlm(
        inputs_embeds=embeds,
        attention_mask=mask.long(),
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        use_cache=False,
        logits_to_keep=keep).logits


def prompt_logits(head: nn.Module, feats: SemanticTokens,
                  full: bool = False) -> Tensor:
    return ordinary_logits(head, *embed_prompts(head, feats), 0 if full else 1)


def per_label_scores(head: nn.Module, feats: SemanticTokens,
                     names: Sequence[str], full: bool = False) -> Tensor:
    """(N, len(names)) log-likelihoods, one forward per name."""
    prompt, mask = embed_prompts(head, feats)
    embed, n = head.lvlm.get_input_embeddings(), len(prompt)
    scores = []
    for name in map(head.prompt.name, names):
        ids = torch.tensor(name).expand(n, -1)
        # The name's last token is predicted, but never read.
        logits = ordinary_logits(
            head, torch.cat([prompt, embed(ids[:, :-1])], 1),
            F.pad(mask, (0, len(name) - 1), value=True),
            0 if full else len(name))[:, -len(name):]
        logprobs = logits.log_softmax(-1).gather(-1, ids[..., None])
        scores.append(logprobs.sum((1, 2)))
    return torch.stack(scores, 1)


def generate_and_match(head: nn.Module,
                       feats: SemanticTokens) -> List[List[str]]:
    """Names that the generated texts are most like."""
    prompt, mask = embed_prompts(head, feats)
    names = head.classes.names
    ids = head.lvlm.generate(
        inputs_embeds=prompt,
        attention_mask=mask.long(),
        max_new_tokens=max(len(head.prompt.name(n)) for n in names),
        do_sample=False,
        eos_token_id=sorted({s[-1] for s in head.trie.sequences}),
        pad_token_id=head.prompt.end)
    return [difflib.get_close_matches(head.prompt.decode(i), names, 1, 0.)
            for i in ids]


def constrained(head: nn.Module, feats: SemanticTokens) -> Tensor:
    return Scoring('constrained')(head.lm, head.prompt_inputs(feats),
                                  head.trie)


def linear(head: nn.Module, feats: SemanticTokens) -> Tensor:
    # Any matrix takes as long as the one that LVLMLinearHead has trained.
    hidden = head.lm.forward_lm(head.prompt_inputs(feats))[:, 0]
    return hidden @ torch.ones(hidden.shape[1], len(head.classes.names))


def some(names: Sequence[str], number: int) -> Sequence[str]:
    """Names spread over the list, so that they are as long as the others."""
    return names[::max(1, len(names) // number)][:number]


clock = time.perf_counter


def seconds(ways: Dict[str, Callable], repeats: int) -> Dict[str, float]:
    """Median time of each of the calls; they run in turn, so a disturbance of
    the machine meets all of them."""
    times = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = clock()
            way()
            times[name].append(clock() - start)
    return {name: median(t) for name, t in times.items()}


def exact_part(head: nn.Module, feats: SemanticTokens, repeats: int,
               sample: int) -> Tuple[Dict[str, float], Dict]:
    """Seconds of every exact way and of the prompt; figures for the JSON."""
    head.set_classes('ntu60')
    head.train().eval()  # forgets the prefix
    few = some(head.classes.names, sample)
    first = seconds({'trie, prefix not cached yet': partial(head, feats)}, 1)
    prompt_logits(head, feats)
    found = seconds({
        'trie': partial(head, feats),
        'prompt (lean)': partial(prompt_logits, head, feats),
        'prompt (full logits)': partial(prompt_logits, head, feats, True),
    }, repeats)
    for name, full in (('lean', False), ('full logits', True)):
        found[f'per label ({name})'] = LABELS / len(few) * seconds(
            {'x': partial(per_label_scores, head, feats, few, full)}, 1)['x']
    found.update(first)
    positions = embed_prompts(head, feats)[0].shape[1]
    ratio = (positions + len(head.trie)) / positions
    cost = found['trie'] / found['prompt (lean)']
    return found, dict(
        speedup_vs_per_label=found['per label (lean)'] / found['trie'],
        speedup_vs_per_label_full_logits=(
            found['per label (full logits)'] / found['trie']),
        cost_vs_prompt=cost,
        cost_vs_prompt_full_logits=(
            found['trie'] / found['prompt (full logits)']),
        token_ratio=ratio,
        cost_over_tokens=cost / ratio,
        prompt_positions=positions,
        trie_positions=len(head.trie))


def all_methods(head: nn.Module, feats: SemanticTokens, names: Sequence[str],
                repeats: int, sample: int) -> Dict[str, float]:
    """Seconds per clip by every method."""
    head.set_classes(names)
    few = some(names, sample)
    ways = {
        'trie': partial(head, feats),
        'generate': partial(generate_and_match, head, feats),
        'constrained': partial(constrained, head, feats),
        'linear': partial(linear, head, feats),
    }
    ways['trie'](), ways['linear']()
    found = seconds(ways, repeats)
    for name, full in (('lean', False), ('full logits', True)):
        found[f'per label ({name})'] = len(names) / len(few) * seconds(
            {'x': partial(per_label_scores, head, feats, few, full)}, 1)['x']
    return {way: t / len(feats.ids) for way, t in found.items()}


def show(title: str, head: List[str], rows: List[List[str]]) -> None:
    table = AsciiTable([head, *rows], title=title)
    table.justify_columns = {i: 'right' for i in range(1, len(head))}
    print(table.table, flush=True)


@torch.inference_mode()
def main() -> None:
    args = parse_args()
    args.lvlm = args.lvlm or str(default_dir())
    global clock
    if args.cpu_time:
        clock = time.process_time
    torch.manual_seed(0)
    heads = {key: make_head(args.lvlm, prompt, args.attn)
             for key, prompt in PROMPTS.items()}
    feats = make_tokens(args.clips)
    parts = {key: exact_part(head, feats, args.repeats, args.names)
             for key, head in heads.items()}
    # All 60 names on the short prompt: the values, and a better time.
    head = heads['short']
    start = clock()
    expected = per_label_scores(head, feats, head.classes.names)
    times, figures = parts['short']
    times['per label (lean)'] = clock() - start
    figures['speedup_vs_per_label'] = times['per label (lean)'] / times['trie']
    diff = float((head(feats) - expected).abs().max())
    show(f'{args.clips} clips, {LABELS} names, '
         f'{torch.get_num_threads()} threads: seconds',
         ['way', *(f'{key}, {f["prompt_positions"]} positions'
                   for key, (_, f) in parts.items())],
         [[way, *(f'{t[way]:.3f}' for t, _ in parts.values())]
          for way in times])

    names, grid = load_classes('ntu120').names, []
    for key, head in heads.items():
        for labels in args.labels:
            for batch in args.batch:
                # Behind a long prompt a name's own length hardly matters.
                found = all_methods(head, make_tokens(batch), names[:labels],
                                    args.repeats,
                                    args.names if key == 'short' else 1)
                grid.append(dict(prompt=key, labels=labels, batch=batch,
                                 **found))
    if grid:
        show('seconds per clip',
             ['method', *(f'{g["prompt"]} {g["labels"]} x{g["batch"]}'
                          for g in grid)],
             [[way, *(f'{g[way]:.3f}' for g in grid)] for way in found])
    print(json.dumps(dict(
        max_abs_diff=diff,
        **figures,
        with_candidates=parts['candidates'][1],
        seconds_a_clip=grid,
        labels=LABELS,
        clips=args.clips,
        repeats=args.repeats,
        names_timed=args.names,
        threads=torch.get_num_threads(),
        clock='cpu' if args.cpu_time else 'wall',
        attn=args.attn,
        dtype='float32',
        model=osp.basename(osp.normpath(args.lvlm)))))


if __name__ == '__main__':
    with user_errors():
        main()
