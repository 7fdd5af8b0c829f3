"""For every test, and for the notebooks and scripts that tests start."""

import os

# Several tests run side by side. Each with PyTorch's usual threads, one for each core, they wait
# for one another: a notebook of 15 seconds took six minutes. Set before torch is imported.
os.environ["OMP_NUM_THREADS"] = "1"

# What is compared here is computed on the CPU, also on a machine with a GPU.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
