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
