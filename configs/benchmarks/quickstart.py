# python tools/benchmark.py configs/benchmarks/quickstart.py
#
# The made sample through every baseline: figures on it say nothing about NTU
# RGB+D, but the whole way is tried in one command.
title = 'Made sample, cross-subject'
entries = [
    dict(name='ST-GCN, recipe', config='baselines/stgcn_recipe_quickstart'),
    dict(name='2s-AGCN, recipe', config='baselines/2s-agcn_recipe_quickstart'),
    dict(
        name='ST-GCN++, recipe',
        config='baselines/stgcnpp_recipe_quickstart',
        streams=['j', 'b']),
    dict(name='ST-GCN, stock', config='baselines/stgcn_stock_quickstart'),
    dict(name='2s-AGCN, stock', config='baselines/2s-agcn_stock_quickstart'),
    dict(
        name='ST-GCN++, stock',
        config='baselines/stgcnpp_stock_quickstart',
        streams=['j']),
    dict(
        name='ST-GCN++, preprocessing of LVLM-VAR',
        config='baselines/stgcnpp_quickstart'),
    dict(name='PoseC3D', config='baselines/posec3d_quickstart'),
    dict(name='SlowOnly, RGB', config='baselines/slowonly_quickstart'),
]
fusions = [
    dict(
        name='ST-GCN++, two streams',
        of=['ST-GCN++, recipe/j', 'ST-GCN++, recipe/b'])
]
comparisons = [('ST-GCN++, recipe/j', 'ST-GCN++, stock/j')]
