"""A training step beside the same written by the book with transformers and
peft.

    python tools/perf/train_step.py [--clips 4] [--labels 10] [--repeats 3]

Both sides train the LoRA layers, the projector and the scale of its tokens of
one SmolLM2 in float32 on the same batch: random action tokens, the names and
descriptions of NTU RGB+D. The loss is that of LVLMHead, the language-model
loss on the answer plus softmax cross-entropy over the log-likelihoods of all
names; a step is forward, backward and AdamW.

    ours      LVLMHead.loss
    plain     a row for each clip and name, padded, with the reason behind the
              true name; `model(...).logits`, log_softmax, gather
    ours lm   the language-model loss alone, as LVLMLinearHead has it
    plain lm  the same by the book: a row for each clip with the true answer,
              `model(labels=...)`

Times are medians over the repeats, which run in turn; wall clock, or by
`--cpu-time` the time of the processor, which other work on the machine
disturbs less. Peak memory is the growth of each side's own process from the
loaded model to the end of its steps; on `--device cuda` it is that of the
allocator. The last line is JSON:

    speedup, loss_diff, peak_mb, plain_peak_mb               ours, plain
    lm_speedup, lm_loss_diff, lm_peak_mb, plain_lm_peak_mb   the same for lm
"""
import argparse
import json
import os.path as osp
import subprocess
import sys
import time
from statistics import median
from typing import Callable, Dict, List, Tuple


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--clips', type=int, default=4,
                        help='batch size (default: %(default)s)')
    parser.add_argument('--labels', type=int, default=10,
                        help='names of NTU RGB+D, up to 120 '
                        '(default: %(default)s)')
    parser.add_argument('--repeats', type=int, default=3,
                        help='timed steps of each (default: %(default)s)')
    parser.add_argument('--dtype', default='float32',
                        help='of the language model (default: %(default)s)')
    parser.add_argument('--device', default='cpu', choices=['cpu', 'cuda'])
    parser.add_argument('--cpu-time', action='store_true',
                        help='time of the processor, not of the clock')
    parser.add_argument('--lvlm', metavar='PATH',
                        help='folder or hub id of a causal language model '
                        '(default: SmolLM2)')
    parser.add_argument('--peak', metavar='WAY', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.clips < 1 or args.repeats < 1 or not 2 <= args.labels <= 120:
        parser.error('--clips and --repeats must be at least 1, --labels '
                     'between 2 and 120')
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
from lvlm_var_mm.models.lvlm.logprobs import answer_logprobs
from lvlm_var_mm.models.lvlm.prompt import pad_right
from lvlm_var_mm.models.lvlm.smollm2 import default_dir
from mmaction.structures import ActionDataSample
from mmaction.utils import SampleList

Losses = Tuple[Tensor, Tensor]  # the whole, and that of the answer
CHANNELS, TOKENS = 128, 12  # as in configs/_base_/models/lvlmvar_skeleton.py


def make_head(args: argparse.Namespace) -> nn.Module:
    classes = load_classes('ntu120')
    head = LVLMHead(
        num_classes=args.labels,
        in_channels=CHANNELS,
        class_names=list(zip(*classes))[:args.labels],
        lvlm=dict(
            type='transformers.AutoModelForCausalLM.from_pretrained',
            pretrained_model_name_or_path=args.lvlm,
            dtype=args.dtype,
            attn_implementation='sdpa'),
        lora=dict(
            type='peft.LoraConfig',
            r=16,
            lora_alpha=32,
            target_modules=['q_proj', 'k_proj', 'v_proj', 'o_proj']))
    return head.to(args.device).train()


def make_batch(args: argparse.Namespace) -> Tuple[SemanticTokens, SampleList]:
    """Tokens and samples; the mask leaves 12, 10, 8 or 6 tokens of a clip."""
    torch.manual_seed(0)
    lengths = TOKENS - 2 * (torch.arange(args.clips) % 4)
    feats = SemanticTokens(*(field.to(args.device) for field in (
        torch.randn(args.clips, TOKENS, CHANNELS),
        torch.randint(256, (args.clips, TOKENS)),
        torch.arange(TOKENS) < lengths[:, None])))
    samples = [ActionDataSample() for _ in range(args.clips)]
    for i, sample in enumerate(samples):
        sample.set_gt_label(i % args.labels)
    return feats, samples


# ------------------------------------------------------- one loss, two ways
def ours(head: nn.Module, feats: SemanticTokens,
         samples: SampleList) -> Losses:
    losses = head.loss(feats, samples)
    return losses['loss_cls'] + losses['loss_lm'], losses['loss_lm']


def padded(rows: List[Tensor],
           answers: List[List[int]]) -> Tuple[Tensor, Tensor, Tensor]:
    """Rows of embeddings and the ids that close each -> embeddings, mask and
    labels, padded on the right, as a collator does it."""
    width = max(map(len, rows))
    embeds = torch.stack([F.pad(r, (0, 0, 0, width - len(r))) for r in rows])
    lengths = torch.tensor([[len(r)] for r in rows], device=embeds.device)
    mask = torch.arange(width, device=embeds.device) < lengths
    labels = torch.full(mask.shape, -100, device=embeds.device)
    for label, row, ids in zip(labels, rows, answers):
        label[len(row) - len(ids):len(row)] = torch.tensor(ids)
    return embeds, mask.long(), labels


def prompts(head: nn.Module, feats: SemanticTokens) -> List[Tensor]:
    """Embeddings of each clip's prompt, none padded."""
    embed, device = head.lvlm.get_input_embeddings(), feats.ids.device
    before, after = (embed(torch.tensor(ids, device=device))
                     for ids in (head.prompt.before, head.prompt.after))
    tokens = head.token_scale(head.projector(feats.embeds))
    return [torch.cat([before, t[m].to(before.dtype), after])
            for t, m in zip(tokens, feats.mask)]


def answer(head: nn.Module, label: int) -> List[int]:
    names, texts = head.classes
    return (head.prompt.name(names[label]),
            head.prompt.reason(names[label], texts[label]))


def with_answers(head: nn.Module, rows: List[Tensor],
                 answers: List[List[int]]) -> Tuple[Tensor, Tensor, Tensor]:
    embed, device = head.lvlm.get_input_embeddings(), rows[0].device
    return padded([torch.cat([row, embed(torch.tensor(ids, device=device))])
                   for row, ids in zip(rows, answers)], answers)


def plain(head: nn.Module, feats: SemanticTokens,
          samples: SampleList) -> Losses:
    """A row for each clip and name."""
    rows, answers, ends = [], [], []
    for row, sample in zip(prompts(head, feats), samples):
        for label in range(head.num_classes):
            name, reason = answer(head, label)
            true = label == int(sample.gt_label)
            rows.append(row)
            answers.append(name + reason if true else name)
            ends.append(len(row) + len(name))
    embeds, mask, labels = with_answers(head, rows, answers)
    logits = head.lvlm(inputs_embeds=embeds, attention_mask=mask).logits
    logprobs = logits[:, :-1].float().log_softmax(-1)
    target = labels[:, 1:]
    taken = logprobs.gather(-1, target.clamp(min=0)[..., None]).squeeze(-1)
    taken = taken * (target >= 0)
    position = torch.arange(1, labels.shape[1], device=labels.device)
    in_name = position < torch.tensor(ends, device=labels.device)[:, None]
    scores = (taken * in_name).sum(1).view(len(samples), -1)
    true = torch.cat([s.gt_label for s in samples]).to(labels.device)
    own = torch.arange(len(samples), device=labels.device) * \
        head.num_classes + true
    loss_lm = -taken[own].sum() / (target[own] >= 0).sum()
    return F.cross_entropy(scores, true) + loss_lm, loss_lm


def ours_lm(head: nn.Module, feats: SemanticTokens,
            samples: SampleList) -> Losses:
    target, counts = pad_right(true_answers(head, samples), feats.ids.device)
    hidden = head.lm.forward_lm(head.prompt_inputs(feats),
                                answer=target[:, :-1])
    logprob, length = answer_logprobs(hidden, head.lm.lm_head, target, counts)
    return -logprob / length, -logprob / length


def true_answers(head: nn.Module, samples: SampleList) -> List[List[int]]:
    return [sum(answer(head, int(s.gt_label)), []) for s in samples]


def plain_lm(head: nn.Module, feats: SemanticTokens,
             samples: SampleList) -> Losses:
    """A row for each clip, the loss that transformers gives."""
    answers = true_answers(head, samples)
    embeds, mask, labels = with_answers(head, prompts(head, feats), answers)
    loss = head.lvlm(
        inputs_embeds=embeds, attention_mask=mask, labels=labels).loss
    return loss, loss


WAYS = {'ours': ours, 'plain': plain, 'ours lm': ours_lm,
        'plain lm': plain_lm}


def stepper(way: str, args: argparse.Namespace) -> Callable:
    """A call that makes one step and returns its losses. Every side starts
    from the same weights."""
    torch.manual_seed(0)
    head = make_head(args)
    feats, samples = make_batch(args)
    optimizer = torch.optim.AdamW(
        [p for p in head.parameters() if p.requires_grad], 1e-4)

    def step():
        loss, loss_lm = WAYS[way](head, feats, samples)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item(), loss_lm.item()

    return step


# ----------------------------------------------------------------- measuring
def peak_mb(way: str, args: argparse.Namespace) -> float:
    """Growth of this process over two steps, the optimizer's state in it."""
    step = stepper(way, args)
    if args.device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step(), step()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with open('/proc/self/clear_refs', 'w') as file:
        file.write('5')  # the peak starts again: loading has one of its own
    before = _status_mb('VmRSS')
    step(), step()
    return _status_mb('VmHWM') - before


def _status_mb(key):
    # Not getrusage: its peak is inherited from the process that forked.
    with open('/proc/self/status') as file:
        line, = (row for row in file if row.startswith(key))
    return int(line.split()[1]) / 2**10


def peak_in_a_process(way: str) -> float:
    """Run in a process of its own, so that no side profits from the memory of
    another."""
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], '--peak', way],
        stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(args: argparse.Namespace) -> Tuple[Dict, Dict[str, float]]:
    """First losses and median seconds of a step of each way."""
    steps = {way: stepper(way, args) for way in WAYS}
    first = {way: step() for way, step in steps.items()}  # warm-up, too
    times = {way: [] for way in WAYS}
    clock = time.process_time if args.cpu_time else time.perf_counter
    for _ in range(args.repeats):
        for way, step in steps.items():
            start = clock()
            step()  # its losses are read, so an accelerator is done
            times[way].append(clock() - start)
    return first, {way: median(t) for way, t in times.items()}


def main() -> None:
    args = parse_args()
    args.lvlm = args.lvlm or str(default_dir())
    if args.peak:
        print(json.dumps(peak_mb(args.peak, args)))
        return
    peaks = {way: peak_in_a_process(way) for way in WAYS}
    losses, seconds = measure(args)
    table = AsciiTable(
        [('way', 'seconds', 'clips/s', 'peak MB', 'loss', 'loss_lm'),
         *((way, f'{seconds[way]:.3f}', f'{args.clips / seconds[way]:.2f}',
            f'{peaks[way]:.0f}', *(f'{x:.4f}' for x in losses[way]))
           for way in WAYS)],
        title=f'{args.clips} clips, {args.labels} names, '
        f'{torch.get_num_threads()} threads')
    table.justify_columns = {i: 'right' for i in range(1, 6)}
    print(table.table)
    print(json.dumps(dict(
        speedup=seconds['plain'] / seconds['ours'],
        loss_diff=abs(losses['plain'][0] - losses['ours'][0]),
        peak_mb=peaks['ours'],
        plain_peak_mb=peaks['plain'],
        lm_speedup=seconds['plain lm'] / seconds['ours lm'],
        lm_loss_diff=abs(losses['plain lm'][1] - losses['ours lm'][1]),
        lm_peak_mb=peaks['ours lm'],
        plain_lm_peak_mb=peaks['plain lm'],
        clips=args.clips,
        labels=args.labels,
        repeats=args.repeats,
        threads=torch.get_num_threads(),
        clock='cpu' if args.cpu_time else 'wall',
        device=args.device,
        dtype=args.dtype,
        model=osp.basename(osp.normpath(args.lvlm)))))


if __name__ == '__main__':
    with user_errors():
        main()
