"""PersonCrop on pictures whose pixels say where they come from."""
import numpy as np
import pytest

from lvlm_var_mm.datasets import PersonCrop
from mmaction.datasets.transforms import CenterCrop, Flip, Resize

HEIGHT, WIDTH = 108, 192
NOBODY = (np.nan, ) * 4


def clip(boxes, inds=(0, 1, 2), shape=(HEIGHT, WIDTH), **over):
    """Pictures whose channels are x and y of each pixel."""
    y, x = np.mgrid[:shape[0], :shape[1]]
    picture = np.stack([x, y, 0 * x], -1).astype(np.float32)
    return dict(
        imgs=[picture] * len(inds), img_shape=shape, modality='RGB',
        frame_inds=np.array(inds), boxes=np.array(boxes, np.float32),
        video_frames=np.arange(len(boxes)), box_shape=(HEIGHT, WIDTH), **over)


def corners(results):
    """Left, top, right and bottom that the pixels themselves tell."""
    picture = results['imgs'][0]
    assert all(p.shape == picture.shape for p in results['imgs'])
    assert results['img_shape'] == picture.shape[:2]
    return [*picture[0, 0, :2], *(picture[-1, -1, :2] + 1)]


def test_crop_is_the_union_of_the_sampled_frames():
    boxes = [(50, 20, 70, 60), (60, 30, 80, 50), (0, 0, 192, 108), NOBODY]
    results = PersonCrop(margin=0, aspect=None)(clip(boxes, (0, 1, 3)))
    assert corners(results) == [50, 20, 80, 60]
    assert results['crop_bbox'].tolist() == [50, 20, 80, 60]
    np.testing.assert_allclose(
        results['crop_quadruple'],
        [50 / WIDTH, 20 / HEIGHT, 30 / WIDTH, 40 / HEIGHT], rtol=1e-6)


def test_frames_are_those_of_the_video():
    """The skeleton lacks frames 0 to 4, in which nobody was seen."""
    results = clip([(10, 10, 40, 40), (60, 20, 90, 50)], (6, ))
    results['video_frames'] = np.array([5, 6])
    assert corners(PersonCrop(0, None)(results)) == [60, 20, 90, 50]


def test_margin_and_square_stay_in_the_picture():
    # 40 high and 20 wide, a margin of 4 on each side: 48 by 48.
    results = PersonCrop(margin=.1)(clip([(86, 34, 106, 74)]))
    assert corners(results) == [72, 30, 120, 78]
    # At the edge it is moved inwards, not cut.
    results = PersonCrop(margin=.1)(clip([(0, 68, 20, 108)]))
    assert corners(results) == [0, 60, 48, 108]
    # Wider than the picture is high: nobody is cut off.
    results = PersonCrop(margin=0)(clip([(20, 40, 170, 80)]))
    assert corners(results) == [20, 0, 170, 108]


def test_joints_beside_the_picture_do_not_widen_the_crop():
    results = PersonCrop(0, None)(clip([(-500, 30, 60, 900)]))
    assert corners(results) == [0, 30, 60, 108]


def test_one_joint_alone_leaves_a_picture_to_look_at():
    results = PersonCrop(0, None)(clip([(90, 50, 90, 50.5)]))
    assert min(results['img_shape']) >= 10


@pytest.mark.parametrize('boxes', [None, [NOBODY] * 3, [(-9, -9, -1, -1)]])
def test_the_picture_stays_whole_without_boxes(boxes):
    results = clip(boxes or [NOBODY])
    if boxes is None:
        del results['boxes']
    assert corners(PersonCrop()(results)) == [0, 0, WIDTH, HEIGHT]
    np.testing.assert_array_equal(results['crop_quadruple'], [0, 0, 1, 1])


def test_unseen_in_the_sampled_frames_falls_back_on_the_others():
    boxes = [NOBODY, (50, 20, 70, 60)]
    assert corners(PersonCrop(0, None)(clip(boxes, (0, )))) == [50, 20, 70,
                                                                60]


def test_boxes_scale_to_a_smaller_video():
    results = clip([(50, 20, 70, 60)], shape=(HEIGHT // 2, WIDTH // 2))
    assert corners(PersonCrop(0, None)(results)) == [25, 10, 35, 30]


def test_stock_transforms_before_it_are_accounted_for():
    results = clip([(90, 40, 110, 80)])
    results = Resize((WIDTH * 2, HEIGHT * 2))(results)
    results = CenterCrop((300, 200))(results)
    results = PersonCrop(0, None)(results)
    x1, y1, x2, y2 = corners(results)
    # Bilinear enlargement moves a pixel's value by up to half a pixel.
    np.testing.assert_allclose([x1, y1, x2 - 1, y2 - 1], [90, 40, 109, 79],
                               atol=.51)
    np.testing.assert_allclose(
        results['crop_quadruple'] * [WIDTH, HEIGHT, WIDTH, HEIGHT],
        [90, 40, 20, 40], atol=.01)


def test_keypoints_in_pixels_move_along():
    joints = np.array([[[[60., 30.]]]])
    results = PersonCrop(0, None)(
        clip([(50, 20, 70, 60)], keypoint=joints))
    assert results['keypoint'].ravel().tolist() == [10, 10]


def test_jitter_moves_the_edges_a_little():
    np.random.seed(0)
    crops = np.array([
        corners(PersonCrop(0, None, jitter=.1)(clip([(60, 30, 100, 80)])))
        for _ in range(50)
    ])
    assert (np.ptp(crops, axis=0) > 2).all()
    assert (abs(crops - [60, 30, 100, 80]) <= [4, 5, 4, 5]).all()


def test_what_cannot_be_right_is_an_error():
    flipped = Flip(flip_ratio=1.)(clip([(50, 20, 70, 60)]))
    with pytest.raises(ValueError, match='before Flip'):
        PersonCrop()(flipped)
    lacking = clip([(50, 20, 70, 60)])
    del lacking['box_shape']
    with pytest.raises(ValueError, match='box_shape'):
        PersonCrop()(lacking)
    with pytest.raises(ValueError, match='margin'):
        PersonCrop(margin=-1)
