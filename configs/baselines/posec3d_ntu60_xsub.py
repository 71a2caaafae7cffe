# python tools/train.py configs/baselines/posec3d_ntu60_xsub.py
#
# MMAction2's own PoseC3D on its own pickle of NTU RGB+D, as it ships it:
# put ntu60_2d.pkl into data/skeleton/.
_base_ = ('mmaction::skeleton/posec3d/'
          'slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint.py')
