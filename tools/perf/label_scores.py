"""What exact scores of all class names cost, and whether they are exact.

    python tools/perf/label_scores.py [--clips 4] [--repeats 3] [--lvlm PATH]

In one run, on SmolLM2 in float32 with random LoRA layers, the 60 names of
NTU RGB+D and random action tokens, a different number of them in each of
four neighbouring clips:

    trie        LVLMHead's scores, one forward over prompt and label trie
    per label   one ordinary forward of the model for each name, all clips
    prompt      one forward over the prompt alone, logits of its last position

Times are wall clock, medians over the repeats. The ordinary forwards make
logits only where they are read. The last line is JSON: `max_abs_diff` is the
largest difference of two log-likelihoods over all clips and names,
`token_ratio` the positions of a row, padding included, over those of its
prompt.
"""
import argparse
import json
import os.path as osp
import time
from statistics import median

import torch
import torch.nn.functional as F
from terminaltables import AsciiTable

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.models import LVLMHead, SemanticTokens
from lvlm_var_mm.smollm2 import default_dir

CHANNELS, TOKENS = 128, 12  # as in configs/_base_/models/lvlmvar_skeleton.py


def make_head(path):
    """A head that was never trained, but whose LoRA layers matter."""
    head = LVLMHead(
        num_classes=60,
        in_channels=CHANNELS,
        class_names='ntu60',
        lvlm=dict(
            type='transformers.AutoModelForCausalLM.from_pretrained',
            pretrained_model_name_or_path=path,
            dtype='float32',
            attn_implementation='eager'),
        lora=dict(
            type='peft.LoraConfig',
            r=16,
            lora_alpha=32,
            target_modules=['q_proj', 'k_proj', 'v_proj', 'o_proj']))
    for name, param in head.named_parameters():
        if 'lora_B' in name:  # starts out as zero
            torch.nn.init.normal_(param, std=0.02)
    return head.eval()


def make_tokens(clips):
    """Random action tokens; the mask leaves 12, 10, 8 or 6 of a clip."""
    lengths = TOKENS - 2 * (torch.arange(clips) % 4)
    return SemanticTokens(
        torch.randn(clips, TOKENS, CHANNELS),
        torch.randint(256, (clips, TOKENS)),
        torch.arange(TOKENS) < lengths[:, None])


def embed_prompts(head, feats):
    """Each clip's prompt, put together on its own and padded on the left ->
    (N, S, D) embeddings and the (N, S) mask."""
    embed = head.lvlm.get_input_embeddings()
    before, after = (embed(torch.tensor(ids))
                     for ids in (head.prompt.before, head.prompt.after))
    rows = [
        torch.cat([before, head.projector(x[m]) * head.token_scale, after])
        for x, m in zip(feats.embeds, feats.mask)
    ]
    width = max(map(len, rows))
    padded = [F.pad(row, (0, 0, width - len(row), 0)) for row in rows]
    lengths = torch.tensor([[len(row)] for row in rows])
    return torch.stack(padded), torch.arange(width) >= width - lengths


def ordinary_logits(head, embeds, mask, keep):
    """Logits of the last ``keep`` positions, as anyone would get them."""
    return head.lvlm(
        inputs_embeds=embeds,
        attention_mask=mask.long(),
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        use_cache=False,
        logits_to_keep=keep).logits


def prompt_logits(head, feats):
    return ordinary_logits(head, *embed_prompts(head, feats), 1)


def per_label_scores(head, feats):
    """(N, num_classes) log-likelihoods, one forward a name."""
    prompt, mask = embed_prompts(head, feats)
    embed, n = head.lvlm.get_input_embeddings(), len(prompt)
    scores = []
    for name in map(head.prompt.name, head.classes.names):
        ids = torch.tensor(name).expand(n, -1)
        # The name's last token is predicted, but never read.
        logits = ordinary_logits(
            head, torch.cat([prompt, embed(ids[:, :-1])], 1),
            F.pad(mask, (0, len(name) - 1), value=True), len(name))
        logprobs = logits.log_softmax(-1).gather(-1, ids[..., None])
        scores.append(logprobs.sum((1, 2)))
    return torch.stack(scores, 1)


@torch.inference_mode()
def measure(head, feats, repeats):
    """What each way gives and the median of its times in seconds."""
    ways = {'trie': head, 'per label': lambda x: per_label_scores(head, x),
            'prompt': lambda x: prompt_logits(head, x)}
    for name in ('prompt', 'trie'):  # warm-up; 60 forwards need none
        ways[name](feats)
    times, results = {name: [] for name in ways}, {}
    # In turn, so that a disturbance of the machine meets all of them.
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            results[name] = way(feats)
            times[name].append(time.perf_counter() - start)
    return results, {name: median(t) for name, t in times.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--clips', type=int, default=4,
                        help='clips in the batch (default: %(default)s)')
    parser.add_argument('--repeats', type=int, default=3,
                        help='timed runs of each (default: %(default)s)')
    parser.add_argument('--lvlm', metavar='PATH', default=str(default_dir()),
                        help='folder or hub id of a causal language model '
                        '(default: SmolLM2)')
    args = parser.parse_args()
    if args.clips < 1 or args.repeats < 1:
        parser.error('--clips and --repeats must be at least 1')

    torch.manual_seed(0)
    head = make_head(args.lvlm)
    feats = make_tokens(args.clips)
    results, seconds = measure(head, feats, args.repeats)

    trie, labels = len(head.trie), len(head.classes.names)
    prompt = embed_prompts(head, feats)[0].shape[1]
    names = sum(len(head.prompt.name(n)) - 1 for n in head.classes.names)
    rows = [('way', 'forwards', 'positions a clip', 'seconds')]
    for way, forwards, positions in (
            ('trie', 1, prompt + trie),
            ('per label', labels, labels * prompt + names),
            ('prompt', 1, prompt)):
        rows.append((way, forwards, positions, f'{seconds[way]:.3f}'))
    table = AsciiTable(
        rows, title=f'{args.clips} clips, {labels} names, '
        f'{torch.get_num_threads()} threads')
    table.justify_columns = {1: 'right', 2: 'right', 3: 'right'}
    print(table.table)
    diff = (results['trie'] - results['per label']).abs().max()
    print(json.dumps(dict(
        max_abs_diff=float(diff),
        speedup_vs_per_label=seconds['per label'] / seconds['trie'],
        cost_vs_prompt=seconds['trie'] / seconds['prompt'],
        token_ratio=(prompt + trie) / prompt,
        labels=labels,
        clips=args.clips,
        repeats=args.repeats,
        dtype='float32',
        model=osp.basename(osp.normpath(args.lvlm)))))


if __name__ == '__main__':
    with user_errors():
        main()
