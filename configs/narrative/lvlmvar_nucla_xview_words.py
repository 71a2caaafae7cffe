# python tools/train.py configs/narrative/lvlmvar_nucla_xview_words.py
#
# lvlmvar_nucla_xview.py whose language model reads nothing but words: what the
# joints show, how far and when. All that decides can be read and checked by a
# person. Backbone and neck train beside it, for names of codes and narratives.
_base_ = '../lvlmvar_nucla_xview.py'

model = dict(
    cls_head=dict(
        prompt='What the joints show: {narrative}\n'
        'The action, and why:\n',
        narrative=dict(budget=128, brief=True)))
# No token is projected.
optim_wrapper = dict(
    paramwise_cfg=dict(
        parts=dict(_delete_=True, cls_head=dict(lr=4e-4, decay_mult=0.))))
