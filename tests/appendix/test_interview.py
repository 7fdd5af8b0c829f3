"""The code in the interview questions is the notebooks'."""

import http.server
import io
import os
import re
import subprocess
import sys
import threading
from fractions import Fraction
from hashlib import sha256
from http.client import BadStatusLine, InvalidURL
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import safetensors.torch
import torch
from matplotlib.cbook import get_sample_data
from torch import nn
from torchvision.models import MobileNet_V2_Weights, MobileNet_V3_Large_Weights
from torchvision.models._utils import _make_divisible

from tests.book import ROOT, definitions
from tools import speed
from tools.counting import macs, params, v1, v2, v3


@pytest.mark.words
@pytest.mark.parametrize("shape", [(16, 24, 2, 6), (24, 24, 1, 6), (32, 16, 1, 1), (64, 96, 1, 6)])
def test_the_block_in_the_interview_questions_is_the_notebooks(shape):
    page = (ROOT / "chapters" / "appendix" / "interview.md").read_text()
    (source,) = re.findall(r"```python\n(def unit.*?)```", page, flags=re.DOTALL)
    namespace = {"nn": nn}
    exec(source, namespace)
    short, ours = namespace["InvertedResidual"](*shape), definitions("v2").InvertedResidual(*shape)
    torch.manual_seed(0)
    short.train()(torch.randn(4, shape[0], 14, 14))  # the norms get something to differ by
    values = zip(ours.state_dict(), short.state_dict().values(), strict=True)
    ours.load_state_dict(dict(values))
    x = torch.randn(2, shape[0], 14, 14)
    torch.testing.assert_close(short.eval()(x), ours.eval()(x), rtol=0, atol=0)


def test_v1_sees_a_window_of_315_pixels():
    """By the pixels that the gradient reaches, not by the formula of the page."""
    picture = torch.ones(1, 1, 512, 512, requires_grad=True)
    x, seen = picture, []
    for layer in v1().modules():
        if isinstance(layer, nn.Conv2d):
            ones = torch.ones(1, 1, *layer.kernel_size)
            x = nn.functional.conv2d(x, ones, stride=layer.stride)
            seen.append(layer.kernel_size[0])
    x[0, 0, 0, 0].backward()
    rows, columns = picture.grad[0, 0].nonzero(as_tuple=True)
    assert (len(rows.unique()), len(columns.unique())) == (315, 315)
    assert (rows.max() + 1, seen.count(3)) == (315, 14)
