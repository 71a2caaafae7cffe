"""Bytes and operations of a training step, counted while it runs.

Language model and backbone take their real step at their real size, on fake
tensors, which have shapes and no content; so recomputed activations, slices of
the vocabulary and the tree mask count as they are, not by a formula that would
have to follow them. The neck is small and runs on the CPU.
"""
import weakref
from typing import Callable, Dict, List, NamedTuple, Optional

import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from lvlm_var_mm.models import SemanticTokens
from lvlm_var_mm.models.heads.reasons import LONGEST
from lvlm_var_mm.models.lvlm.language_model import PromptInputs
from lvlm_var_mm.models.lvlm.logprobs import next_token_logprobs, trie_logprobs
from lvlm_var_mm.models.lvlm.templates import KEYFRAMES, NARRATIVE, TOKENS
from lvlm_var_mm.models.vst.features import tensors


class Footprint(NamedTuple):
    """Bytes and operations of one call."""
    bytes: int  # most that was alive at once, of what was made in it
    flops: int  # floating point operations of its matrix products
    traffic: int = 0  # bytes that its operations read and write

    def __add__(self, other: 'Footprint') -> 'Footprint':
        return Footprint(*map(sum, zip(self, other)))


class _Alive(TorchDispatchMode):
    """Follow the storages of all tensors that are made, and add up what the
    operations read and write."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = self.traffic = 0
        self.sizes = {}

    def know(self, tensors) -> None:
        """These were there before."""
        for tensor in tensors:
            self.sizes[id(tensor.untyped_storage())] = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        made = [t for t in tree_leaves(out) if isinstance(t, torch.Tensor)]
        for tensor in made:
            self._made(tensor.untyped_storage())
        returned = [r.alias_info for r in func._schema.returns]
        if not all(alias and not alias.is_write for alias in returned):
            read = [t for t in tree_leaves((args, kwargs or {}))
                    if isinstance(t, torch.Tensor)]
            self.traffic += sum(t.numel() * t.element_size()
                                for t in read + made)
        return out  # of a view, nothing is moved

    def _made(self, storage) -> None:
        key = id(storage)
        if key in self.sizes:
            return
        self.sizes[key] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.now -= self.sizes.pop(key)


def counted(call: Callable, module: nn.Module) -> Footprint:
    """Run ``call()``, twice, and count. The weights of ``module`` were there
    before; their gradients are made, and deleted afterwards."""
    kept = [*module.parameters(), *module.buffers()]
    alive, flops = _Alive(), FlopCounterMode(display=False)
    alive.know(kept)
    with alive:
        call()
    module.zero_grad(set_to_none=True)
    with flops:  # apart: it holds on to tensors
        call()
    module.zero_grad(set_to_none=True)
    return Footprint(alive.peak, flops.get_total_flops(), alive.traffic)


def train_step(head: nn.Module, clips: int, tokens: int,
               bfloat16: bool = True, frames: int = 0,
               names: Optional[int] = None) -> Footprint:
    """Count a step of the head at any size, on fake tensors.

    Args:
        head (nn.Module): From :func:`build_without_weights`.
        clips, tokens, bfloat16, frames: Of :func:`make_step`.
        names (int, optional): Class names that a batch is scored against;
            by default all.
    """
    return _on_fakes(
        head, lambda: make_step(head, clips, tokens, bfloat16, frames), names)


def scoring_step(head: nn.Module, clips: int, tokens: int,
              bfloat16: bool = True, frames: int = 0) -> Footprint:
    """Count the scores of all class names, as :func:`train_step` does. What
    opens the prompts is read with each clip here, which testing spares."""
    return _on_fakes(
        head, lambda: make_scoring(head, clips, tokens, bfloat16, frames))


def positions(head: nn.Module, tokens: int, frames: int = 0,
              names: Optional[int] = None) -> Dict[str, int]:
    """Count the positions that the language model reads of a clip in
    training: ``prompt``, ``names`` and ``reason``, the longest.

    Args:
        head, tokens, frames, names: Of :func:`train_step`.
    """
    prompt = head.prompt
    trie = head.trie if names is None else head.trie.subset(range(names))
    return dict(
        prompt=len(prompt.before) + len(prompt.after) + sum(
            {TOKENS: tokens, KEYFRAMES: frames, NARRATIVE:
             head.narrator.budget}[part] if isinstance(part, str)
            else len(part) for part in prompt.parts),
        names=len(trie),
        reason=_longest_reason(head))


def names_of_a_batch(head: nn.Module, clips: int) -> int:
    """Return how many class names so many clips are scored against in
    training: all, or with ``num_negatives`` the names of the clips themselves,
    of which some have the same, and further ones up to that number."""
    negatives = getattr(head, 'negatives', None)
    if negatives is None:
        return head.num_classes
    known = head.num_classes - len(negatives.unseen)
    own = known * (1 - (1 - 1 / known)**clips)
    return min(known, max(round(own), 1 + negatives.number))


def _on_fakes(head: nn.Module, make: Callable[[], Callable],
              names: Optional[int] = None) -> Footprint:
    whole = head.trie
    if names is not None:
        head.tries[0] = whole.subset(range(names))
    try:
        with FakeTensorMode():
            _make_fake(head)
            return counted(make(), head)
    finally:
        head.tries[0] = whole


def make_step(head: nn.Module, clips: int, tokens: int,
              bfloat16: bool = True, frames: int = 0) -> Callable:
    """A step of the head: the tree of the class names that a clip is scored
    against and the longest reason, forward and backward.

    Args:
        head (nn.Module): :class:`LVLMHead`.
        clips (int): N.
        tokens (int): S, semantic action tokens of a clip.
        bfloat16 (bool): Under autocast, as by ``BFloat16OptimWrapper``.
        frames (int): Positions of the keyframes of a clip. The vision tower
            itself is left out: it is small, and not trained.
    """
    labels = torch.zeros(clips, dtype=torch.long)
    answer = labels[:, None].expand(-1, _longest_reason(head)).contiguous()
    inputs = _empty_prompts(head, clips, tokens, frames)
    trie = head.trie
    head.train()

    def loss() -> Tensor:
        hidden = head.lm.forward_lm(inputs(), trie, labels, answer)
        tree, rest = hidden.split([1 + len(trie), answer.shape[1]], 1)
        scores = trie.scores(trie_logprobs(tree, head.lm.lm_head, trie))
        rest = rest.flatten(0, 1)
        logprobs = next_token_logprobs(
            rest, head.lm.lm_head, torch.arange(len(rest)), answer.flatten())
        return F.cross_entropy(scores, labels) - logprobs.mean()

    def step() -> None:
        with torch.autocast('cpu', torch.bfloat16, enabled=bfloat16):
            found = loss()
        found.backward()

    return step


def make_scoring(head: nn.Module, clips: int, tokens: int,
              bfloat16: bool = True, frames: int = 0) -> Callable:
    """Make the scoring of all class names, for the same arguments."""
    inputs = _empty_prompts(head, clips, tokens, frames)
    head.train()  # where nothing is kept from call to call

    @torch.no_grad()
    def test() -> None:
        with torch.autocast('cpu', torch.bfloat16, enabled=bfloat16):
            hidden = head.lm.forward_lm(inputs(), head.trie)
            head.trie.scores(
                trie_logprobs(hidden, head.lm.lm_head, head.trie))

    return test


def _longest_reason(head: nn.Module) -> int:
    texts = list(zip(*head.classes))
    if head.reasons.used:
        texts += [(name, LONGEST) for name in head.classes.names]
    return max(len(head.prompt.reason(*c)) for c in texts)


def _empty_prompts(head: nn.Module, clips: int, tokens: int,
                   frames: int) -> Callable[[], PromptInputs]:
    """Make the prompts of clips whose tokens and pictures are zeros."""
    feats = SemanticTokens(
        torch.zeros(clips, tokens, head.projector[0].in_features),
        torch.zeros(clips, tokens, dtype=torch.long),
        torch.ones(clips, tokens, dtype=torch.bool))
    width = head.lm.embedding.weight.shape[1]
    pictures = (torch.zeros(clips, frames, width),
                torch.zeros(clips, 0, frames + 1, dtype=torch.long))
    return lambda: head.prompt_inputs(
        feats, pictures=pictures if head.prompt.has_keyframes else None,
        narrative=[[0] * head.narrator.budget] * clips)


def _make_fake(module: nn.Module) -> None:
    """Tensors of the same shapes, of the fake mode that is on."""
    made = {}
    for owner in module.modules():
        for store in (owner._parameters, owner._buffers):
            for name, old in store.items():
                if old is None:
                    continue
                if id(old) not in made:  # tied ones stay tied
                    new = torch.empty(old.shape, dtype=old.dtype)
                    made[id(old)] = old, (
                        nn.Parameter(new, old.requires_grad)
                        if isinstance(old, nn.Parameter) else new)
                store[name] = made[id(old)][1]


def backbone_step(model: nn.Module, batch: List) -> Footprint:
    """A step of the backbone, on fake tensors, and of the neck by its own
    losses, on noise: its codebook starts by k-means, which needs content.
    The backbone has no weights afterwards."""
    data = model.data_preprocessor(pseudo_collate(batch), training=True)
    shape = data['inputs'].shape
    shape = shape[0] * shape[1], *shape[2:]
    model.train()
    with FakeTensorMode():
        _make_fake(model.backbone)
        clips = torch.empty(shape)
        backbone = counted(
            lambda: sum(x.sum() for x in tensors(model.backbone(clips))
                        ).backward(), model.backbone)
        shapes = [x.shape for x in tensors(model.backbone(clips))]
    feats = [torch.randn(shape, requires_grad=True) for shape in shapes]

    if model.neck.align:  # any texts take as much
        events = len(model.neck.align.bias) if hasattr(
            model.neck.align, 'bias') else 1
        classes = model.neck.aux_head['num_classes']
        model.neck.align.set_texts(
            torch.randn(classes, 64), torch.randn(events, 64))

    def step() -> None:
        _, losses = model.neck(feats, data['data_samples'])
        sum(losses.values()).backward()

    step()  # the codebook starts, once
    model.neck.zero_grad(set_to_none=True)
    return backbone + counted(step, model.neck)
