# The made sample (../datasets/ntu_sample_skeleton.py).
_base_ = ['loader.py', '../datasets/ntu_sample_classes.py']

sample = dict(
    dataset=dict(
        type='NTURGBDSkeletonDataset',
        data_root='{{$NTU_SAMPLE:data/ntu_sample}}',
        benchmark='ntu60',
        actions=_base_.actions,
        class_names=_base_.class_names,
        make_sample=True),
    layout='ntu25')
