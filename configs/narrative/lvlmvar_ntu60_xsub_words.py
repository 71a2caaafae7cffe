# python tools/train.py configs/narrative/lvlmvar_ntu60_xsub_words.py
#
# lvlmvar_ntu60_xsub.py whose language model reads nothing but words: what the
# joints show, how far and when. All that decides can be read and checked by a
# person. Backbone and neck train beside it, for names of codes and narratives.
_base_ = '../lvlmvar_ntu60_xsub.py'

model = dict(
    cls_head=dict(
        prompt='USER: What the joints show: {narrative}\n'
        'Name the action, then say why. ASSISTANT: ',
        narrative=dict(budget=256, brief=True)))
# No token is projected.
optim_wrapper = dict(
    paramwise_cfg=dict(
        parts=dict(_delete_=True, cls_head=dict(lr=2e-4, decay_mult=0.))))
