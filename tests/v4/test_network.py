"""V4 as its users meet it: sizes, classes, errors, and the weights that are downloaded."""

import re

import pytest
import safetensors.torch
import timm
import torch
from timm.models.mobilenetv3 import _gen_mobilenet_v4
from torch import nn

from tests.book import ROOT, code_of, definitions
from tests.compared import calibrated, images
from tests.downloads import NOWHERE
from tests.pieces import assert_same_weights
from tools.counting import macs, on_meta, params, v4

# Written down once more, so that a change of the network and its pages together is noticed.
V4_PARAMS = {
    ("conv_small", 0.35): 1_905_384,
    ("conv_small", 0.5): 2_238_952,
    ("conv_small", 0.75): 2_933_912,
    ("conv_small", 1.0): 3_774_024,
    ("conv_small", 1.5): 5_897_080,
    ("conv_medium", 0.5): 3_803_488,
    ("conv_medium", 1.0): 9_715_512,
    ("conv_large", 0.5): 9_608_248,
    ("conv_large", 1.0): 32_590_864,
    ("hybrid_medium", 0.75): 7_313_528,
    ("hybrid_medium", 1.0): 11_074_648,
    ("hybrid_large", 0.75): 22_754_984,
    ("hybrid_large", 1.0): 37_764_624,
}
SIZES = {  # the first is that of the paper's Table 6
    "conv_small": (224, 96),
    "conv_medium": (256, 96),
    "conv_large": (384, 96),
    "hybrid_medium": (256, 97),
    "hybrid_large": (384, 97),
}
V4_MACS = {  # at these sizes; of the hybrids with attention's matrix products
    ("conv_small", 0.35): (47_723_040, 10_161_440),
    ("conv_small", 0.5): (64_741_408, 13_437_728),
    ("conv_small", 0.75): (116_793_392, 23_249_072),
    ("conv_small", 1.0): (186_005_568, 36_212_288),
    ("conv_small", 1.5): (403_005_536, 76_570_976),
    ("conv_medium", 0.5): (410_279_936, 59_323_616),
    ("conv_medium", 1.0): (1_080_244_224, 154_065_344),
    ("conv_large", 0.5): (1_806_350_336, 114_672_896),
    ("conv_large", 1.0): (6_376_220_672, 400_865_792),
    ("hybrid_medium", 0.75): (857_932_800, 164_296_176),
    ("hybrid_medium", 1.0): (1_271_183_360, 252_066_896),
    ("hybrid_large", 0.75): (4_767_518_720, 441_935_312),
    ("hybrid_large", 1.0): (7_711_877_120, 739_434_744),
}
VARIANTS = list(SIZES)
WITHOUT_PRODUCTS = {  # what the convolutions and the classifier take, at the first size
    "hybrid_medium": 1_229_240_320,
    "hybrid_large": 7_372_138_496,
}


@pytest.mark.parametrize(("variant", "width"), V4_PARAMS)
def test_v4_has_the_known_size_and_cost_as_timms(variant, width):
    ours = v4(variant, width_mult=width)
    reference = on_meta(_gen_mobilenet_v4, f"mobilenetv4_{variant}", width)
    assert params(ours) == params(reference) == V4_PARAMS[variant, width]
    for size, known in zip(SIZES[variant], V4_MACS[variant, width], strict=True):
        assert macs(ours, 3, size, size) == known
    assert macs(reference, 3, size, size) == known


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_layers_of_v4_have_its_macs_but_for_attentions_products(variant):
    size = SIZES[variant][0]
    costs = definitions("v4").layer_costs(v4(variant), 3, size, size)
    of_all = WITHOUT_PRODUCTS.get(variant, V4_MACS[variant, 1.0][0])
    assert sum(cost.macs for cost in costs) == of_all


def narrow(variant: str, classes: int = 10) -> nn.Module:
    return definitions("v4").MobileNetV4(variant, num_classes=classes, width_mult=0.25).eval()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("classes", [1, 10])
def test_v4_takes_any_image_and_any_number_of_classes(variant, classes):
    network = narrow(variant, classes)
    with torch.no_grad():
        for size in ((224, 224), (96, 96), (33, 33), (97, 64), (1, 1)):
            assert network(torch.randn(2, 3, *size)).shape == (2, classes)


@pytest.mark.parametrize("wrong", ["small", "Conv_Small", "conv-small", None])
def test_v4_says_which_variants_there_are(wrong):
    allowed = "'conv_small' or 'conv_medium' or 'conv_large' or 'hybrid_medium' or 'hybrid_large'"
    message = re.escape(f"variant must be {allowed}, not {wrong!r}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        definitions("v4").MobileNetV4(wrong)


@pytest.mark.parametrize("variant", ["conv_small", "hybrid_medium"])
def test_v4_has_the_settings_of_timm_that_no_checkpoint_holds(variant):
    def settings(network: nn.Module) -> list:
        norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        return [(m.eps, m.momentum) for m in norms]

    reference = settings(on_meta(timm.create_model, f"mobilenetv4_{variant}"))
    assert settings(v4(variant)) == reference
    for wrong in ("eps=1e-3", "momentum=0.01"):
        right = "nn.BatchNorm2d(out_channels)"
        broken = definitions("v4", right, right.replace(")", f", {wrong})")).MobileNetV4
        assert settings(on_meta(broken, variant)) != reference


def test_a_layer_scale_of_v4_begins_where_timms_does():
    def starts(network: nn.Module) -> list[tuple[float, ...]]:
        found = [p for name, p in network.named_parameters() if name.endswith("gamma")]
        return [tuple(gamma.tolist()) for gamma in found]

    for variant in ("hybrid_medium", "hybrid_large"):
        reference = starts(_gen_mobilenet_v4(f"mobilenetv4_{variant}", 0.25))
        assert reference and starts(narrow(variant)) == reference


# ---------------------------------------------------------------- timm's weights


@pytest.mark.parametrize("variant", VARIANTS)
def test_v4_finds_its_layers_in_timm_by_name(variant):
    """So thin that most layers have one shape: the outputs tell two that are exchanged."""
    notebook = definitions("v4")
    reference = notebook.turn_up(_gen_mobilenet_v4(f"mobilenetv4_{variant}", 0.01, num_classes=10))
    reference, build = calibrated(reference, 3, 96), notebook.MobileNetV4
    ours, other = (build(variant, 10, 0.01).double().eval() for _ in range(2))
    weights = reference.state_dict()
    places = notebook.timm_places(ours)
    notebook.load_by_name(ours, dict(reversed(weights.items())), places)
    notebook.load_in_order(other, weights)
    assert_same_weights(ours, other)
    x = images(2, 3, 97)
    with torch.no_grad():
        expected = reference(x)
        torch.testing.assert_close(ours(x), expected, rtol=1e-10, atol=1e-10)
    assert (expected[0] - expected[1]).abs().max() > 0.01, "the reference is blind"


TRAINED = "mobilenetv4_conv_small.e2400_r224_in1k"


def test_v4_loads_what_it_downloads(hub):
    """A file stands in for the download; the path from there to the outputs is the real one."""
    notebook = definitions("v4")
    torch.manual_seed(0)
    stand_in = notebook.randomise(timm.create_model("mobilenetv4_conv_small"))
    hub.files["model.safetensors"] = safetensors.torch.save(stand_in.state_dict())
    network, reference = notebook.MobileNetV4().eval(), notebook.trained_by_timm(TRAINED)
    hub.connect(NOWHERE)  # the second time it comes from the cache
    weights = notebook.trained_by_timm(TRAINED).state_dict()
    notebook.load_by_name(network, weights, notebook.timm_places(network))
    image = notebook.photograph()[:, :, :224, :224]
    with torch.no_grad():
        assert reference(image).std() > 0.1, "the stand-in is blind"
        torch.testing.assert_close(network(image), stand_in(image), rtol=0, atol=0)
        torch.testing.assert_close(network(image), reference(image), rtol=0, atol=0)


def test_the_weights_that_v4_asks_for_are_known_to_timm():
    cells = code_of(ROOT / "chapters" / "v4" / "mobilenet_v4.ipynb")
    assert any(f'name = "{TRAINED}"' in cell.source for cell in cells)
    assert timm.get_pretrained_cfg(TRAINED).hf_hub_id == f"timm/{TRAINED}"


def test_v4_refuses_another_network():
    notebook = definitions("v4")
    network = narrow("conv_small")
    other = _gen_mobilenet_v4("mobilenetv4_conv_medium", 0.25, num_classes=10).state_dict()
    with pytest.raises(ValueError, match="^[0-9]+ missing, first 'blocks"):
        notebook.load_by_name(network, other, notebook.timm_places(network))
