# Necks of models of pairs, at the sizes of the made sample and of NTU RGB+D: a
# VSTNeck for each branch, with a codebook of its own.


def neck(rgb, skeleton, classes, **kwargs):
    """Return a neck for so many channels of either branch; `kwargs` go to
    both."""
    both = dict(
        type='VSTNeck',
        quantizer=dict(switch_cost=0.02),
        aux_head=dict(num_classes=classes, label_smooth_eps=0.1),
        **kwargs)
    return dict(
        _delete_=True,
        type='PairedNeck',
        # So that the model knows clips that lack one of the two.
        modality_drop=0.3,
        rgb=dict(**both, in_channels=rgb, input_format='NCTHW'),
        skeleton=dict(**both, in_channels=skeleton, input_format='NMCTV'))


necks = dict(
    sample=neck(128, 64, classes=10, num_tokens=8),
    ntu=neck(
        2048,
        256,
        classes=60,
        num_tokens=16,
        codebook_size=512,
        # Tokens of both are drawn to the words for what the body does
        # meanwhile.
        align=dict(loss_events=10.)))
