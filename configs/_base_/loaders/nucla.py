# Northwestern-UCLA; NUCLA_PKL names its pickle (../datasets/nucla_xview.py).
_base_ = 'loader.py'

nucla = dict(
    dataset=dict(
        type='SkeletonDataset',
        ann_file='{{$NUCLA_PKL:data/nucla_3d.pkl}}',
        class_names='nucla',
        num_joints=20),
    # Kinect v1, with its bones as a graph.
    layout='kinect20',
    graph=dict(
        num_node=20,
        inward=[(0, 1), (1, 2), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6),
                (8, 2), (9, 8), (10, 9), (11, 10), (12, 0), (13, 12),
                (14, 13), (15, 14), (16, 0), (17, 16), (18, 17), (19, 18)],
        center=1))
