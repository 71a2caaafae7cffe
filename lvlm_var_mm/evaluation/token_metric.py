"""Metric of the semantic action tokens of a test set."""
import math
from typing import Any, Dict, List, Optional, Sequence

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from lvlm_var_mm.models.tokens import number_of_parts
from lvlm_var_mm.models.vst.code_names import steps_active
from mmaction.registry import METRICS


@METRICS.register_module()
class TokenMetric(BaseMetric):
    """Use, steadiness, meaning and names of the codes of a test set.

    ===================== ==================================================
    usage                 share of the codebook that occurs
    dead_codes            number of codes that do not
    perplexity            exp of the entropy of the codes: as many of equal
                          frequency would be as varied
    run_length            mean length of a run of one code, in steps
    flicker               share of steps between two of one code that are of
                          another: a of ``a b a``, over all ``x b y``
    label_information     mutual information of code and label over all
                          steps, bits; counted, so a little too high on few
                          clips
    named                 share of steps whose code has a name
    names_true            share of the named steps whose name is true of the
                          joints during the step; of samples with ``events``
                          and ``span`` in their meta information
    names_chance          what that share would be if the same names stood
                          at steps drawn at random from the test set
    continuous_top1       accuracy of the neck's auxiliary head on the mean
                          step, before ...
    quantised_top1        ... and after quantisation ...
    quantisation_gap      ... and how much it loses by it
    ===================== ==================================================

    What the samples have no field for is left out. The tokens of several body
    parts are as many sequences.

    Args:
        codebook_size (int, optional): K. The neck says it; given, the two
            must agree.
        collect_device (str): See MMEngine's ``BaseMetric``.
        prefix (str): Of the names of the figures. Defaults to ``token``.
    """
    default_prefix = 'token'

    def __init__(self,
                 codebook_size: Optional[int] = None,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None) -> None:
        super().__init__(collect_device, prefix)
        self.codebook_size = codebook_size

    def process(self, data_batch: Any, data_samples: Sequence[Dict]) -> None:
        for sample in data_samples:
            if 'pred_tokens' not in sample:
                raise ValueError(
                    'TokenMetric: the model gives no `pred_tokens`; take the '
                    'metric out of `val_evaluator` and `test_evaluator`')
            ids = sample['pred_tokens'].cpu()
            result = dict(
                codes=self._codes(sample),
                ids=ids.view(_parts(sample), -1),
                label=int(sample['gt_label']))
            if 'pred_names' in sample:
                result.update(_name_counts(sample))
            scores = sample.get('pred_light_scores')
            if scores is not None and scores.numel():
                result['hits'] = (
                    scores.argmax(-1).cpu() == result['label']).double()
            self.results.append(result)

    def _codes(self, sample: Dict) -> int:
        """Return K, of the neck."""
        given, own = self.codebook_size, sample.get('pred_num_codes')
        if own is None and given is None:
            raise ValueError('TokenMetric: the tokens do not say how many '
                             'codes there are: set its `codebook_size`')
        if None not in (own, given) and int(own) != given:
            raise ValueError(
                f'TokenMetric: `codebook_size` is {given}, that of the neck '
                f'{int(own)}: take it out of `val_evaluator` and '
                '`test_evaluator`, the neck says it')
        return given if own is None else int(own)

    def compute_metrics(self, results: List[Dict]) -> Dict[str, float]:
        ids = [part for r in results for part in r['ids']]
        labels = torch.tensor([r['label'] for r in results for _ in r['ids']])
        size = results[0]['codes']
        counts = joint_counts(ids, labels, size)
        of_code = counts.sum(1)
        used = int((of_code > 0).sum())
        steps = int(of_code.sum())
        changes = sum(int((i[1:] != i[:-1]).sum()) for i in ids)
        metrics = dict(
            usage=used / size,
            dead_codes=size - used,
            perplexity=float(entropy(of_code).exp()),
            run_length=steps / (changes + len(ids)),
            flicker=flicker_rate(ids),
            label_information=float(
                entropy(of_code) + entropy(counts.sum(0)) -
                entropy(counts)) / math.log(2))
        if all('named' in r for r in results):
            metrics['named'] = sum(r['named'] for r in results) / steps
            metrics.update(_truth_of_names(results))
        if all('hits' in r for r in results):
            before, after = torch.stack(
                [r['hits'] for r in results]).mean(0).tolist()
            metrics.update(
                continuous_top1=before,
                quantised_top1=after,
                quantisation_gap=before - after)
        return metrics


def _name_counts(sample: Dict) -> Dict:
    """Return the number of ``named`` steps and, where the joints can tell,
    how many ``true`` names there are, how often each was ``given`` and in how
    many steps each entry of the vocabulary ``holds``, out of ``steps``."""
    names = sample['pred_names'].cpu()
    named = names >= 0
    counts = dict(named=int(named.sum()))
    if 'events' in sample and 'span' in sample:
        parts = _parts(sample)
        active = steps_active(sample['events'], sample['span'],
                              len(names) // parts).repeat(parts, 1)
        true = active.gather(1, names.clamp(min=0)[:, None])[:, 0]
        counts.update(
            true=int((true & named).sum()),
            given=torch.bincount(names[named], minlength=active.shape[1]),
            holds=active.sum(0),
            steps=len(names))
    return counts


def _truth_of_names(results: Sequence[Dict]) -> Dict[str, float]:
    """Return the share of true names, and the share that chance gives: that
    of the steps in which an entry holds, averaged over the names given."""
    results = [r for r in results if 'given' in r]
    given = sum(r['given'] for r in results)
    if not results or not given.sum():
        return dict()
    usual = sum(r['holds'] for r in results) / sum(
        r['steps'] for r in results)
    return dict(
        names_true=sum(r['true'] for r in results) / int(given.sum()),
        names_chance=float((given * usual).sum() / given.sum()))


def _parts(sample: Dict) -> int:
    """Body parts that the tokens of a clip are of."""
    return number_of_parts(sample.get('pred_parts'))


def joint_counts(ids: Sequence[Tensor], labels: Tensor,
                 codebook_size: int) -> Tensor:
    """Codes (L, ) of each clip and labels (N, ) -> (K, classes) steps."""
    classes = int(labels.max()) + 1
    lengths = torch.tensor([len(i) for i in ids])
    pairs = torch.cat(list(ids)) * classes + labels.repeat_interleave(lengths)
    return torch.bincount(
        pairs, minlength=codebook_size * classes).view(-1, classes).double()


def entropy(counts: Tensor) -> Tensor:
    """Return the entropy of the counts, in nats."""
    share = counts / counts.sum()
    return torch.special.entr(share).sum()


def flicker_rate(ids: Sequence[Tensor]) -> float:
    """Share of inner steps that differ from both neighbours while these are
    of one code. A change, ``a a b b``, has none; ``a b a b`` is all."""
    inner = sum(max(0, len(i) - 2) for i in ids)
    flickers = sum(
        int(((i[2:] == i[:-2]) & (i[1:-1] != i[2:])).sum()) for i in ids)
    return flickers / max(inner, 1)
