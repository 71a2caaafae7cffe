"""Keep EMA codebooks discrete: codes mean the same in training as in testing.

The codebooks themselves, their running means, k-means and the drawing of
vectors are those of vector-quantize-pytorch. What is decided here is when
they act:

1. The codebook starts by k-means over at least K steps, of several batches
   where one has fewer.
2. The steps of a batch are quantised by the codebook as it is. Only then do
   the running means follow them, and codes that are hardly used are replaced.
3. A code is dead by its share of the usage, whatever the batch size, the
   number of processes and K.
4. Once the codes are read, the codebook stands still.

Every process sees the steps of all processes, in the order in which one
process would have them, and draws by the same numbers. So data parallelism
gives the codebook that one process gives on the same global batch.

Shapes: n steps of D channels, K codes.
"""
from contextlib import contextmanager
from typing import Iterator, List, Optional, Tuple

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather, broadcast, get_world_size
from torch import Tensor, nn

# A code is dead below this share of the mean usage of all codes; see
# tools/perf/codebook.py for what other shares do. At a decay of 0.99 a code
# that is never chosen falls from the mean to it within 230 iterations.
DEAD_SHARE = 0.1
# Iterations with replacement where nothing says when the codes begin to be
# read: ten times what the running means remember at a decay of 0.99.
REPLACE_STEPS = 1000


class Settling:
    """Mixin of quantisers with EMA codebooks: start, follow, replace.

    Attributes:
        dead_share (float): A code is replaced while its running usage is
            below this share of the mean usage.
        replace_steps (int): Training iterations in which codes are replaced,
            where :attr:`settled` says nothing; they follow their steps
            beyond.
        settled (bool, optional): Whether the codebook stands still. If not,
            codes follow their steps and dead ones are replaced, whatever the
            number of iterations. ``LVLMWarmupHook`` sets it: not while the
            language model waits, and from then on.
        age (Tensor): Training iterations so far; in checkpoints.
    """

    def settle(self, dead_share: float = DEAD_SHARE,
               replace_steps: int = REPLACE_STEPS) -> None:
        """Take the settings; the constructors call it."""
        self.dead_share, self.replace_steps = dead_share, replace_steps
        self.settled: Optional[bool] = None
        self.register_buffer('age', torch.zeros((), dtype=torch.long))
        self.register_load_state_dict_pre_hook(_old_codebooks_have_settled)
        # Steps until there are as many as codes; RepeatableHook keeps them.
        self.gathered: List[Tensor] = []

    @property
    def quantizers(self) -> List[nn.Module]:
        """Return the library's quantisers, each of which has a codebook and
        quantises what those before it have left over."""
        return list(getattr(self, 'layers', [self]))

    def forward(self, steps: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        """Quantise by the codebook as it is, then let it move.

        Args:
            steps (Tensor): (N, L, C).

        Returns:
            tuple: As of the library. In training, before there are K steps to
            start from, tokens are the projected steps themselves, of code 0.
        """
        if not self.training:
            return super().forward(steps)
        z = self.project_in(steps)
        if not self._start(z.detach()):
            codebook = self.quantizers[0]._codebook
            tokens = self.project_out(codebook.transform_input(z))
            ids = torch.zeros(steps.shape[:2], dtype=torch.long,
                              device=steps.device)
            return tokens, ids, tokens.new_zeros(len(self.quantizers))
        out = super().forward(steps, freeze_codebook=True)
        if not self.settled:
            self._follow(z.detach())
        return out

    @torch.no_grad()
    def _start(self, z: Tensor) -> bool:
        """Make the codebooks by k-means, once there are K steps."""
        codebooks = [q._codebook for q in self.quantizers]
        if all(c.initted for c in codebooks):
            return True
        self.gathered.append(of_all_processes(z).flatten(0, 1))
        z = torch.cat(self.gathered)
        if len(z) < codebooks[0].codebook_size:
            return False
        self.gathered.clear()
        for codebook in codebooks:
            x = codebook.transform_input(z)
            with drawing_by(0, z.device):
                codebook.init_embed_(x[None])
            # The same to the last bit, whatever order a GPU summed in.
            for buffer in codebook.buffers():
                broadcast(buffer)
            z = z - codebook.embed[0][nearest(codebook, x)]
        return True

    @torch.no_grad()
    def _follow(self, z: Tensor) -> None:
        """Move the codes towards their steps and replace the dead ones."""
        self.age += 1
        replacing = (self.settled is not None
                     or int(self.age) <= self.replace_steps)
        for quantizer in self.quantizers:
            codebook = quantizer._codebook
            x = codebook.transform_input(z)
            ids = nearest(codebook, x)
            z = z - codebook.embed[0][ids]
            codebook.update_indices(x, ids)
            if replacing:
                self._replace(codebook, x)

    def _replace(self, codebook: nn.Module, x: Tensor) -> None:
        """Put steps of the batch, drawn at random, in the place of dead
        codes, and grant each the usage of an average code to begin with."""
        usage = codebook.cluster_size
        dead = usage < self.dead_share * usage.mean()
        if dead.any():
            codebook.reset_cluster_size = float(usage.mean())
            steps = of_all_processes(x).flatten(0, 1)
            with drawing_by(int(self.age), x.device):
                codebook.replace(steps[None], batch_mask=dead)


def nearest(codebook: nn.Module, x: Tensor) -> Tensor:
    """Return the codes (...) nearest to steps (..., D)."""
    codes = codebook.embed[0]
    closeness = x @ codes.T
    if not codebook.use_cosine_sim:
        closeness = closeness - codes.square().sum(1) / 2
    return closeness.argmax(-1)


@contextmanager
def drawing_by(seed: int, device: torch.device) -> Iterator[None]:
    """Draw random numbers that depend on ``seed`` alone, and put the state of
    the generators back."""
    with torch.random.fork_rng([device] if device.type == 'cuda' else []):
        torch.manual_seed(seed)
        yield


def of_all_processes(x: Tensor) -> Tensor:
    """Return the clips of all processes in the order in which one process
    has them, for which the samplers deal them out in turn.

    Args:
        x (Tensor): (N, ...) of this process; N may differ between them.

    Returns:
        Tensor: (sum of all N, ...).
    """
    if get_world_size() == 1:
        return x
    sizes = torch.cat(all_gather(torch.tensor([len(x)], device=x.device)))
    padding = int(sizes.max()) - len(x)
    padded = F.pad(x, (0, 0) * (x.dim() - 1) + (0, padding))
    inside = torch.arange(len(padded), device=x.device)[:, None] < sizes
    return torch.stack(all_gather(padded), 1)[inside]


def _old_codebooks_have_settled(quantizer: Settling, state_dict, prefix,
                                *args) -> None:
    # Checkpoints from before codes were counted load strictly too.
    if any(key.startswith(prefix) for key in state_dict):
        state_dict.setdefault(f'{prefix}age',
                              torch.tensor(quantizer.replace_steps))
