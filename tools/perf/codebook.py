"""Measure whether codes mean the same in training as in testing.

    NUCLA_PKL=path/to/nucla_3d.pkl python tools/perf/codebook.py
        [--epochs 20] [--work-dir DIR]
    python tools/perf/codebook.py --synthetic

First the quantizer alone, on clustered random steps of the sizes of
lvlmvar_ntu60_xsub.py (512 codes, 16 tokens, 16 clips per batch), once for each
of several `dead_share`. Then `lvlmvar_nucla_xview.py`, with a warm-up of
--epochs in the place of its 52 and the cosine shortened alike, and one epoch
in which the language model reads. On the features at the end of the warm-up:

own_code_share  steps of a training batch that are their own code
changed_share   test steps whose code changes by one more training iteration
distance_train  mean distance (1 - cosine) of a step to its code in training
distance_test   ... and of the same steps in testing
usage           share of the codes that occur in testing
names_held      share of the named test steps that have the same name after
                the epoch of the language model

The last line is JSON: the figures of N-UCLA, and under `synthetic` those of
the other.
"""
import argparse
import copy
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Sequence

if TYPE_CHECKING:
    import torch

CONFIG = Path(__file__).parents[2] / 'configs/lvlmvar_nucla_xview.py'
SHARES = (0., 0.1, 0.25, 0.5)
# As of the NTU config; the centres, the noise and the number of iterations
# are chosen so that the codes can fit and the batch gives half a step a code.
K, L, BATCH, C, CENTRES, ITERATIONS = 512, 16, 16, 256, 400, 1500


def measure(quantizer: 'torch.nn.Module', batches: Sequence['torch.Tensor'],
            probe: 'torch.Tensor', repeats: int = 10) -> Dict[str, float]:
    """Compare training and testing of a trained quantiser.

    Args:
        quantizer (nn.Module): A ``SteadyQuantize``; it is left as it is.
        batches (list[Tensor]): Each (N, L, C) steps, taken in turn.
        probe (Tensor): (N, L, C) steps of test clips.
        repeats (int): Training iterations that are looked at.

    Returns:
        dict: The figures of the module's docstring but for ``names_held``.
    """
    import torch
    import torch.nn.functional as F
    quantizer = copy.deepcopy(quantizer)
    # The harder case: as in the warm-up.
    quantizer.settled = False

    def codes(steps, training):
        """Ids of the steps, and distances to their codes as they were."""
        before = quantizer.codebook.clone()
        ids = quantizer.train(training)(steps)[1]
        z = F.normalize(quantizer.project_in(steps), dim=-1)
        return ids, 1 - (z * before[ids]).sum(-1)

    figures = dict(own_code_share=[], changed_share=[], distance_train=[],
                   distance_test=[])
    with torch.no_grad():
        tested, _ = codes(probe, False)
        usage = len(tested.unique()) / len(quantizer.codebook)
        for i in range(repeats):
            steps = batches[i % len(batches)]
            figures['distance_test'].append(codes(steps, False)[1].mean())
            before = codes(probe, False)[0]
            ids, distance = codes(steps, True)
            figures['distance_train'].append(distance.mean())
            # Against the codebook after the iteration as well: none may have
            # been overwritten by the step that it is read for.
            z = F.normalize(quantizer.project_in(steps), dim=-1)
            after = 1 - (z * quantizer.codebook[ids]).sum(-1)
            figures['own_code_share'].append(
                (distance.minimum(after) < 1e-6).float().mean())
            figures['changed_share'].append(
                (codes(probe, False)[0] != before).float().mean())
    return dict({key: round(float(torch.stack(values).mean()), 5)
                 for key, values in figures.items()}, usage=round(usage, 4))


def synthetic(dead_share: float) -> Dict[str, float]:
    """Train a quantiser on clustered random steps -> its figures."""
    import torch

    from lvlm_var_mm.models.vst.quantizers import build_quantizer
    torch.manual_seed(0)
    centres = torch.randn(CENTRES, C)

    def clips(number):
        ids = torch.randint(CENTRES, (number, L))
        return centres[ids] + 0.35 * torch.randn(number, L, C)

    quantizer = build_quantizer(
        C, K, dict(switch_cost=.02, dead_share=dead_share)).train()
    quantizer.settled = False
    with torch.no_grad():
        for _ in range(ITERATIONS):
            quantizer(clips(BATCH))
    return measure(quantizer, [clips(BATCH) for _ in range(10)], clips(256))


def nucla(epochs: int, work_dir: str) -> Dict[str, float]:
    """Train the shortened config -> its figures."""
    import torch
    from mmengine.config import Config
    from mmengine.hooks import Hook
    from mmengine.registry import init_default_scope
    from mmengine.runner import Runner

    import lvlm_var_mm  # noqa: F401  fills the registries

    @torch.no_grad()
    def steps_of(model, loader, size=32):
        was_training = model.training
        model.eval()
        steps = []
        for data in loader:
            data = model.data_preprocessor(data, False)
            x = model.backbone(data['inputs'].flatten(0, 1))
            steps.append(model.neck.temporal_steps(x))
        model.train(was_training)
        return [s for s in torch.cat(steps).split(size) if len(s) == size]

    class Probe(Hook):
        """Measures at the end of the warm-up, and the names an epoch later,
        after CodeNamesHook."""
        priority = 'LOWEST'
        figures, names = None, None

        def names_of(self, model, probe):
            ids = model.neck.quantizer.eval()(probe)[1]
            model.neck.quantizer.train()
            return model.neck._name_of[ids]

        def after_train_epoch(self, runner):
            if runner.epoch + 1 < epochs:
                return
            model = runner.model
            probe = torch.cat(steps_of(model, test_loader, 1))
            with torch.no_grad():
                names = self.names_of(model, probe)
            if self.figures is None:
                self.figures = measure(
                    model.neck.quantizer,
                    steps_of(model, runner.train_dataloader), probe)
                self.names = names
                runner.logger.info(f'end of the warm-up: {self.figures}')
            else:
                named = self.names >= 0
                held = (names == self.names)[named].float().mean()
                self.figures.update(
                    named=round(float(named.float().mean()), 4),
                    names_held=round(float(held), 4))

    init_default_scope('mmaction')
    cfg = Config.fromfile(CONFIG)
    test_loader = Runner.build_dataloader(cfg.test_dataloader, seed=0)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.train_cfg.update(max_epochs=epochs + 1, val_begin=epochs)
    for hook in cfg.custom_hooks:
        if hook.type == 'LVLMWarmupHook':
            hook.epochs = epochs
        elif hook.type == 'CodeNamesHook':
            hook.begin = epochs
    later = epochs - cfg.warmup_epochs
    for scheduler in cfg.param_scheduler:
        if scheduler.get('begin') == cfg.warmup_epochs:  # of the head
            scheduler.update(begin=epochs, end=scheduler.end + later)
        elif scheduler.end == cfg.warmup_epochs:  # the cosine of the rest
            scheduler.end = epochs
    cfg.default_hooks.checkpoint.pop('save_best', None)
    cfg.work_dir = work_dir
    runner = Runner.from_cfg(cfg)
    probe = Probe()
    runner.register_hook(probe)
    runner.train()
    return probe.figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--epochs', type=int, default=20,
                        help='of the warm-up (default: %(default)s)')
    parser.add_argument('--work-dir', help='logs and checkpoints '
                        '(default: a temporary folder)')
    parser.add_argument('--synthetic', action='store_true',
                        help='leave N-UCLA out')
    args = parser.parse_args()

    from terminaltables import AsciiTable

    from lvlm_var_mm.cli import user_errors
    from lvlm_var_mm.models.vst.codebook import DEAD_SHARE
    with user_errors():
        made = {share: synthetic(share) for share in SHARES}
        rows = [('dead_share', *made[DEAD_SHARE])]
        rows += [(share, *made[share].values()) for share in SHARES]
        print(AsciiTable(rows, title='synthetic').table, flush=True)
        figures = dict(synthetic=made[DEAD_SHARE])
        if not args.synthetic:
            with tempfile.TemporaryDirectory() as folder:
                figures.update(nucla(args.epochs, args.work_dir or folder))
        print(json.dumps(figures))


if __name__ == '__main__':
    main()
