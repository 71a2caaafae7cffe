# python tools/benchmark.py configs/benchmarks/nucla_xview.py
#
# Stock ST-GCN++ on Northwestern-UCLA, cross-view, by the recipe and with the
# preprocessing that MMAction2 has for NTU RGB+D, and LVLM-VAR on the same
# backbone. NUCLA_PKL names the data.
# For cross-subject, name baselines/stgcnpp_recipe_nucla_xsub in the entries.
title = 'Northwestern-UCLA, cross-view'
entries = [
    dict(
        name='ST-GCN++',
        config='baselines/stgcnpp_recipe_nucla_xview',
        # Seeds of each stream.
        streams=dict(j=[0, 1, 2], b=[0], jm=[0], bm=[0], all=[0])),
    dict(
        name='ST-GCN++, stock',
        config='baselines/stgcnpp_stock_nucla_xview',
        streams=['j']),
    # The backbone of the first run, which lies here if there is no --out.
    dict(
        name='LVLM-VAR',
        config='lvlmvar_from_baseline_nucla_xview',
        streams=['j'],
        options={
            'load_from':
            'work_dirs/benchmark_nucla_xview/runs/ST-GCN++_j-seed0/train/'
            'epoch_65.pth'
        }),
    # The same backbone, data and updates; the language model reads in the
    # last two epochs.
    dict(
        name='LVLM-VAR, from scratch',
        config='lvlmvar_recipe_nucla_xview',
        streams=['j']),
]
# A small model for a CPU; take the first two out on a GPU. In bfloat16 a step
# takes 0.6 of the time where the CPU has it, and is float32 where it has not.
options = {
    'model.backbone.base_channels': 32,
    'model.cls_head.in_channels': 128,
    'optim_wrapper.type': 'BFloat16OptimWrapper',
    # No process that reads beside two threads that compute.
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False
}
fusions = [
    dict(name='two streams', of=['ST-GCN++/j', 'ST-GCN++/b']),
    dict(
        name='four streams',
        of=['ST-GCN++/j', 'ST-GCN++/b', 'ST-GCN++/jm', 'ST-GCN++/bm']),
    dict(name='with LVLM-VAR', of=['ST-GCN++/j', 'LVLM-VAR/j']),
]
comparisons = [('ST-GCN++/j', 'ST-GCN++, stock/j'),
               ('LVLM-VAR/j', 'ST-GCN++/j'),
               ('with LVLM-VAR', 'ST-GCN++/j'),
               ('four streams', 'ST-GCN++/all')]
published = [
    dict(
        name='FR-Head, joint', streams=1, top1=94.40, top1_clean=92.95,
        source='CVPR 2023, recomputed from the scores that it publishes'),
    dict(
        name='FR-Head', streams=4, top1=96.77, top1_clean=95.93,
        source='CVPR 2023, recomputed from the scores that it publishes'),
    dict(name='CTR-GCN', streams=4, top1=96.5, source='arXiv:2107.12213'),
    dict(
        name='HD-GCN', streams='several', top1=96.9,
        source='arXiv:2208.10741'),
    dict(name='BlockGCN', streams='several', top1=96.9, source='CVPR 2024'),
]
