"""Networks that papers measured and no notebook builds, for counting: figures and tests use them.

Their blocks are the notebook's. They are on the device "meta", without numbers.
"""

from collections.abc import Sequence

import torch
from torch import nn

from tools import papers
from tools.counting import on_meta
from tools.notebooks import definitions

notebook = definitions("v3")


def skeleton_v3(
    rows: Sequence, stem: int, last: int, features: int, *, last_squeeze: bool = False
) -> nn.Sequential:
    """What V3 takes with these rows, with squeeze-and-excite on the last 1×1 layer or without."""
    unit = notebook.ConvNormAct
    with torch.device("meta"):
        layers = [unit(3, stem, 3, stride=2), *notebook.build_blocks(rows, stem)]
        layers.append(unit(rows[-1].out, last, 1))
        if last_squeeze:
            squeeze = notebook.make_divisible(last // 4)
            layers.append(notebook.SqueezeExcitation(last, squeeze))
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, features)]
        return nn.Sequential(*layers, nn.Linear(features, 1000))


def paper_v3(
    variant: str, width: float = 1.0, features: int | None = None, *, last_squeeze: bool = False
) -> nn.Sequential:
    """MobileNetV3 as the paper's Table 9 counts it, not as torchvision scales it.

    The expansion keeps its ratio to the block's scaled input, as in mobilenet_v3.py of TensorFlow
    slim. The last features keep their number, unless `features` gives another: that fits the paper
    up to a width of 1.
    """
    (table, usual), scaled = notebook.VARIANTS[variant], notebook.make_divisible
    rows, before = [], 16
    for row in table:
        exp = scaled(scaled(before * width) * row.exp / before)
        rows.append(row._replace(exp=exp, out=scaled(row.out * width)))
        before = row.out
    last = scaled(6 * before * width)
    stem = scaled(16 * width)
    return skeleton_v3(rows, stem, last, features or usual, last_squeeze=last_squeeze)


def minimalistic_v3(variant: str) -> nn.Sequential:
    """Without squeeze-and-excite, 5×5 kernels and h-swish, as released beside the others."""
    table, features = notebook.VARIANTS[variant]
    rows = [row._replace(kernel=3, se=False, nl="RE") for row in table]
    return skeleton_v3(rows, 16, 6 * table[-1].out, features)


def first_version_v3_large() -> nn.Sequential:
    """Table 1 as the first version on arXiv prints it: blocks 13 and 14 differ."""
    rows = list(notebook.V3_LARGE)
    rows[13 - 1] = rows[13 - 1]._replace(s=1)
    rows[14 - 1] = rows[14 - 1]._replace(exp=672, s=2)
    return skeleton_v3(rows, 16, 960, 1280)


def grouped(rows: Sequence, channels: int) -> list[tuple[int, int, tuple]]:
    """Rows with equal blocks together: (first block, last block, row), counted from 1.

    `channels` come into the first block. A block that changes the map or its channels stands alone.
    """
    groups = []
    for number, row in enumerate(rows, start=1):
        keeps = row.s == 1 and row.out == channels
        if groups and keeps and groups[-1][2] == row:
            groups[-1] = (groups[-1][0], number, row)
        else:
            groups.append((number, number, row))
        channels = row.out
    return groups


def printed_hybrid_medium_v4() -> nn.Module:
    """V4-Hybrid-M with the blocks that Table 13 prints; the released network has others.

    Attention's heads, which the table does not give, are those of the released code.
    """
    four = definitions("v4")
    released = four.VARIANTS["hybrid_medium"]
    attention = [row for row in released.rows if isinstance(row, four.Attention)]
    of_width = {160: attention[0], 256: attention[-1]}
    rows = tuple(
        of_width[row.out]
        if row.block == "Mobile-MQA"
        else four.Row(row.block, row.k1 or 0, row.k2 or 0, row.expanded, row.out, row.stride)
        for row in papers.V4_TABLE13[1:-4]  # without the stem and the head
    )
    four.VARIANTS["printed"] = released._replace(rows=rows)
    try:
        return on_meta(four.MobileNetV4, "printed")
    finally:
        del four.VARIANTS["printed"]
