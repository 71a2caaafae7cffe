"""The losses of the VST neck, each by its formula.

Shapes: N clips, L tokens, C channels of a step, D of what the codebook sees,
K codes, E body-part events.
"""
from typing import Dict, List, Optional, Sequence, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from .code_names import VOCABULARY, steps_active

# What an alignment draws to, and the source of it: buffers.
TARGETS = 'classes', 'events', 'source'


def temporal_consistency(z: Tensor, steps: Tensor) -> Tensor:
    """Neighbouring steps agree unless the features really change.

    The distance of two neighbours, ``d_t = 1 - cos(z_t, z_t+1)`` of what the
    codebook sees, is weighted by ``exp(-r_t)``, where ``r_t`` is the distance
    of the same two steps in the features relative to the clip's mean: flicker
    costs, a real change does not.

    Args:
        z (Tensor): (N, L, D).
        steps (Tensor): (N, L, C).

    Returns:
        Tensor: Scalar, 0 for a clip of one token.
    """
    if steps.shape[1] < 2:
        return steps.new_zeros(())
    with torch.no_grad():
        change = (steps[:, 1:] - steps[:, :-1]).norm(dim=-1)
        weight = (-change / (change.mean(1, keepdim=True) + 1e-6)).exp()
    return (weight * _apart(z[:, 1:], z[:, :-1])).mean()


def _apart(a: Tensor, b: Tensor) -> Tensor:
    return 1 - F.cosine_similarity(a, b, dim=-1)


class Alignment(nn.Module):
    """Draws tokens to the words for what they are: a clip's mean token to the
    text of its class, each token to the texts of the body-part events that
    hold during its step.

    Both against fixed text embeddings, which :class:`SemanticAlignmentHook`
    sets before training; the ``dim`` main components of their scatter are
    kept. Checkpoints hold them: computed anew, on another device or in
    another precision, the components may come out turned, and what was
    learned would not fit them.

    Args:
        in_channels (int): C.
        dim (int): Width of the common space.
        loss_class (float): Weight of the cross-entropy over the classes.
        loss_events (float): Weight of the binary cross-entropy over the
            events, for clips with ``events`` and ``span``.
        temperature (float): Of the cosines.

    Raises:
        ValueError: Neither weighs anything.
    """

    def __init__(self,
                 in_channels: int,
                 dim: int = 64,
                 loss_class: float = 0.,
                 loss_events: float = 0.,
                 temperature: float = 0.1) -> None:
        super().__init__()
        if not (loss_class or loss_events):
            raise ValueError(
                '`align` of VSTNeck draws tokens to nothing: give it a '
                '`loss_events` or a `loss_class`, or set `align=None` and '
                'take SemanticAlignmentHook out of `custom_hooks`')
        self.dim = dim
        self.loss_class, self.loss_events = loss_class, loss_events
        self.temperature = temperature
        if loss_class:
            self.to_class = nn.Linear(in_channels, dim)
        if loss_events:
            self.to_events = nn.Linear(in_channels, dim)
            # Most events do not hold at most times.
            self.bias = nn.Parameter(torch.full((len(VOCABULARY), ), -2.))
        for name in TARGETS:
            self.register_buffer(name, None)
        self.register_load_state_dict_pre_hook(make_room_for_targets)

    def set_texts(self, classes: Tensor, events: Tensor,
                  source: str = '') -> None:
        """Take the embeddings of the texts of the classes and of the (E, )
        entries of ``code_names.VOCABULARY``, of any width.

        Args:
            classes (Tensor): (classes, width).
            events (Tensor): (E, width).
            source (str): By what the texts are known again.
        """
        self.set_targets((main_components(classes, self.dim),
                          main_components(events, self.dim),
                          torch.tensor(list(source.encode()),
                                       dtype=torch.uint8)))

    @property
    def targets(self) -> Tuple[Optional[Tensor], ...]:
        """Return the targets of classes and events, (n, dim) unit vectors, and
        the bytes of their source; None before they are set."""
        return tuple(getattr(self, name) for name in TARGETS)

    def set_targets(self, targets: Sequence[Tensor]) -> None:
        """Take over the :attr:`targets` of another alignment."""
        device = next(self.parameters()).device
        for name, target in zip(TARGETS, targets):
            setattr(self, name, target.to(device, copy=True))

    def are_of(self, source: str) -> bool:
        """Return whether the targets were made of this source."""
        return self.source is not None and (
            bytes(self.source.tolist()) == source.encode())

    def forward(self, tokens: Tensor,
                data_samples: List) -> Dict[str, Tensor]:
        """Tokens (N, P, L, C) of P body parts -> ``loss_class`` and
        ``loss_events``, those that weigh anything.

        Raises:
            ValueError: No texts.
        """
        if self.classes is None:
            raise ValueError('`align` of VSTNeck has no text embeddings: add '
                             "dict(type='SemanticAlignmentHook') to "
                             '`custom_hooks`')
        losses = dict()
        if self.loss_class:
            labels = torch.cat([s.gt_label for s in data_samples])
            mean = self.to_class(tokens.mean((1, 2)))
            scores = self._near(mean, self.classes)
            losses['loss_class'] = self.loss_class * F.cross_entropy(
                scores, labels.to(scores.device))
        if self.loss_events:
            known = [i for i, s in enumerate(data_samples)
                     if 'events' in s and 'span' in s]
            scores = self._near(self.to_events(tokens), self.events)
            scores = scores[known] + self.bias
            active = [steps_active(data_samples[i].events,
                                   data_samples[i].span, tokens.shape[2])
                      for i in known]
            target = (torch.stack(active).to(scores)[:, None].expand_as(scores)
                      if known else scores.detach())
            losses['loss_events'] = (
                self.loss_events * F.binary_cross_entropy_with_logits(
                    scores, target, reduction='sum') /
                max(scores.numel(), 1))
        return losses

    def _near(self, x: Tensor, texts: Tensor) -> Tensor:
        return (F.normalize(x, dim=-1) @ texts.t()).float() / self.temperature


def make_room_for_targets(align: Alignment, state_dict: Dict, prefix: str,
                          *args) -> None:
    """Before an alignment loads: targets have as many rows as the checkpoint
    says, and one from before checkpoints held them leaves them as they are."""
    device = next(align.parameters()).device
    for name, own in zip(TARGETS, align.targets):
        saved = state_dict.get(prefix + name, own)
        if saved is not None:
            state_dict[prefix + name] = saved
            setattr(align, name, torch.empty_like(saved, device=device))


def main_components(texts: Tensor, dim: int) -> Tensor:
    """(n, width) embeddings -> (n, dim) unit vectors: what the texts have in
    common, which is most of it, is taken out."""
    centred = texts.float() - texts.float().mean(0)
    u, s, _ = torch.linalg.svd(centred, full_matrices=False)
    kept = (u * s)[:, :dim]
    return F.normalize(F.pad(kept, (0, dim - kept.shape[1])), dim=-1)


class LanguageBias(nn.Module):
    """Makes the codes of clips more like the words of a language, by the two
    biases that LLM-AR proposes (Qu et al., arXiv:2404.00532); the formulae
    are our own.

    ``loss_zipf``: the r-th most frequent code is used 1/r times as often as
    the first, the divergence of Zipf's law from the sorted mean of soft
    assignments to the codes. ``loss_context``: a code can be told from those
    around it, the cross-entropy of the code between two steps.

    Args:
        dim (int): D.
        codebook_size (int): K.
        loss_zipf (float): Weight.
        loss_context (float): Weight.
        temperature (float): Of the soft assignment by cosine.
    """

    def __init__(self,
                 dim: int,
                 codebook_size: int,
                 loss_zipf: float = 0.,
                 loss_context: float = 0.,
                 temperature: float = 0.05) -> None:
        super().__init__()
        self.loss_zipf, self.loss_context = loss_zipf, loss_context
        self.temperature = temperature
        if loss_context:
            self.between = nn.Sequential(
                nn.Linear(2 * dim, 4 * dim), nn.GELU(),
                nn.Linear(4 * dim, codebook_size))

    def forward(self, z: Tensor, ids: Tensor,
                codebook: Tensor) -> Dict[str, Tensor]:
        """Compute the losses of what the codebook sees (N, L, D), its codes
        (N, L) and vectors (K, D) -> those losses that weigh anything."""
        losses = dict()
        if self.loss_zipf:
            losses['loss_zipf'] = self.loss_zipf * self.zipf(z, codebook)
        if self.loss_context and z.shape[1] > 2:
            around = torch.cat([z[:, :-2], z[:, 2:]], -1)
            losses['loss_context'] = self.loss_context * F.cross_entropy(
                self.between(around).float().transpose(1, 2), ids[:, 1:-1])
        return losses

    def zipf(self, z: Tensor, codebook: Tensor) -> Tensor:
        nearness = F.normalize(z, dim=-1) @ F.normalize(codebook, dim=-1).t()
        use = (nearness.float() / self.temperature).softmax(-1).mean((0, 1))
        law = 1 / torch.arange(1, len(codebook) + 1, device=z.device)
        return F.kl_div(
            use.sort(descending=True).values.clamp(min=1e-9).log(),
            law / law.sum(), reduction='sum')


class Reconstruction(nn.Module):
    """Tokens -> the steps that they represent and the way from each to the
    next, by a small network: the mean squared error of either.

    Args:
        in_channels (int): C.
        loss_features (float): Weight of the steps' error.
        loss_velocity (float): Weight of their differences' error.
        hidden (int, optional): Width of the network. Defaults to C.
    """

    def __init__(self,
                 in_channels: int,
                 loss_features: float = 0.,
                 loss_velocity: float = 0.,
                 hidden: Optional[int] = None) -> None:
        super().__init__()
        self.loss_features = loss_features
        self.loss_velocity = loss_velocity
        hidden = hidden or in_channels
        # Over three tokens: one alone has no direction.
        self.decoder = nn.Sequential(
            nn.Conv1d(in_channels, hidden, 3, padding=1), nn.GELU(),
            nn.Conv1d(hidden, in_channels, 1))

    def forward(self, tokens: Tensor, steps: Tensor) -> Dict[str, Tensor]:
        """Tokens and steps (N, L, C) -> ``loss_features``,
        ``loss_velocity``; the steps are not drawn to the tokens."""
        steps = steps.detach()
        made = self.decoder(tokens.transpose(1, 2)).transpose(1, 2).float()
        losses = dict(
            loss_features=self.loss_features * F.mse_loss(made, steps))
        if steps.shape[1] > 1:
            losses['loss_velocity'] = self.loss_velocity * F.mse_loss(
                made.diff(dim=1), steps.diff(dim=1))
        return losses
