# python tools/train.py configs/baselines/2s-agcn_ntu60_xsub.py
#
# MMAction2's own 2s-AGCN on its own pickle of NTU RGB+D, as it ships it:
# put ntu60_3d.pkl into data/skeleton/.
_base_ = ('mmaction::skeleton/2s-agcn/'
          '2s-agcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py')
