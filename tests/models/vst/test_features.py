"""Features of any form -> steps in time."""
import pytest
import torch
from helpers import make_samples

from lvlm_var_mm.models import TimeSformerMap, VSTNeck
from lvlm_var_mm.models.vst.features import StepsInTime
from mmaction.models import TimeSformer

C, L = 6, 4


def steps(input_format='NCTHW', channels=C, **over):
    return StepsInTime(input_format, channels, over.pop('num_tokens', L),
                       **over)


def test_frames_in_the_batch_are_steps():
    x = torch.randn(2, L, C, 3, 3)
    found = steps('NCHW', num_segments=L)(x.flatten(0, 1))
    torch.testing.assert_close(found, x.mean((3, 4)))


def test_clips_in_the_batch_follow_one_another():
    x = torch.randn(2, 2, C, 2, 3, 3)  # clips of two frames each
    found = steps(num_segments=2)(x.flatten(0, 1))
    torch.testing.assert_close(
        found, x.mean((4, 5)).transpose(2, 3).flatten(1, 2))
    pooled = torch.randn(2, L, C)
    torch.testing.assert_close(
        steps('NC', num_segments=L)(pooled.flatten(0, 1)), pooled)


def test_a_sequence_of_tokens():
    x = torch.randn(2, 3 * L, C)
    torch.testing.assert_close(
        steps('NTC')(x), x.unflatten(1, (L, 3)).mean(2))


def test_several_maps_stand_side_by_side():
    slow, fast = torch.randn(2, 4, 2, 3, 3), torch.randn(2, 2, 2 * L, 3, 3)
    found = steps()((slow, fast))
    torch.testing.assert_close(
        found[..., :4],
        slow.mean((3, 4)).repeat_interleave(2, 2).transpose(1, 2))
    torch.testing.assert_close(
        found[..., 4:],
        fast.mean((3, 4)).unflatten(2, (L, 2)).mean(3).transpose(1, 2))


def test_a_class_token_is_left_out():
    x = torch.randn(2, C, L, 3, 3)
    torch.testing.assert_close(steps()(([x, torch.randn(2, C)], )),
                               steps()(x))


def test_body_parts_of_several_clips():
    x = torch.randn(4, 2, C, 2, 5)
    found = steps('NMCTV', parts=[[0, 1], [2, 3, 4]], num_segments=2)(x)
    second = x[:2, ..., 2:].mean((1, 4)).transpose(1, 2).flatten(0, 1)
    torch.testing.assert_close(found[1], second)


@pytest.mark.parametrize('input_format, shape, words', [
    ('NCTHW', (2, C), r'wants \(N, 6, T, H, W\).*pooled over time.*'
     'return_feat_map=True.*TimeSformerMap.*num_segments'),
    ('NCTHW', (8, C, 3, 3), '`input_format` NCHW'),
    ('NCTHW', (2, 4, C), '`input_format` NTC'),
    ('NCTHW', (2, 9, 4, 3, 3), 'these have 9 channels'),
    ('NC', (2, 1, 1, 1, 1, 1), 'no `input_format` has so many')])
def test_features_that_do_not_fit(input_format, shape, words):
    with pytest.raises(ValueError, match=words) as error:
        steps(input_format, num_segments=2 if input_format == 'NC' else 1)(
            torch.zeros(shape))
    assert str(shape) in str(error.value)


def test_settings_that_do_not_fit():
    with pytest.raises(ValueError, match='NCHW has no time.*num_segments'):
        steps('NCHW')
    with pytest.raises(ValueError, match='is 3, but the batch has 4 entries'):
        steps(num_segments=3)(torch.zeros(4, C, L, 1, 1))


def neck(**over):
    torch.manual_seed(0)
    return VSTNeck(in_channels=C, input_format='NCTHW', num_tokens=L,
                   codebook_size=8, **over)


def test_pooled_features_are_no_codes():
    """Nor is it said that there is no codebook yet."""
    for model in (neck(), neck().eval()):
        with pytest.raises(ValueError, match='pooled over time'):
            model(torch.zeros(2, C))


def test_several_clips_of_a_sample_in_training():
    x, samples = torch.randn(4, C, L, 1, 1), make_samples([0, 1])
    with pytest.raises(ValueError, match='2 clips of each.*`num_clips`.* to '
                       '1.*`model.neck.num_segments` to 2'):
        neck()(x, samples)
    tokens, _ = neck(num_segments=2)(x, samples)
    assert tokens.ids.shape == (2, L)


def test_map_of_a_timesformer_is_of_the_same_weights():
    cfg = dict(num_frames=2, img_size=8, patch_size=4, embed_dims=4,
               num_heads=1, num_transformer_layers=1)
    stock, mapped = TimeSformer(**cfg).eval(), TimeSformerMap(**cfg).eval()
    mapped.load_state_dict(stock.state_dict())
    sequence = []
    stock.norm.register_forward_hook(lambda *args: sequence.append(args[2]))
    x = torch.randn(2, 3, 2, 8, 8)
    stock(x)
    found = mapped(x)
    assert found.shape == (2, 4, 2, 1, 4)
    # The moments of a patch follow one another.
    torch.testing.assert_close(found[:, :, 1, 0, 2], sequence[0][:, 1 + 5])
    with pytest.raises(ValueError, match='space_only'):
        TimeSformerMap(**cfg, attention_type='space_only')
