"""Say in one line what to do where the book's packages can't be installed; any Python 3 runs this.

PyTorch, ExecuTorch and ONNX Runtime are compiled for certain systems and Pythons, and pip's own
words for "not for this one" come late and don't say so.
"""

import platform
import sys

OLDEST, NEWEST = (3, 11), (3, 14)  # every pinned package has a wheel for these
READ = "The site and Colab need no installation."


def obstacle(python, system, machine, macos=""):
    """Why the packages can't be installed and what to do; "" where they can.

    `python` is (3, 11) or the like, the others are what `platform` says.

    >>> obstacle((3, 13), "Linux", "aarch64")
    ''
    >>> obstacle((3, 15), "Linux", "x86_64")
    'Python 3.11 to 3.14 is needed, this is 3.15: make PYTHON=/path/to/python3.13 book'
    """
    if system == "Windows" and machine.lower() == "arm64":
        return "PyTorch has no packages for Windows on Arm: use WSL. " + READ
    if system == "Darwin" and machine != "arm64":
        return "PyTorch has no packages for macOS on Intel. " + READ
    if system == "Darwin" and int(macos.partition(".")[0] or 0) < 14:
        return f"PyTorch needs macOS 14 or newer, this is {macos}. {READ}"
    if not OLDEST <= python[:2] <= NEWEST:
        first, last, this = (".".join(map(str, each[:2])) for each in (OLDEST, NEWEST, python))
        mend = "make PYTHON=/path/to/python3.13 book"
        return f"Python {first} to {last} is needed, this is {this}: {mend}"
    return ""


if __name__ == "__main__":
    release = platform.mac_ver()[0]
    why = obstacle(sys.version_info, platform.system(), platform.machine(), release)
    sys.exit(why or None)
