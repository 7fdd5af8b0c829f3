"""The papers' tables, as printed: what the figures draw and the tests compare with.

Read from the papers' text: Howard et al. 2017 (MobileNetV1, arXiv 1704.04861), He et al. 2016
(ResNet, arXiv 1512.03385), Szegedy et al. 2015 (GoogLeNet, arXiv 1409.4842), Sandler et al. 2018
(MobileNetV2, arXiv 1801.04381), Howard et al. 2019 (MobileNetV3, arXiv 1905.02244), Zhang et al.
2018 (ShuffleNet, arXiv 1707.01083), Qin et al. 2024 (MobileNetV4, arXiv 2404.10518); of others,
where they stand below, and of the README and the code that their authors released.
"""

from typing import NamedTuple


class Cost(NamedTuple):
    """Million multiply-adds (or per cent of them, in V1's Table 2) and million parameters."""

    macs: float
    params: float


class Result(NamedTuple):
    """ImageNet top-1 in per cent, million multiply-adds, million parameters."""

    top1: float
    macs: float
    params: float


class BySize(NamedTuple):
    """Values for the four input sizes of V1."""

    at_224: float
    at_192: float
    at_160: float
    at_128: float


class V2Row(NamedTuple):
    top1: float
    params: float
    macs: float
    ms: float


class Map(NamedTuple):
    channels: int
    kb: int


class Maps(NamedTuple):
    v1: Map
    v2: Map


class Released(NamedTuple):
    """A row of a README of the released code."""

    macs: float
    params: float
    top1: float
    ms: float


class V3Row(NamedTuple):
    """Top-1, million multiply-adds and parameters, milliseconds on Pixel 1, 2 and 3."""

    top1: float
    macs: float
    params: float
    pixel1: float
    pixel2: float
    pixel3: float


class V3Point(NamedTuple):
    top1: float
    macs: float
    params: float
    ms: float


class Timed(NamedTuple):
    top1: float
    ms: float


class SSD(NamedTuple):
    map: float
    params: float
    macs: float


class Saved(NamedTuple):
    """Milliseconds saved on the Pixel 1 by a shorter end and by a smaller stem."""

    end: float
    stem: float


class Swish(NamedTuple):
    """Top-1, milliseconds, and milliseconds where h-swish is not optimised."""

    top1: float
    ms: float
    plain_ms: float


class Phones(NamedTuple):
    pixel1: float
    pixel2: float
    pixel3: float


class Blocks(NamedTuple):
    """Per cent of errors by kind of block."""

    vgg: float | None
    resnet: float
    xception: float


class V4Row(NamedTuple):
    """Top-1, million parameters, billion MACs, milliseconds by phone.

    None stands where "-" is printed, FAILED where "Failed" is.
    """

    top1: float
    params: float
    macs: float
    pixel6: float | None
    edgetpu: float | None
    iphone: float | None
    hexagon: float | str | None
    pixel7_gpu: float | None
    galaxy: float | None
    galaxy_gpu: float | None


class Searched(NamedTuple):
    """Top-1, billion MACs, million parameters, milliseconds on the Pixel 8's EdgeTPU."""

    top1: float
    macs: float
    params: float
    ms: float


class Attending(NamedTuple):
    """Top-1, billion MACs, million parameters, milliseconds; or by how much each differs.

    On the EdgeTPUs of the Pixel 7 and 8, and on the Galaxy S23's GPU.
    """

    top1: float | None
    macs: float | None
    params: float | None
    pixel7: float
    pixel8: float
    galaxy_gpu: float | None


class Downsampled(NamedTuple):
    """Top-1, billion MACs, milliseconds on a CPU and on a GPU; or the gain in per cent."""

    top1: float | None
    macs: float
    cpu: float
    gpu: float


class Staged(NamedTuple):
    """Top-1 on the validation and the training set, milliseconds on the Pixel 6's EdgeTPU."""

    val: float
    train: float
    ms: float


class Rewarded(NamedTuple):
    """Top-1 on the validation and the training set, billion MACs, million parameters, milliseconds.

    On the Pixel 4's GPU and the Pixel 6's CPU.
    """

    val: float
    train: float
    macs: float
    params: float
    pixel4_gpu: float
    pixel6: float


class V4Detector(NamedTuple):
    """Accuracy on COCO in per cent, billion MACs, million parameters, milliseconds."""

    ap: float
    macs: float
    params: float
    ms: float


class Accuracies(NamedTuple):
    """Top-1 on the validation and the training set."""

    val: float
    train: float


class ByVariant(NamedTuple):
    """Values for the five networks of V4."""

    conv_s: float | None
    conv_m: float | None
    hybrid_m: float | None
    conv_l: float | None
    hybrid_l: float | None


class V4Block(NamedTuple):
    """Input, kind of block, its two depthwise kernels, channels in its middle and out, stride.

    A layer that is no block has its kernel where a block has the second of its depthwise layers.
    """

    side: int
    channels: int
    block: str
    k1: int | None
    k2: int | None
    expanded: int | None
    out: int
    stride: int


class Roofline(NamedTuple):
    """The ridge point in MACs per byte, and two rank correlations with measured times.

    That of the times which the roofline predicts, and that of MACs alone.
    """

    ridge: float
    by_roofline: float
    by_macs: float


class Quantised(NamedTuple):
    """Top-1 in 32 and in 8 bits."""

    float32: float
    int8: float


class Equalised(NamedTuple):
    """Top-1 in 32 bits, the same with ReLU, and in 8 bits as it is and with ReLU and equalised."""

    float32: float
    relu: float
    int8: float
    equalised: float


class Granularity(NamedTuple):
    """Top-1 in 32 bits, and in 8: rounded after training, then trained with the rounding.

    The weights of a layer have one scale, or each output channel has its own; symmetric is without
    a zero point, affine with one.
    """

    float32: float
    layer_affine: float
    channel_symmetric: float
    channel_affine: float
    trained_layer: float
    trained_channel: float


class Detector(NamedTuple):
    """Accuracy on COCO in per cent, milliseconds."""

    ap: float
    ms: float


class Distilled(NamedTuple):
    """Top-1 in per cent: on labels alone, by the best known distillation, by theirs; two gains.

    The gains are those of their distillation over the first and over the second.
    """

    alone: float
    known: float | None
    taught: float
    over_alone: float
    over_known: float | None


def rows(kind: type, table: dict) -> dict:
    """A table with its columns named."""
    return {key: kind(*row) for key, row in table.items()}


def v4_blocks(table: str) -> tuple[V4Block, ...]:
    """The rows of a network of V4: input, block, K1, K2, expanded, out, stride."""

    def number(cell: str) -> int | None:
        return None if cell == "-" else int(cell)

    blocks = []
    for line in table.strip().splitlines():
        size, block, *cells = line.split()
        side, channels = size.split("²×")
        blocks.append(V4Block(int(side), int(channels), block, *map(number, cells)))
    return tuple(blocks)


# Howard et al. 2017, Table 1: type and stride, filter shape, input size. "5×" is written out.
V1_TABLE1 = """
    Conv / s2      3×3×3×32        224×224×3
    Conv dw / s1   3×3×32 dw       112×112×32
    Conv / s1      1×1×32×64       112×112×32
    Conv dw / s2   3×3×64 dw       112×112×64
    Conv / s1      1×1×64×128      56×56×64
    Conv dw / s1   3×3×128 dw      56×56×128
    Conv / s1      1×1×128×128     56×56×128
    Conv dw / s2   3×3×128 dw      56×56×128
    Conv / s1      1×1×128×256     28×28×128
    Conv dw / s1   3×3×256 dw      28×28×256
    Conv / s1      1×1×256×256     28×28×256
    Conv dw / s2   3×3×256 dw      28×28×256
    Conv / s1      1×1×256×512     14×14×256
    Conv dw / s1   3×3×512 dw      14×14×512
    Conv / s1      1×1×512×512     14×14×512
    Conv dw / s1   3×3×512 dw      14×14×512
    Conv / s1      1×1×512×512     14×14×512
    Conv dw / s1   3×3×512 dw      14×14×512
    Conv / s1      1×1×512×512     14×14×512
    Conv dw / s1   3×3×512 dw      14×14×512
    Conv / s1      1×1×512×512     14×14×512
    Conv dw / s1   3×3×512 dw      14×14×512
    Conv / s1      1×1×512×512     14×14×512
    Conv dw / s2   3×3×512 dw      14×14×512
    Conv / s1      1×1×512×1024    7×7×512
    Conv dw / s2   3×3×1024 dw     7×7×1024
    Conv / s1      1×1×1024×1024   7×7×1024
    FC / s1        1024×1000       1×1×1024
"""

# Table 2: per cent of multiply-adds and of parameters by layer type.
V1_TABLE2 = rows(
    Cost,
    {
        "pointwise": (94.86, 74.59),
        "depthwise": (3.06, 1.06),
        "standard": (1.19, 0.02),  # a misprint: the multiply-adds are 1.91 %
        "fc": (0.18, 24.33),
    },
)

# Table 3: million multiply-adds and parameters of one layer, 3×3, 512 to 512 on a 14×14 map.
V1_TABLE3 = rows(
    Cost,
    {
        "convolution": (462, 2.36),
        "separable": (52.3, 0.27),
        "alpha": (29.6, 0.15),
        "rho": (15.1, 0.15),
    },
)

# Tables 4 to 9: ImageNet accuracy in per cent, million multiply-adds, million parameters.
V1_TABLE4 = rows(Result, {"full": (71.7, 4866, 29.3), "separable": (70.6, 569, 4.2)})
V1_TABLE5 = rows(Result, {"narrow": (68.4, 325, 2.6), "shallow": (65.3, 307, 2.9)})
V1_TABLE6 = rows(
    Result,
    {  # by width, at 224
        1.0: (70.6, 569, 4.2),
        0.75: (68.4, 325, 2.6),
        0.5: (63.7, 149, 1.3),
        0.25: (50.6, 41, 0.5),
    },
)
V1_TABLE7 = rows(
    Result,
    {  # by input size, at width 1
        224: (70.6, 569, 4.2),
        192: (69.1, 418, 4.2),
        160: (67.2, 290, 4.2),
        128: (64.4, 186, 4.2),
    },
)
V1_TABLE8 = rows(
    Result,
    {
        "1.0 MobileNet-224": (70.6, 569, 4.2),
        "GoogleNet": (69.8, 1550, 6.8),
        "VGG 16": (71.5, 15300, 138),
    },
)
V1_TABLE9 = rows(
    Result,
    {
        "0.50 MobileNet-160": (60.2, 76, 1.32),
        "Squeezenet": (57.5, 1700, 1.25),
        "AlexNet": (57.2, 720, 60),
    },
)

# (width, input size): million multiply-adds, million parameters, printed for other tasks.
V1_TABLE10 = rows(
    Cost,
    {  # Stanford Dogs, 120 classes
        (1.0, 224): (569, 3.3),
        (0.75, 224): (325, 1.9),
        (1.0, 192): (418, 3.3),
        (0.75, 192): (239, 1.9),
    },
)
V1_TABLE12 = rows(
    Cost,
    {  # face attributes
        (1.0, 224): (568, 3.2),
        (0.5, 224): (149, 0.8),
        (0.25, 224): (45, 0.2),
        (1.0, 128): (185, 3.2),
        (0.5, 128): (48, 0.8),
        (0.25, 128): (15, 0.2),
    },
)
# Its baseline, and what section 4.5 says of it; section 4.4: a network for geolocalisation, million
# multiply-adds, and weights of its last layer.
V1_TABLE12_BASELINE, V1_FACES_TEXT = Cost(1600, 7.5), Cost(1600, 75)
V1_GEOLOCATION = {"mult-adds": 0.58, "last": 10_000_000}
V1_TABLE14 = rows(
    Cost,
    {  # face embeddings; the third row has the name of the fourth
        "1.0 MobileNet-160": (286, 4.9),
        "1.0 MobileNet-128": (185, 5.5),
        '0.75 MobileNet-"128"': (166, 3.4),
        "0.75 MobileNet-128": (108, 3.8),
    },
)
# SqueezeNet's README, in an earlier version.
SQUEEZENET_README_GFLOPS = 1.72

# What the README of the released code prints (mobilenet_v1.md in TensorFlow slim), by width for
# input sizes of 224, 192, 160 and 128: million MACs; million parameters; top-1 in per cent.
V1_SIZES = (224, 192, 160, 128)
SLIM_V1_MACS = rows(
    BySize,
    {
        1.0: (569, 418, 291, 186),
        0.75: (317, 233, 162, 104),
        0.5: (150, 110, 77, 49),
        0.25: (41, 34, 21, 14),
    },
)
SLIM_V1_PARAMS = {1.0: 4.24, 0.75: 2.59, 0.5: 1.34, 0.25: 0.47}
SLIM_V1_TOP1 = rows(
    BySize,
    {
        1.0: (70.9, 70.0, 68.0, 65.2),
        0.75: (68.4, 67.2, 65.3, 62.1),
        0.5: (63.3, 61.7, 59.1, 56.3),
        0.25: (49.8, 47.7, 45.5, 41.5),
    },
)

# timm's README: top-1 in per cent of mobilenetv1_100.ra4_e3600_r224_in1k at 224.
TIMM_V1_TOP1 = 75.382

# Sandler et al. 2018 (MobileNetV2, arXiv 1801.04381), Table 4: top-1 in per cent, million
# parameters, million multiply-adds, milliseconds on a large core of the Pixel 1.
V2_TABLE4 = rows(
    V2Row,
    {
        "MobileNetV1": (70.6, 4.2, 575, 113),
        "MobileNetV2": (72.0, 3.4, 300, 75),
        "MobileNetV2 (1.4)": (74.7, 6.9, 585, 143),
    },
)

# Table 3, in the version that has all rows: channels and kB at 16 bits, by side of the map.
V2_TABLE3 = {
    112: Maps(Map(64, 1600), Map(16, 400)),
    56: Maps(Map(128, 800), Map(32, 200)),
    28: Maps(Map(256, 400), Map(64, 100)),
    14: Maps(Map(512, 200), Map(160, 62)),
    7: Maps(Map(1024, 199), Map(320, 32)),
}

# The README of the released code (mobilenet/README.md in TensorFlow slim), by width and input
# size: million MACs, million parameters, top-1 in per cent, milliseconds on the Pixel 1.
SLIM_V2 = rows(
    Released,
    {
        (1.4, 224): (582, 6.06, 75.0, 138.0),
        (1.3, 224): (509, 5.34, 74.4, 123.0),
        (1.0, 224): (300, 3.47, 71.8, 73.8),
        (1.0, 192): (221, 3.47, 70.7, 55.1),
        (1.0, 160): (154, 3.47, 68.8, 40.2),
        (1.0, 128): (99, 3.47, 65.3, 27.6),
        (1.0, 96): (56, 3.47, 60.3, 17.6),
        (0.75, 224): (209, 2.61, 69.8, 55.8),
        (0.75, 192): (153, 2.61, 68.7, 41.6),
        (0.75, 160): (107, 2.61, 66.4, 30.4),
        (0.75, 128): (69, 2.61, 63.2, 21.9),
        (0.75, 96): (39, 2.61, 58.8, 14.2),
        (0.5, 224): (97, 1.95, 65.4, 28.7),
        (0.5, 192): (71, 1.95, 63.9, 21.1),
        (0.5, 160): (50, 1.95, 61.0, 14.9),
        (0.5, 128): (32, 1.95, 57.7, 9.9),
        (0.5, 96): (18, 1.95, 51.2, 6.4),
        (0.35, 224): (59, 1.66, 60.3, 19.7),
        (0.35, 192): (43, 1.66, 58.2, 14.6),
        (0.35, 160): (30, 1.66, 55.7, 10.5),
        (0.35, 128): (20, 1.66, 50.8, 6.9),
        (0.35, 96): (11, 1.66, 45.5, 4.5),
    },
)

# slim's mobilenet_v2.py, docstring: top-1 in per cent.
SLIM_V2_DOCSTRING_TOP1 = 72.2

# Table 6: mean average precision on COCO in per cent, million parameters, billion multiply-adds.
V2_TABLE6 = rows(
    SSD,
    {
        "SSD300": (23.2, 36.1, 35.2),
        "SSD512": (26.8, 36.1, 99.5),
        "YOLOv2": (21.6, 50.7, 17.5),
        "MNet V1 + SSDLite": (22.2, 5.1, 1.3),
        "MNet V2 + SSDLite": (22.1, 4.3, 0.8),
    },
)

# He et al. 2016, Table 1: FLOPs of the 50-layer network, in units of 10**9. Section 4.1: of VGG.
RESNET50_FLOPS = 3.8
RESNET_VGG_FLOPS = {"VGG-16": 15.3, "VGG-19": 19.6}

# Szegedy et al. 2015, Table 1, module inception (3a), the 5×5 branch.
INCEPTION_3A = {"size": 28, "in": 192, "reduce": 16, "out": 32}

# Howard et al. 2019 (MobileNetV3). Its versions on arXiv differ; these are of the last, where
# nothing else is said. Table 3: top-1 in per cent, million multiply-adds, million parameters,
# milliseconds on one large core of the Pixel 1, 2 and 3.
V3_TABLE3 = rows(
    V3Row,
    {
        "V3-Large 1.0": (75.2, 219, 5.4, 51, 61, 44),
        "V3-Large 0.75": (73.3, 155, 4.0, 39, 46, 40),
        "MnasNet-A1": (75.2, 315, 3.9, 71, 86, 61),
        "V2 1.0": (72.0, 300, 3.4, 64, 76, 56),
        "V3-Small 1.0": (67.4, 56, 2.5, 15.8, 19.4, 14.4),
        "V3-Small 0.75": (65.4, 44, 2.0, 12.8, 15.6, 11.7),
        "V2 0.35": (60.8, 59.2, 1.6, 16.6, 19.6, 13.9),
    },
)

# In earlier versions, the rows that changed: million multiply-adds and parameters.
V3_TABLE3_EARLIER = rows(Cost, {"V3-Small 1.0": (66, 2.9), "V3-Small 0.75": (44, 2.4)})

# The first version's milliseconds on the Pixel 1.
V3_TABLE3_FIRST = {"V3-Large 1.0": 66, "MnasNet-A1": 84, "V2 1.0": 78}

# Table 4, 8-bit: top-1 in per cent, milliseconds on the Pixel 1.
V3_TABLE4 = rows(
    Timed,
    {
        "V3-Large 1.0": (73.8, 44),
        "V2 1.0": (70.9, 52),
        "V3-Small 1.0": (64.9, 15.5),
        "V2 0.35": (57.2, 16.7),
    },
)

# Table 5: top-1 in per cent, milliseconds on the Pixel 1, the same without optimised h-swish.
V3_TABLE5 = rows(
    Swish,
    {
        "V3-Large 1.0": (75.2, 51.4, 57.5),
        "ReLU": (74.5, 50.5, 50.5),
        "h-swish@16": (75.4, 53.5, 68.9),
        "h-swish@112": (75.0, 51, 54.4),
    },
)

# Beside them, in brackets: by how much top-1 and milliseconds differ from V3-Large's, in per cent.
V3_TABLE5_CHANGES = rows(
    Timed, {"ReLU": (-0.7, -1), "h-swish@16": (0.2, 4), "h-swish@112": (-0.3, -0.5)}
)

# Section 5.1: milliseconds saved, in the last version and in the first. Abstract: how much more
# accurate Large is than V2, and how much faster, in per cent; the latter in the first version.
V3_SAVED, V3_SAVED_FIRST = Saved(7, 2), Saved(10, 3)
V3_ABSTRACT = {"accurate": 3.2, "faster": 20, "faster at first": 15}

# Section 6.3: classes of ImageNet and of COCO.
V3_CLASSES = (1000, 90)

# Table 9, by variant, size and width: top-1, million multiply-adds, million parameters, Pixel 1 ms.
V3_TABLE9 = rows(
    V3Point,
    {
        ("large", 224, 1.25): (76.6, 356, 7.5, 77.0),
        ("large", 224, 1.0): (75.2, 217, 5.4, 51.2),
        ("large", 224, 0.75): (73.3, 155, 4.0, 39.8),
        ("large", 224, 0.5): (68.8, 69, 2.6, 21.7),
        ("large", 224, 0.35): (64.2, 40, 2.2, 15.1),
        ("large", 256, 1.0): (76.0, 282, 5.4, 65.6),
        ("large", 192, 1.0): (73.7, 160, 5.4, 38.0),
        ("large", 160, 1.0): (71.7, 112, 5.4, 27.8),
        ("large", 128, 1.0): (68.4, 73, 5.4, 17.8),
        ("large", 96, 1.0): (63.3, 43, 5.4, 12.5),
        ("small", 224, 1.25): (70.4, 91, 3.6, 23.6),
        ("small", 224, 1.0): (67.5, 57, 2.5, 15.8),
        ("small", 224, 0.75): (65.4, 44, 2.0, 12.8),
        ("small", 224, 0.5): (58.0, 21, 1.6, 7.7),
        ("small", 224, 0.35): (49.8, 12, 1.4, 5.7),
        ("small", 256, 1.0): (68.5, 74, 2.5, 20.0),
        ("small", 160, 1.0): (62.8, 30, 2.5, 8.6),
        ("small", 128, 1.0): (57.3, 20, 2.5, 5.8),
        ("small", 96, 1.0): (51.7, 12, 2.5, 4.4),
    },
)

# In earlier versions, the rows that changed: million multiply-adds and parameters. (The last
# version leaves Small at 192 out.)
V3_TABLE9_EARLIER = rows(
    Cost,
    {
        ("small", 224, 1.0): (66, 2.9),
        ("small", 224, 0.75): (44, 2.4),
        ("small", 224, 0.5): (23, 1.9),
        ("small", 224, 0.35): (13, 1.7),
        ("small", 256, 1.0): (74, 2.9),
        ("small", 192, 1.0): (42, 2.9),
        ("small", 160, 1.0): (30, 2.9),
        ("small", 128, 1.0): (20, 2.9),
        ("small", 96, 1.0): (12, 2.9),
    },
)

# The README of the released code: million MACs, million parameters, top-1, Pixel 1 ms.
SLIM_V3 = rows(
    Released,
    {
        "Large": (217, 5.4, 75.2, 51.2),
        "Large minimalistic": (209, 3.9, 72.3, 44.1),
        "Small": (66, 2.9, 67.5, 15.8),
        "Small minimalistic": (65, 2.0, 61.9, 12.2),
    },
)

# What else it says: above its table, million MACs and top-1 of V3-Large, million MACs of
# ResNet-50; in it, milliseconds of Large at 0.75 on the Pixel 2 and 3, and top-1 of Large in 8
# bits.
SLIM_V3_TEXT = {"macs": 215, "top1": 75.1, "ResNet-50": 3500}
SLIM_V3_LARGE_075 = {"pixel2": 48, "pixel3": 34}
SLIM_V3_INT8_TOP1 = 73.9

# Tan et al. 2019 (MnasNet, arXiv 1807.11626), section 5 and 6.1: the target in milliseconds on the
# Pixel 1, the search, and of MnasNet-A1 million multiply-adds and milliseconds (Table 1).
MNASNET_TARGET = 75
MNASNET_SEARCH = {"networks": 8000, "days": 4.5, "TPUs": 64}
MNASNET_A1_MADDS = 312
MNASNET_A1_MS = 78

# How they were trained. V2: section 6.1. V3: section 6.1.1; "dropout of 0.8" is the share to keep.
V2_TRAINING = {"lr": 0.045, "per_epoch": 0.98, "batch": 96, "workers": 16, "decay": 0.00004}
V3_TRAINING = {
    "lr": 0.1,
    "batch": 4096,
    "per_chip": 128,
    "pod": (4, 4),
    "decay": 0.00001,
    "ema": 0.9999,
    "keep": 0.8,
    "norm": 0.99,
    "factor": 0.01,
    "every": 3,
}

# What code says of itself: slim's mobilenet_v1_train.py, the README of its V2 (steps by GPUs), its
# `training_scope` in mobilenet.py, torchvision's reference scripts.
SLIM_V1_TRAINING = {"lr": 0.045, "factor": 0.94, "epochs": 2.5, "batch": 64, "decay": 0.00004}
SLIM_V2_TRAINING = {
    "factor": 0.98,
    "epochs": 2.5,
    "batch": 96,
    "smoothing": 0.1,
    "ema": 0.9999,
    "steps": {8: 700_000, 1: 5_500_000},
}
SLIM_NORM_DECAY = 0.997
TORCHVISION_V3_TRAINING = {"lr": 0.064, "factor": 0.973, "every": 2, "epochs": 600}

# Zhang et al. 2018, Table 4: per cent of errors on ImageNet, by million MACs ("FLOPs"); and from
# section 4.2, the channels of the last stage at 38 million.
SHUFFLENET_TABLE4 = rows(
    Blocks,
    {  # VGG-like, ResNet's bottleneck, Xception-like
        140: (50.7, 37.3, 33.6),
        38: (None, 48.8, 45.1),
        13: (None, 63.7, 57.1),
    },
)
# Tables 2 and 3, at "1×" and so many million MACs: by the 1×1 layers, dense or in eight groups; in
# groups there are more channels, so that the MACs stay.
SHUFFLENET_TABLES_2_3 = {"million": 140, "dense": 33.6, "grouped": 37.6, "shuffled": 32.4}
SHUFFLENET_CHANNELS = {"VGG-like": 50, "ResNet": 192, "Xception-like": 288}

# Howard et al. 2019, Table 4 in full: 8-bit milliseconds on the Pixel 1, 2 and 3.
V3_TABLE4_PHONES = rows(
    Phones,
    {
        "V3-Large 1.0": (44, 42.5, 31.7),
        "V2 1.0": (52, 48.3, 37.0),
        "V3-Small 1.0": (15.5, 14.9, 10.7),
    },
)

# Qin et al. 2024 (MobileNetV4). Table 1: what three searches found, with all forms of the block,
# with ConvNeXt's alone ("CN"), with the inverted bottleneck alone.
V4_TABLE1 = rows(
    Searched,
    {
        "UIB": (83.3, 6.2, 33.0, 2.68),
        "CN": (83.2, 6.9, 35.1, 2.69),
        "IB": (82.3, 6.1, 32.4, 2.61),
    },
)

# Table 2: a network without attention, and with three layers of it: with keys and values for each
# head, and shared. Then, as printed below them: in points, and in per cent of what was added.
V4_TABLE2 = rows(
    Attending,
    {
        "base model": (84.88, 6.0, 30.9, 4.31, 2.35, 13.15),
        "+3 MHSA": (85.27, 6.7, 36.0, 9.69, 2.76, 16.46),
        "+3 MQA": (85.24, 6.5, 34.7, 5.16, 2.60, 15.10),
    },
)
V4_TABLE2_CHANGES = Attending(-0.03, -28.6, -25.5, -84.2, -39.0, -41.1)
V4_MQA_FASTER = 39  # per cent: abstract, "over 39" in section 1, ">39" in section 5

# Table 3: keys and values on the whole map, and on one of half the side; the gain in per cent.
V4_TABLE3 = rows(Downsampled, {"No": (80.77, 1.285, 15.8, 7.4), "Yes": (80.71, 1.245, 12.8, 5.9)})
V4_TABLE3_GAIN = Downsampled(None, 3, 23, 25)
V4_TABLE3_TEXT = -0.06  # section 5: points of top-1

# Tables 4 and 5: the search in one stage and in two, and with two sets of pictures. What changes:
# points of top-1, per cent of the rest.
V4_TABLE4 = rows(Staged, {"One-stage": (81.26, 74.64, 3.85), "Two-stage": (81.48, 78.24, 3.67)})
V4_TABLE4_CHANGES = Staged(0.22, 3.60, -4.68)
V4_TABLE5 = rows(
    Rewarded,
    {
        "ImageNet": (82.4, 72.9, 7.2, 43.5, 59.2, 70.4),
        "JFT distill": (82.3, 74.0, 6.2, 34.4, 51.0, 67.3),
    },
)
V4_TABLE5_GAIN = Rewarded(-0.1, 1.1, 13.9, 20.9, 13.9, 4.4)

# Section 6.1: a block's expansion in both stages of the search, kernels, and epochs. Appendix A:
# million MACs and milliseconds that the search was told to reach, on the EdgeTPU of the Pixel 6,
# for Conv-L of the Pixel 7 as well.
V4_SEARCH = {"expansion": 4, "kernels": (3, 5), "epochs": 750}
V4_TARGETS = {
    "MNv4-Conv-S": {"macs": 285, "pixel6": 0.2},
    "MNv4-Conv-M": {"pixel6": 0.6},
    "MNv4-Conv-L": {"pixel6": 2.3, "pixel7": 2.0},
}

# Table 6: V1 to V3 are trained anew, with a recipe of theirs. Milliseconds in 8 bits on CPUs,
# Hexagon and EdgeTPU, in 16-bit floating point on GPUs and CoreML (appendix B). Columns after MACs:
# Pixel 6 CPU, Pixel 8 EdgeTPU, iPhone 13 CoreML, Pixel 4 Hexagon, Pixel 7 GPU, Galaxy S23 CPU, GPU.
FAILED = "Failed"
V4_TABLE6 = rows(
    V4Row,
    {
        "MobileNet-V2-0.5x": (66.0, 2.0, 0.1, 2.4, 0.7, 0.5, 2.9, 8.3, 1.8, 1.9),
        "MobileNet-V3L-0.5x": (69.2, 2.7, 0.1, 2.4, 0.8, 0.45, 3.5, 9.9, 2.0, 2.1),
        "MobileOne-S0": (71.4, 2.1, 0.3, 4.2, 0.7, 0.5, 2.9, 10.7, 3.3, 1.7),
        "MobileNet-V2": (73.4, 3.5, 0.3, 5.0, 0.7, 0.7, 3.9, 13.6, 4.1, 2.5),
        "MNv4-Conv-S": (73.8, 3.8, 0.2, 2.4, 0.7, 0.6, 2.4, 8.4, 1.8, 2.0),
        "MobileNet-V1": (74.0, 4.2, 0.6, 6.1, 0.8, 0.7, 3.2, 13.0, 4.6, 2.1),
        "FastViT-T8": (75.6, 3.6, 0.7, 49.3, 1.3, 0.7, FAILED, 40.7, 43.6, 24.7),
        "MobileNet-V2-1.5x": (76.8, 6.8, 0.7, 9.3, 0.9, 1.0, 5.6, 16.4, 7.3, 3.3),
        "MultiHardware-MAX-1.5x": (77.9, 8.9, 0.8, 9.8, 1.0, None, 5.7, 23.2, None, 4.1),
        "MultiHardware-AVG-1.5x": (78.2, 10.0, 1.0, 12.0, 1.1, None, 6.1, 20.3, None, 4.5),
        "MobileNet-V2-2.0x": (78.4, 11.2, 1.1, 13.9, 1.1, 1.5, 6.9, 19.1, 10.6, 4.2),
        "MobileOne-S4": (79.4, 14.8, 1.5, 26.7, 1.7, 1.5, 9.0, 28.6, 19.4, 5.9),
        "FastViT-S12": (79.8, 8.8, 1.8, 83.0, 1.8, 1.6, FAILED, 75.0, 69.2, 47.0),
        "MIT-EfficientViT-B1-r224": (79.4, 9.1, 0.5, None, None, 2.4, None, None, 18.1, 5.0),
        "MNv4-Conv-M": (79.9, 9.2, 1.0, 11.4, 1.1, 1.1, 7.3, 18.1, 8.6, 4.1),
        "FastViT-SA12": (80.6, 10.9, 1.9, 86.5, 2.0, 1.6, FAILED, 79.6, 69.5, 52.1),
        "MNv4-Hybrid-M": (80.7, 10.5, 1.2, 14.3, 1.5, None, FAILED, 17.9, 10.8, 5.9),
        "FastViT-SA24": (82.6, 20.6, 3.8, 171.6, 3.2, 2.4, FAILED, 131.9, 136.3, 107.5),
        "MIT-EfficientViT-B2-r256": (82.7, 24.0, 2.1, None, None, 5.4, None, None, 64.9, 9.5),
        "MNv4-Conv-L": (82.9, 31, 5.9, 59.9, 2.4, 3.0, 20.8, 37.6, 43.0, 13.2),
        "ConvNext-S": (83.1, 50, 8.7, 314.9, 3.7, None, FAILED, 45.2, 243.9, 18.5),
        "NextViT-B": (83.2, 44.8, 8.3, None, None, None, None, None, None, None),
        "MNv4-Hybrid-L": (83.4, 35.9, 7.2, 87.6, 3.8, None, FAILED, 61.3, 61.8, 18.1),
        "MIT-EfficientViT-B3-r224": (83.5, 49.0, 4.0, None, None, 12.2, None, None, 125.9, 18.4),
        "FastViT-SA36": (83.6, 30.4, 5.6, 241.6, 4.3, None, FAILED, 186.5, 206.3, 138.1),
    },
)

# Its rows that are MobileNets, by the names of our pages: top-1 and milliseconds on the Pixel 6's
# CPU.
V4_POINTS = {
    name: Timed(V4_TABLE6[row].top1, V4_TABLE6[row].pixel6)
    for name, row in {
        "V2 × 0.5": "MobileNet-V2-0.5x",
        "V3-Large × 0.5": "MobileNet-V3L-0.5x",
        "V2 × 1": "MobileNet-V2",
        "V4-Conv-S": "MNv4-Conv-S",
        "V1 × 1": "MobileNet-V1",
        "V2 × 1.5": "MobileNet-V2-1.5x",
        "V2 × 2": "MobileNet-V2-2.0x",
        "V4-Conv-M": "MNv4-Conv-M",
        "V4-Hybrid-M": "MNv4-Hybrid-M",
        "V4-Conv-L": "MNv4-Conv-L",
        "V4-Hybrid-L": "MNv4-Hybrid-L",
    }.items()
}

# Section 7.1: points that training anew gave, and what V3-Large has then: Table 6 leaves it out.
V4_TRAINED_ANEW = {"V1": 3.4, "V2": 1.4, "V3": 0.3}
V4_V3_TOP1 = 75.5

# Table 7: RetinaNet on COCO at 384×384, milliseconds on the Pixel 6's CPU. What section 7.2 says of
# it: per cent that Conv-M is faster than two others; points of Hybrid-M's lead over Conv-M, and per
# cent that it is slower.
V4_TABLE7 = rows(
    V4Detector,
    {
        "EfficientFormer-L1": (29.5, 6.54, 12.77, 84.3),
        "V1 × 1.5": (31.0, 6.68, 9.05, 66.4),
        "V4-Conv-M": (32.6, 5.06, 9.79, 51.3),
        "Multi-AVG × 1.5": (32.7, 5.42, 9.51, 58.1),
        "V2 × 2": (32.9, 5.81, 10.15, 66.4),
        "V3-Large × 2": (33.2, 4.99, 17.92, 59.9),
        "V4-Hybrid-M": (34.0, 5.62, 11.15, 60.5),
    },
)
V4_TABLE7_TEXT = {"Multi-AVG × 1.5": 12, "V2 × 2": 23, "lead": 1.6, "slower": 18}

# Table 8: Conv-L taught from three sets of pictures and their mixtures, for 400 epochs; the gain
# over D2, the best known. The last after 2000 epochs as well.
V4_TABLE8 = rows(
    Accuracies,
    {
        "D1": (83.8, 86.6),
        "D2": (84.1, 85.6),
        "D3": (81.8, 84.1),
        "D1 + D2": (84.4, 85.0),
        "D2 + D3": (84.7, 82.7),
        "D1 + D2 + D3": (84.9, 82.6),
    },
)
V4_TABLE8_GAINS = {"D1 + D2": 0.3, "D2 + D3": 0.6, "D1 + D2 + D3": 0.8}
V4_TABLE8_LONG, V4_TABLE8_LONG_GAIN = Accuracies(85.9, 85.5), 1.8
# How often D1 has each picture of ImageNet: by the table, and by section 8. Points that section 8
# says a set gives or costs.
V4_D1_COPIES = {"Table 8": 1000, "section 8": 500}
V4_TABLE8_TEXT = {"D1 + D2": 0.3, "D3": -2, "D1 + D2 + D3": 0.6}

# Table 9: their distillation, with more pictures.
V4_TABLE9 = rows(
    Distilled,
    {
        "MNv4-Conv-S": (73.8, None, 75.5, 1.7, None),
        "MNv4-Conv-M": (79.9, 81.5, 82.7, 2.8, 1.2),
        "MNv4-Hybrid-M": (80.7, 82.7, 83.7, 3.0, 1.0),
        "MNv4-Conv-L": (82.9, 84.4, 85.9, 3.0, 1.5),
        "MNv4-Hybrid-L": (83.4, 85.7, 86.6, 3.2, 0.9),
    },
)
# Hybrid-L, trained on JFT before (section 8). The teacher, EfficientNet-L2 (appendix H): top-1,
# billion MACs, million parameters. How many times fewer a student has: Conv-L by section 8, its
# points below the teacher; Hybrid-L by section 1.
V4_HYBRID_L_JFT = 87.0
V4_TEACHER = {"top1": 87.5, "macs": 290, "params": 480}
V4_STUDENT_TEXT = {"macs": 48, "params": 15, "points": 1.6, "Hybrid-L": 39}

# Table 10: how the networks were trained. "mixing" is the probability of Mixup or CutMix.
V4_TABLE10 = rows(
    ByVariant,
    {
        "batch": (4096, 4096, 16384, 16384, 16384),
        "lr": (0.002, 0.004, 0.016, 0.004, 0.01),
        "epochs": (9600, 500, 500, 500, 500),
        "warmup": (5, 5, 20, 20, 20),
        "decay": (0.01, 0.1, 0.1, 0.2, 0.2),
        "beta1": (0.6, 0.9, 0.9, 0.9, 0.9),
        "epsilon": (1e-6, 1e-7, 1e-7, 1e-7, 1e-7),
        "ema": (0.9999, None, None, None, None),
        "l2": (1e-5, None, None, None, None),
        "smoothing": (0.1, 0.1, 0.1, 0.1, 0.1),
        "dropout": (0.3, 0.2, 0.2, 0.2, 0.2),
        "depth drop": (0, 0.075, 0.075, 0.35, 0.35),
        "RandAugment": (0.5, 0.7, 0.7, 1.0, 1.0),
        "magnitude": (9, 15, 15, 15, 15),
        "mixing": (None, None, None, 0.3, 0.3),
    },
)

# Tables 11 to 15: Conv-S, Conv-M, Hybrid-M, Conv-L, Hybrid-L. Input, block, K1, K2, channels in the
# middle and out, stride.
V4_TABLE11 = v4_blocks("""
    224²×3    Conv2D      -  3   -     32    2
    112²×32   FusedIB     -  3   32    32    2
    56²×32    FusedIB     -  3   96    64    2
    28²×64    ExtraDW     5  5   192   96    2
    14²×96    IB          -  3   192   96    1
    14²×96    IB          -  3   192   96    1
    14²×96    IB          -  3   192   96    1
    14²×96    IB          -  3   192   96    1
    14²×96    ConvNext    3  -   384   96    1
    14²×96    ExtraDW     3  3   576   128   2
    7²×128    ExtraDW     5  5   512   128   1
    7²×128    IB          -  5   512   128   1
    7²×128    IB          -  5   384   128   1
    7²×128    IB          -  3   512   128   1
    7²×128    IB          -  3   512   128   1
    7²×128    Conv2D      -  1   -     960   1
    7²×960    AvgPool     -  7   -     960   1
    1²×960    Conv2D      -  1   -     1280  1
    1²×1280   Conv2D      -  1   -     1000  1
""")
V4_TABLE12 = v4_blocks("""
    256²×3    Conv2D      -  3   -     32    2
    128²×32   FusedIB     -  3   128   48    2
    64²×48    ExtraDW     3  5   192   80    2
    32²×80    ExtraDW     3  3   160   80    1
    32²×80    ExtraDW     3  5   480   160   2
    16²×160   ExtraDW     3  3   640   160   1
    16²×160   ExtraDW     3  3   640   160   1
    16²×160   ExtraDW     3  5   640   160   1
    16²×160   ExtraDW     3  3   640   160   1
    16²×160   ConvNext    3  -   640   160   1
    16²×160   FFN         -  -   320   160   1
    16²×160   ConvNext    3  -   640   160   1
    16²×160   ExtraDW     5  5   960   256   2
    8²×256    ExtraDW     5  5   1024  256   1
    8²×256    ExtraDW     3  5   1024  256   1
    8²×256    ExtraDW     3  5   1024  256   1
    8²×256    FFN         -  -   1024  256   1
    8²×256    ConvNext    3  -   1024  256   1
    8²×256    ExtraDW     3  5   512   256   1
    8²×256    ExtraDW     5  5   1024  256   1
    8²×256    FFN         -  -   1024  256   1
    8²×256    FFN         -  -   1024  256   1
    8²×256    ConvNext    5  -   512   256   1
    8²×256    Conv2D      -  1   -     960   1
    8²×960    AvgPool     -  8   -     960   1
    1²×960    Conv2D      -  1   -     1280  1
    1²×1280   Conv2D      -  1   -     1000  1
""")
V4_TABLE13 = v4_blocks("""
    256²×3    Conv2D      -  3   -     32    2
    128²×32   FusedIB     -  3   128   48    2
    64²×48    ExtraDW     3  5   192   80    2
    32²×80    ExtraDW     3  3   160   80    1
    32²×80    ExtraDW     3  5   480   160   2
    16²×160   ExtraDW     3  3   640   160   1
    16²×160   ExtraDW     3  3   640   160   1
    16²×160   ExtraDW     3  5   640   160   1
    16²×160   Mobile-MQA  -  -   -     160   1
    16²×160   ExtraDW     3  3   640   160   1
    16²×160   Mobile-MQA  -  -   -     160   1
    16²×160   ConvNext    3  -   640   160   1
    16²×160   Mobile-MQA  -  -   -     160   1
    16²×160   FFN         -  -   640   160   1
    16²×160   Mobile-MQA  -  -   -     160   1
    16²×160   ConvNext    3  -   640   160   1
    16²×160   ExtraDW     5  5   960   256   2
    8²×256    ExtraDW     5  5   1024  256   1
    8²×256    ExtraDW     3  5   1024  256   1
    8²×256    ExtraDW     3  5   1024  256   1
    8²×256    FFN         -  -   1024  256   1
    8²×256    ConvNext    3  -   1024  256   1
    8²×256    ExtraDW     3  5   512   256   1
    8²×256    Mobile-MQA  -  -   -     256   1
    8²×256    ExtraDW     5  5   1024  256   1
    8²×256    Mobile-MQA  -  -   -     256   1
    8²×256    FFN         -  -   1024  256   1
    8²×256    Mobile-MQA  -  -   -     256   1
    8²×256    FFN         -  -   1024  256   1
    8²×256    Mobile-MQA  -  -   -     256   1
    8²×256    ConvNext    5  -   1024  256   1
    8²×256    Conv2D      -  1   -     960   1
    8²×960    AvgPool     -  8   -     960   1
    1²×960    Conv2D      -  1   -     1280  1
    1²×1280   Conv2D      -  1   -     1000  1
""")
V4_TABLE14 = v4_blocks("""
    384²×3    Conv2D      -  3   -     24    2
    192²×24   FusedIB     -  3   96    48    2
    96²×48    ExtraDW     3  5   192   96    2
    48²×96    ExtraDW     3  3   384   96    1
    48²×96    ExtraDW     3  5   384   192   2
    24²×192   ExtraDW     3  3   768   192   1
    24²×192   ExtraDW     3  3   768   192   1
    24²×192   ExtraDW     3  3   768   192   1
    24²×192   ExtraDW     3  5   768   192   1
    24²×192   ExtraDW     5  3   768   192   1
    24²×192   ExtraDW     5  3   768   192   1
    24²×192   ExtraDW     5  3   768   192   1
    24²×192   ExtraDW     5  3   768   192   1
    24²×192   ExtraDW     5  3   768   192   1
    24²×192   ConvNext    3  -   768   192   1
    24²×192   ExtraDW     5  5   768   512   2
    12²×512   ExtraDW     5  5   2048  512   1
    12²×512   ExtraDW     5  5   2048  512   1
    12²×512   ExtraDW     5  5   2048  512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   ExtraDW     5  3   2048  512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   ExtraDW     5  3   2048  512   1
    12²×512   ExtraDW     5  5   2048  512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   Conv2D      -  1   -     960   1
    12²×960   AvgPool     -  12  -     960   1
    1²×960    Conv2D      -  1   -     1280  1
    1²×1280   Conv2D      -  1   -     1000  1
""")
V4_TABLE15 = v4_blocks("""
    384²×3    Conv2D      -  3   -     24    2
    192²×24   FusedIB     -  3   96    48    2
    96²×48    ExtraDW     3  5   192   96    2
    48²×96    ExtraDW     3  3   384   96    1
    48²×96    ExtraDW     3  5   384   192   2
    24²×192   ExtraDW     3  3   768   192   1
    24²×192   ExtraDW     3  3   768   192   1
    24²×192   ExtraDW     3  3   768   192   1
    24²×192   ExtraDW     3  5   768   192   1
    24²×192   ExtraDW     5  3   768   192   1
    24²×192   ExtraDW     5  3   768   192   1
    24²×192   Mobile-MQA  -  -   -     192   1
    24²×192   ExtraDW     5  3   768   192   1
    24²×192   Mobile-MQA  -  -   -     192   1
    24²×192   ExtraDW     5  3   768   192   1
    24²×192   Mobile-MQA  -  -   -     192   1
    24²×192   ExtraDW     5  3   768   192   1
    24²×192   Mobile-MQA  -  -   -     192   1
    24²×192   ConvNext    3  -   768   192   1
    24²×192   ExtraDW     5  5   768   512   2
    12²×512   ExtraDW     5  5   2048  512   1
    12²×512   ExtraDW     5  5   2048  512   1
    12²×512   ExtraDW     5  5   2048  512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   ExtraDW     5  3   2048  512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   ExtraDW     5  3   2048  512   1
    12²×512   ExtraDW     5  5   2048  512   1
    12²×512   Mobile-MQA  -  -   -     512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   Mobile-MQA  -  -   -     512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   Mobile-MQA  -  -   -     512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   Mobile-MQA  -  -   -     512   1
    12²×512   ConvNext    5  -   2048  512   1
    12²×512   Conv2D      -  1   -     960   1
    12²×960   AvgPool     -  12  -     960   1
    1²×960    Conv2D      -  1   -     1280  1
    1²×1280   Conv2D      -  1   -     1000  1
""")

# Table 16, in 8 bits: where arithmetic becomes the limit, and how well two predictions sort the
# networks. Section 3: the ridge points between which a network should be good.
V4_TABLE16 = rows(
    Roofline,
    {
        "Pixel 6 CPU": (31.2, 0.973, 0.962),
        "Galaxy S23 CPU": (39.7, 0.962, 0.940),
        "Pixel 4 DSP": (347.3, 0.962, 0.758),
        "Pixel 8 EdgeTPU": (433.8, 0.973, 0.857),
    },
)
V4_RIDGE = {name: row.ridge for name, row in V4_TABLE16.items()}
V4_RIDGES = (0, 500)

# Table 17: Table 2's shared keys and values before the sums were put in another order. Its other
# rows are Table 2's. What the order changes, in per cent of what was added.
V4_TABLE17 = Attending(85.22, 6.5, 34.7, 7.00, 2.64, None)
V4_TABLE17_CHANGES = Attending(None, None, None, -68.4, -13.8, None)

# What the README of a repetition counts (d-li14/mobilenetv4.pytorch).
D_LI14_V4 = rows(
    Cost,
    {
        "conv_small": (306, 4.30),
        "conv_medium": (1080, 9.72),
        "conv_large": (6376, 32.59),
    },
)

# Zhang et al. 2018, Table 8: milliseconds on one core of a Snapdragon 820 at 224×224.
SHUFFLENET_TABLE8 = {"1.0 MobileNet-224": 110.0}

# 8 bits, top-1 on ImageNet in per cent. slim's README of V1 (floating point, then 8 bits);
# megabytes of torchvision's released files; Sheng et al. 2018 (arXiv 1803.08607), Table 1 and
# abstract.
SLIM_V1_UINT8 = Quantised(70.9, 69.7)
# EfficientNet-lite's README (tensorflow/tpu), the row of lite0; 8 bits after training.
LITE0_MACS, LITE0_PARAMS = 407, 4.7  # millions
TORCHVISION_INT8_MB = {"V2": 3.42, "V3-Large": 21.55}
SHENG = rows(Quantised, {"InceptionV3": (78.00, 76.92), "MobileNetV1": (70.50, 1.80)})
SHENG_MENDED = 68.03
SHENG_VARIANCE = 45.73  # section 2.3.1: dead channels get the others' mean variance
# After training, with PyTorch's PT2E and its quantiser for x86: pytorch/pytorch, issue 114859.
PT2E_V3 = Quantised(74.054, 73.512)
# EfficientNet-Lite0, after training: README of efficientnet/lite in tensorflow/tpu.
LITE0 = Quantised(75.1, 74.4)
# V2 by a repetition of Nagel et al. 2019: README of jakc4103/DFQ. In 32 bits, with ReLU for ReLU6,
# and in 8 bits per tensor, as it is and with ReLU and equalised.
DFQ_V2 = Equalised(71.81, 71.78, 0.1, 70.32)
# Krishnamoorthi 2018 (arXiv 1806.08342), Tables 3 and 4, in per cent.
KRISHNAMOORTHI = rows(
    Granularity,
    {
        "Mobilenet-v1_1_224": (70.9, 0.1, 59.1, 70.3, 70.0, 70.7),
        "Mobilenet-v2_1_224": (71.9, 0.1, 69.8, 69.7, 70.9, 71.1),
    },
)

# Howard et al. 2019, Table 6: SSDLite on COCO's test set, milliseconds; "halved" is the row with
# half the channels in the last stage.
V3_TABLE6 = rows(
    Detector,
    {
        "V1": (22.2, 228),
        "V2": (22.1, 162),
        "V3": (22.0, 137),
        "V3, halved": (22.0, 119),
    },
)

# Hu et al. 2018, section 4: milliseconds of ResNet-50 on a CPU, without and with the branch.
SE_RESNET50_MS = (164, 167)

# Xiong et al. 2021 (MobileDets, arXiv 2004.14525), abstract: mAP ahead of V2 on an EdgeTPU.
MOBILEDETS_LEAD = 3.7

# Hu et al. 2018 (squeeze-and-excite), per cent of errors on ImageNet. Table 3: V1 without it and
# with it. Table 16: ResNet-50 without, with gates from each place alone, with squeeze-and-excite.
SENET_TABLE3_V1 = (28.4, 25.3)
SENET_TABLE16 = {"none": 23.30, "NoSqueeze": 22.93, "SE": 22.28}

# Chollet 2017, Table 1: top-1 on ImageNet in per cent.
XCEPTION_TABLE1 = {"Inception V3": 78.2, "Xception": 79.0}

# Abstracts of Jaderberg et al. 2014 and Guo et al. 2018: how many times faster trained networks
# become without new training, at a loss below 1 %; the latter together with other methods.
JADERBERG_FASTER, GUO_FASTER = 4.5, 3.7


# ---------------------------------------------------------------- the family


class Phone(NamedTuple):
    """ImageNet top-1 in per cent, million FLOPs (one for a MAC), milliseconds on a phone."""

    top1: float
    macs: float
    ms: float


# Ma et al. 2024 (StarNet, arXiv 2403.19967). Table 6: an iPhone 13, with Core ML. Table 4: top-1
# of DemoNet with activations and without, its two branches added or multiplied.
STARNET_TABLE6 = rows(
    Phone,
    {
        "MobileOne-S0": (71.4, 275, 0.7),
        "StarNet-S1": (73.5, 425, 0.7),
        "V2": (72.0, 300, 0.9),
        "GhostNet": (73.9, 141, 7.9),
        "V3-Large": (75.2, 219, 11.4),
    },
)
# The same table on a Xeon E5-2680 v4: milliseconds.
STARNET_CPU = {"V2": 3.2, "GhostNet": 7.0}
STARNET_TABLE4 = {"sum": (66.2, 32.4), "star": (71.7, 70.5)}

# Vasu et al. 2023 (MobileOne, arXiv 2206.04040), section 3.3 with Table 6: points of top-1 that
# several equal branches bring MobileOne-S0.
MOBILEONE_BRANCHES = 0.5

# Wang et al. 2024 (RepViT, arXiv 2307.09283), section 3.2: V3-Large's milliseconds on an iPhone 12
# and top-1 before the depthwise layers move up and after, other things equal.
REPVIT_MOVED = {"before": (1.01, 71.5), "after": (0.81, 68.3)}
# The same section, with an expansion of 2 and more channels: top-1 and milliseconds with the
# depthwise layer in front and, V3's own block, in the middle.
REPVIT_WIDTHS = {"front": (73.5, 0.89), "middle": (73.0, 0.91)}

# Liu et al. 2022 (ConvNeXt, arXiv 2201.03545), section 2.5: top-1 with the depthwise layers inside
# the block, moved up, and then with filters of 7×7.
CONVNEXT_MOVED = (80.6, 79.9, 80.6)


# ---------------------------------------------------------------- which one, in 2026


class ByTimm(NamedTuple):
    """Top-1 in per cent, milliseconds on two CPUs of Intel: i7-12700H and i9-10940X."""

    top1: float
    i7: float | None
    i9: float | None


class Microcontroller(NamedTuple):
    """Million multiply-adds, kB of SRAM and of flash, top-1 in per cent in 8 bits."""

    macs: float
    sram: int
    flash: int
    top1: float


class Segmented(NamedTuple):
    """Mean IoU on Cityscapes in per cent, seconds for a picture of 1024×2048."""

    iou: float
    seconds: float


# timm, commit aa4b5850: results-imagenet.csv at the size of the second file, which is
# benchmark-infer-fp32-nchw-pt240-cpu-{i7_12700h,i9_10940x}-dynamo.csv (infer_step_time, batch 1).
# Pictures of 224×224, V4-Conv-M 256×256. A weight's name is its recipe.
TIMM = rows(
    ByTimm,
    {
        "mobilenetv3_small_100.lamb_in1k": (67.636, 2.654, 3.991),
        "mobilenetv4_conv_small.e2400_r224_in1k": (73.756, 3.996, 4.038),
        "mobilenetv1_100.ra4_e3600_r224_in1k": (75.388, 6.388, 4.013),
        "mobilenetv2_100.ra_in1k": (72.910, 6.591, 5.299),
        "mobilenetv3_large_100.ra4_e3600_r224_in1k": (76.310, 7.377, 5.659),
        "mobilenetv4_conv_medium.e500_r256_in1k": (79.916, 13.876, 9.116),
        "mobilenetv2_050.lamb_in1k": (65.928, 4.499, 4.205),
        "mobilenetv3_small_050.lamb_in1k": (57.918, 2.586, 3.207),
        "mobilenetv4_conv_small_050.e3000_r224_in1k": (64.778, None, None),
        "lcnet_050.ra2_in1k": (63.138, 2.725, 2.912),
    },
)

# MCUNet's README (mit-han-lab/mcunet, commit 0dedab5), all on an STM32F746 with TinyEngine:
# ImageNet, then Visual Wake Words.
MCUNET = rows(
    Microcontroller,
    {
        "mbv2-320kB": (23.5, 308, 862, 49.0),
        "mcunet-256kB": (67.3, 242, 878, 60.3),
        "mcunet-320kB": (81.8, 293, 897, 61.8),
        "mcunet-512kB": (125.9, 456, 1876, 68.0),
        "mcunet-10fps-vww": (6.0, 146, 617, 87.3),
    },
)

# MLPerf Tiny (mlcommons/tiny, commit 1afd2c98), visual wake words: the side of the picture, the
# accuracy to reach in per cent, the bytes of the file in 8 bits.
MLPERF_TINY = {"width": 0.25, "side": 96, "classes": 2, "target": 80, "bytes": 333_288}

# Chowdhery et al. 2019 (arXiv 1906.05721), abstract: kB, per cent.
WAKE_WORDS = {"kB": 250, "from": 85, "to": 90}

# TensorFlow 1 Detection Model Zoo (tf1_detection_zoo.md): COCO mAP, milliseconds on a Pixel 1, and
# in 8 bits on a Pixel 4's EdgeTPU.
TF1_ZOO = rows(
    Detector,
    {
        "ssd_mobiledet_cpu_coco": (24.0, 113),
        "ssd_mobilenet_v3_large_coco": (22.6, 119),
        "ssd_mobilenet_v3_small_coco": (15.4, 43),
    },
)
TF1_ZOO_EDGETPU = rows(
    Detector,
    {"ssd_mobiledet_edgetpu_coco": (25.6, 6.9), "ssd_mobilenet_edgetpu_coco": (24.3, 6.6)},
)

# Howard et al. 2019, Table 7, rows 4, 8 and 11: half the channels at the end, LR-ASPP with 128
# filters; a large core of a Pixel 3, in floating point. The accuracies are those of whole pictures
# ("our models directly take full-resolution inputs", caption of Table 8), so the times are "CPU
# (f)", not "CPU (h)".
V3_TABLE7 = rows(
    Segmented, {"V2": (72.74, 2.89), "V3-Large": (72.36, 2.47), "V3-Small": (68.38, 1.21)}
)

# Zheng 2025 (iFormer, arXiv 2501.15369), Table 3: an iPhone 13, with Core ML.
IFORMER_TABLE3 = rows(
    Phone,
    {
        "V2": (72.0, 300, 0.73),
        "V4-Conv-S": (73.8, 200, 0.60),
        "V3-Large": (75.2, 220, 0.76),
        "V4-Conv-M": (79.9, 1000, 1.08),
    },
)

# D-Robotics' rdk_model_zoo (commit 182b506f), samples/vision/mobilenetv4/README.md: timm's weights
# on an RDK X5, top-1 in per cent in floating point and in 8 bits.
RDK_X5 = {"V4-Conv-S": (70.8, 68.8), "V4-Conv-M": (76.8, 75.1)}

# Wang et al. 2025 (arXiv 2402.05981), abstract: how many times slower than without a browser, on
# phones.
BROWSER_SLOWER = {"CPU": 15.8, "GPU": 7.8}
# onnxruntime-web 1.30.0: ort-wasm-simd-threaded.wasm, bytes as it is and by gzip -9.
ONNX_WASM, ONNX_WASM_GZIP = 14_239_897, 3_659_955
