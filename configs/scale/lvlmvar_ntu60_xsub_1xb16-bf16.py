# python tools/train.py configs/scale/lvlmvar_ntu60_xsub_1xb16-bf16.py
#
# lvlmvar_ntu60_xsub.py on one GPU of 80 GB, as it is: 16 clips at a time,
# eight times for a step of 128.
_base_ = '../lvlmvar_ntu60_xsub.py'
