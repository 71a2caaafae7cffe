"""The neck alone says how many codes there are."""
import pytest
import torch

from lvlm_var_mm.evaluation import TokenMetric
from lvlm_var_mm.models.heads.narrative import write_tokens
from lvlm_var_mm.models.vst.neck import VSTNeck
from mmaction.structures import ActionDataSample


@pytest.fixture
def samples():
    """Two clips with the tokens of a neck of 512 codes."""
    neck = VSTNeck(8, num_tokens=4, codebook_size=512)
    features = torch.randn(200, 1, 8, 4, 5)
    neck(features)  # the codebook starts
    feats, _ = neck.eval()(features[:2])
    data = [ActionDataSample().set_gt_label(i) for i in range(2)]
    return [s.to_dict() for s in write_tokens(feats, data)]


def usage(metric, samples):
    metric.process(None, samples)
    return metric.compute_metrics(metric.results)


@pytest.mark.parametrize('size', [None, 512])
def test_size_of_the_neck_counts(samples, size):
    figures = usage(TokenMetric(size), samples)
    used = len({int(i) for s in samples for i in s['pred_tokens']})
    assert figures['usage'] == used / 512
    assert figures['dead_codes'] == 512 - used


@pytest.mark.parametrize('size', [128, 256])
def test_another_size_is_refused(samples, size):
    with pytest.raises(ValueError, match=f'`codebook_size` is {size}, that of '
                       'the neck 512: take it out'):
        TokenMetric(size).process(None, samples)


def test_tokens_of_nobody(samples):
    del samples[0]['pred_num_codes']
    with pytest.raises(ValueError, match='set its `codebook_size`'):
        TokenMetric().process(None, samples)
    assert usage(TokenMetric(512), samples)['usage'] > 0
