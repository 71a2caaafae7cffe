# python tools/train.py configs/two_stage/lvlmvar_linear_nucla_xview.py
#
# lvlmvar_nucla_xview.py of this folder, with a linear classifier on the last
# hidden state in the place of the scores of the class names.
_base_ = 'lvlmvar_nucla_xview.py'

model = dict(cls_head=dict(type='LVLMLinearHead'))
