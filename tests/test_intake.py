"""The reader's own picture: what the network gets of it is what the notebook would give it, in each
browser, and what cannot be taken is refused with a sentence.
"""

import base64
import io
import json
import os
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image

import explorers
from extension.settings import node_binary
from tests.book import definitions
from tests.browsers import Firefox, WebKit, started
from tools.chromium import FLAGS, find_browser

INTAKE = explorers.FOLDER / "picture" / "intake.js"
PAGE = f"""<!doctype html><meta charset="utf-8"><title>intake</title>
<div id="root"><p id="inner">here</p></div><input id="field"><input type="range" id="slider">
<script>{INTAKE.read_text(encoding="utf-8")}</script>"""


def in_node(script: str, tmp_path, **arrays: np.ndarray):
    """What a script of `intake` and of arrays, each as a Buffer, gives; numbers as base64."""
    for name, each in arrays.items():
        (tmp_path / name).write_bytes(each.tobytes())
        path = json.dumps(str(tmp_path / name))
        script = f"const {name} = require('fs').readFileSync({path});{script}"
    script = f"require({str(INTAKE)!r}); const {{ intake }} = explorers; {script}"
    return subprocess.run([node_binary(), "--eval", script], capture_output=True, check=True).stdout


# ---------------------------------------------------------------- pictures

EXACT = 1e-6  # 32 bits round by less than that


def photo(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Smooth colours with noise on them, and edges: (height, width, 3), bytes."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 7, 3), dtype=np.uint8))
    pixels = np.array(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    pixels += random.integers(-40, 41, pixels.shape)
    pixels[height // 3 : height // 2, width // 3 : width // 2] = [255, 0, 255]
    return pixels.clip(0, 255).astype(np.uint8)


def saved(image, form: str, **options) -> bytes:
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def as_tensor(image) -> torch.Tensor:
    """(H, W, 3) or a picture -> (3, H, W) from 0 to 1, in 64 bits."""
    if isinstance(image, Image.Image):
        image = image.convert("RGB")
    return torch.tensor(np.array(image)).permute(2, 0, 1).double() / 255


def expected(image) -> torch.Tensor:
    """What the notebook gives the network of a picture: (3, 224, 224)."""
    return definitions("trained").square(as_tensor(image))


def numbers(text: str, side: int = 224) -> torch.Tensor:
    """Numbers from a page, in base64, as PyTorch has them: (3, side, side)."""
    found = np.frombuffer(base64.b64decode(text), np.float32).copy()
    return torch.tensor(found).reshape(side, side, 3).permute(2, 0, 1)


# ---------------------------------------------------------------- the filter


SIDES = [40, 97, 223, 224, 225, 448, 500, 777, 896, 900]


def filtered(pixels: np.ndarray, to: int, tmp_path) -> torch.Tensor:
    """(side, side, 3), bytes -> (3, to, to)."""
    side = len(pixels)
    rgba = np.dstack([pixels, np.zeros((side, side), np.uint8)])
    script = f"process.stdout.write(Buffer.from(intake.resized(rgba, {side}, {to}).buffer))"
    return numbers(base64.b64encode(in_node(script, tmp_path, rgba=rgba)).decode(), to)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("to", [224, 64])
def test_the_filter_is_pytorchs(side, to, tmp_path):
    """On black and white noise, which it exaggerates most: it must be clamped as well."""
    pixels = np.random.default_rng(side).choice(np.array([0, 255], np.uint8), (side, side, 3))
    wanted = definitions("trained").resized(as_tensor(pixels), to)
    error = float((filtered(pixels, to, tmp_path) - wanted).abs().max())
    print(f"{side} to {to}: {error:.1e}")
    assert error < EXACT


@pytest.mark.parametrize("side", SIDES)
def test_the_filter_is_pytorchs_in_32_bits(side, tmp_path):
    """As the notebook computes: there a pixel's place is rounded as well."""
    pixels = photo(side, side)
    wanted = definitions("trained").resized(as_tensor(pixels).float(), 224)
    error = float((filtered(pixels, 224, tmp_path) - wanted).abs().max())
    print(f"{side}: {error:.1e}")
    assert error < 1e-5


def test_the_filter_takes_the_networks_side_if_none_is_given(tmp_path):
    rgba = np.zeros((50, 50, 4), np.uint8)
    found = in_node("console.log(intake.resized(rgba, 50).length)", tmp_path, rgba=rgba)
    assert int(found) == 224 * 224 * 3


# ---------------------------------------------------------------- the square


@pytest.mark.parametrize(
    "size, choice, square",
    [
        ((300, 200), {}, [50, 0, 200]),
        ((200, 301), {}, [0, 50, 200]),
        ((300, 200), {"zoom": 2}, [100, 50, 100]),
        ((300, 200), {"zoom": 3}, [116, 66, 67]),
        ((300, 200), {"across": 0}, [0, 0, 200]),
        ((300, 200), {"across": 1}, [100, 0, 200]),
        ((300, 200), {"zoom": 2, "across": 1, "down": 1}, [200, 100, 100]),
        ((300, 200), {"zoom": 2, "across": 0.25, "down": 0}, [50, 0, 100]),
        ((300, 200), {"zoom": 0.5, "across": 7, "down": -1}, [100, 0, 200]),
        ((40, 40), {"zoom": 1000}, [19, 19, 1]),
    ],
)
def test_the_square_is_inside_and_moves(size, choice, square, tmp_path):
    picture = json.dumps(dict(zip(("width", "height"), size, strict=True)))
    script = f"console.log(JSON.stringify(intake.crop({picture}, {json.dumps(choice)})))"
    found = json.loads(in_node(script, tmp_path))
    assert [found["x"], found["y"], found["edge"]] == square


# ---------------------------------------------------------------- the files

RGB = photo(300, 200)
FRAMES = [Image.new("RGB", (64, 48), colour) for colour in ("red", "lime", "blue")]
SVG = '<svg xmlns="http://www.w3.org/2000/svg"{}><rect width="64" height="48" fill="red"/>{}</svg>'


def clear() -> Image.Image:
    """Three bands: clear, half, whole. Below what is clear there are colours, which do not show."""
    alpha = np.repeat(np.array([0, 128, 255], np.uint8), 100)
    return Image.fromarray(np.dstack([RGB, np.broadcast_to(alpha, (200, 300))]))


def on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def deep() -> np.ndarray:
    """A grey ramp in 16 bits."""
    return np.tile(np.linspace(0, 65535, 300).astype(np.uint16), (200, 1))


def read(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file)).convert("RGB")


def shown() -> dict[str, tuple]:
    """By its name: a file, what it shows, and how far from that a number may be."""
    image = Image.fromarray(RGB)
    grey, palette = image.convert("L"), image.quantize(64)
    ramp = (deep() >> 8).astype(np.uint8)
    moving = saved(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:], duration=20)
    found = {
        "colours.png": (saved(image, "PNG"), image, EXACT),
        "grey.png": (saved(grey, "PNG"), grey, EXACT),
        "palette.png": (saved(palette, "PNG"), palette, EXACT),
        "one-bit.png": (saved(grey.convert("1"), "PNG"), grey.convert("1"), EXACT),
        "colours.bmp": (saved(image, "BMP"), image, EXACT),
        "palette.gif": (saved(palette, "GIF"), palette, EXACT),
        "exact.webp": (saved(image, "WEBP", lossless=True), image, EXACT),
        "moving.gif": (moving, FRAMES[0], EXACT),
        "drawn.svg": (SVG.format(' width="64" height="48"', "").encode(), FRAMES[0], EXACT),
        # Rounded to 8 bits, or where two colours become one.
        "deep.png": (saved(deep(), "PNG"), Image.fromarray(ramp), 1.5 / 255),
        "clear.png": (saved(clear(), "PNG"), on_white(clear()), 1.5 / 255),
    }
    # Lossy: Pillow's decoder is another one, or another version.
    for name, file in {
        "colours.jpg": saved(image, "JPEG", quality=90),
        "colours.webp": saved(image, "WEBP", quality=90),
        "cmyk.jpg": saved(image.convert("CMYK"), "JPEG", quality=95),
    }.items():
        found[name] = file, read(file), 4 / 255
    return found


SHOWN = shown()

STORED = {  # how a picture lies in its file, for a viewer to turn it upright
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def upright() -> Image.Image:
    """120×80, with a colour of its own in each corner."""
    image = Image.new("RGB", (120, 80))
    for colour, x, y in (("red", 0, 0), ("lime", 60, 0), ("blue", 0, 40), ("white", 60, 40)):
        image.paste(colour, (x, y, x + 60, y + 40))
    return image


def turned(orientation: int) -> bytes:
    image, exif = upright(), Image.Exif()
    if STORED[orientation] is not None:
        image = image.transpose(STORED[orientation])
    exif[0x0112] = orientation
    return saved(image, "JPEG", quality=95, subsampling=0, exif=exif)


IN_ALL = "can be read in every browser."
REFUSED = {
    "dot.png": (
        saved(np.zeros((1, 1, 3), np.uint8), "PNG"),
        "“dot.png” has 1×1 pixels; at least 32 a side are needed.",
    ),
    "thin.png": (
        saved(photo(31, 200), "PNG"),
        "“thin.png” has 31×200 pixels; at least 32 a side are needed.",
    ),
    "poster.png": (
        saved(Image.new("1", (12_000, 9_000)), "PNG"),
        "“poster.png” has 12,000×9,000 pixels, 108 million in all; at most 50 million are taken. "
        "Make it smaller, or cut a part out.",
    ),
    "empty.jpg": (b"", "“empty.jpg” is empty. Choose another file."),
    "words.jpg": (
        b"These are words. " * 40,
        "“words.jpg” is not a picture that this browser can read. Save it as JPEG or PNG: JPEG, "
        f"PNG, WebP and GIF {IN_ALL}",
    ),
    "phone.heic": (
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400),
        "“phone.heic” is in HEIC, which this browser cannot read. Save it as JPEG or PNG: JPEG, "
        f"PNG, WebP and GIF {IN_ALL}",
    ),
    "scan.tiff": (saved(RGB, "TIFF"), "“scan.tiff” is in TIFF, which this browser cannot read."),
    "paper.pdf": (saved(RGB, "PDF"), "“paper.pdf” is in PDF, which this browser cannot read."),
    "ghost.png": (
        saved(Image.new("RGBA", (64, 64)), "PNG"),
        "“ghost.png” could not be decoded. It may be damaged, or too large for this device.",
    ),
    "free.svg": (
        SVG.format("", "").encode(),
        "“free.svg” is an SVG without a size. Give its <svg> a width and a height in pixels, or "
        "save it as PNG.",
    ),
    "share.svg": (
        SVG.format(' width="100%" height="40"', "").encode(),
        "“share.svg” is an SVG without a size.",
    ),
    "box.svg": (
        SVG.format(' viewBox="0 0 60 40" width="60"', "").encode(),
        "“box.svg” is an SVG without a size.",
    ),
}

# ---------------------------------------------------------------- as a browser shows them

TYPES = {"jpg": "image/jpeg", "svg": "image/svg+xml", "pdf": "application/pdf"}

# Open a file, and return what the network gets of a square of it, or why it was refused; whether it
# was decoded, and how many addresses and bitmaps were not given back.
OPEN = """
  const [title, type, base64, choice] = args;
  const { intake } = explorers;
  const bytes = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
  const addresses = new Set();
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (file) => {
    const address = createObjectURL.call(URL, file);
    addresses.add(address);
    return address;
  };
  URL.revokeObjectURL = (address) => {
    addresses.delete(address);
    revokeObjectURL.call(URL, address);
  };
  const { decode } = HTMLImageElement.prototype;
  let decoded = false;
  HTMLImageElement.prototype.decode = function () {
    decoded = true;
    return decode.call(this);
  };
  const { createImageBitmap } = globalThis;
  const bitmaps = [];
  globalThis.createImageBitmap = async (...all) => {
    decoded = true;
    bitmaps.push(await createImageBitmap(...all));
    return bitmaps.at(-1);
  };
  const kept = () => addresses.size + bitmaps.filter((each) => each.width > 0).length;
  const base64Of = (numbers) => {
    let text = "";
    for (const each of new Uint8Array(numbers.buffer)) text += String.fromCharCode(each);
    return btoa(text);
  };
  try {
    const picture = await intake.open(new File([bytes], title, { type }));
    const { width, height, note } = picture;
    const square = intake.crop(picture, choice);
    const numbers = intake.pixels(picture, square);
    const [pixels, thumbnail] = [base64Of(numbers), intake.thumbnail(numbers)];
    picture.close();
    const { name } = picture;
    return { name, size: [width, height], note, pixels, thumbnail, kept: kept() };
  } catch (error) {
    if (!(error instanceof intake.Refused)) throw error;
    return { refused: error.message, decoded, kept: kept() };
  } finally {
    Object.assign(URL, { createObjectURL, revokeObjectURL });
    HTMLImageElement.prototype.decode = decode;
    globalThis.createImageBitmap = createImageBitmap;
  }
"""


def arguments(name: str, file: bytes, **choice) -> list:
    ending = name.rpartition(".")[2]
    return [name, TYPES.get(ending, f"image/{ending}"), base64.b64encode(file).decode(), choice]


def in_time(body: str) -> str:
    """An asynchronous function of `args`; what never answers is a failure, and no endless test."""
    late = 'setTimeout(() => reject(new Error("no answer in a minute")), 60000)'
    return f"""(args) => Promise.race([
      (async () => {{{body}}})(), new Promise((_, reject) => {late})])"""


@pytest.fixture(scope="module")
def window(browser):
    """For all visits: a new one costs more than what it is opened for."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def page(window, served):
    """A bare page with the script, in Chromium; it may ask for nothing else."""
    files, address = served
    files["intake.html"] = PAGE.encode()
    asked = []
    window.goto(f"{address}/intake.html")  # what an earlier test changed there is gone

    def note(request) -> None:
        asked.append(request.url)

    window.on("request", note)
    yield window
    window.remove_listener("request", note)
    assert [each for each in asked if not each.startswith(("data:", "blob:"))] == []


@pytest.fixture
def chromium(page):
    return lambda body, *args: page.evaluate(in_time(body), args)


@pytest.fixture(scope="module", params=[Firefox, WebKit])
def other(request):
    yield from started(request.param)


@pytest.fixture
def others(other, served):
    files, address = served
    files["intake.html"] = PAGE.encode()
    other.open(f"{address}/intake.html")
    return other.run


every = pytest.mark.skipif(
    not os.environ.get("EVERY_BROWSER"), reason="set EVERY_BROWSER=1 for others"
)


def check_shown(run, name: str) -> None:
    file, image, tolerance = SHOWN[name]
    found = run(OPEN, *arguments(name, file))
    assert found.get("refused") is None
    assert (found["name"], found["size"]) == (name, list(image.size))
    assert found["note"] == "" and found["kept"] == 0
    error = (numbers(found["pixels"]) - expected(image)).abs()
    print(f"{name}: at most {float(error.max()):.1e}, on average {float(error.mean()):.1e}")
    assert error.max() <= tolerance and error.mean() <= tolerance / 4
    check_thumbnail(found)


def check_thumbnail(found: dict) -> None:
    """What is shown is what the network gets, but for what JPEG loses."""
    kind, _, data = found["thumbnail"].partition(",")
    assert kind == "data:image/jpeg;base64"
    shown = as_tensor(read(base64.b64decode(data)))
    assert shown.shape == (3, 224, 224)
    error = (shown - numbers(found["pixels"])).abs().mean()
    print(f"thumbnail: on average {float(error):.1e}")
    assert error < 0.05


def check_turned(run, orientation: int) -> None:
    """Each corner's colour stands where it stood, whichever way the file has it."""
    for across, down, colour in ((0, 0, "red"), (1, 0, "lime"), (0, 1, "blue"), (1, 1, "white")):
        choice = {"zoom": 4, "across": across, "down": down}
        found = run(OPEN, *arguments("turned.jpg", turned(orientation), **choice))
        assert found["size"] == [120, 80]
        wanted = as_tensor(Image.new("RGB", (1, 1), colour))
        assert (numbers(found["pixels"]) - wanted).abs().max() < 0.03, colour


def check_refused(run, name: str) -> None:
    file, sentence = REFUSED[name]
    found = run(OPEN, *arguments(name, file))
    assert found["refused"].startswith(sentence) and found["kept"] == 0
    assert found["refused"].endswith(".")
    if name in ("dot.png", "thin.png", "poster.png"):
        assert not found["decoded"]


@pytest.mark.parametrize("name", SHOWN)
def test_chromium_gives_the_network_what_the_notebook_would(chromium, name):
    check_shown(chromium, name)


@pytest.mark.parametrize("orientation", STORED)
def test_a_photograph_stands_upright(chromium, orientation):
    check_turned(chromium, orientation)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_is_refused_with_a_sentence(chromium, name):
    """And what is too large or too small before it is decoded."""
    check_refused(chromium, name)


@every
@pytest.mark.parametrize("name", SHOWN)
def test_other_browsers_give_the_network_what_the_notebook_would(others, name):
    check_shown(others, name)


@every
@pytest.mark.parametrize("orientation", STORED)
def test_a_photograph_stands_upright_in_other_browsers(others, orientation):
    check_turned(others, orientation)


@every
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_is_refused_in_other_browsers(others, name):
    check_refused(others, name)


# ---------------------------------------------------------------- opening


# `of(name, ending, base64)` is a file; `told(promise)` is what became of opening it.
HELPERS = """
  const { intake } = explorers;
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
  const of = ([name, type, base64]) => new File([bytesOf(base64)], name, { type });
  const told = (promise) => promise.then(
    ({ width, height, name, note }) => ({ size: [width, height], name, note }),
    (error) => ({ failed: error.name, message: error.message }),
  );
"""
PNG = arguments("colours.png", saved(RGB, "PNG"))
OTHER = arguments("other.png", saved(photo(50, 40), "PNG"))


def opened(run, expression: str, *args):
    """What became of opening something, with the files `given`."""
    return run(f"{HELPERS} const given = args; return told(intake.open({expression}));", *args)


def test_a_large_square_is_read_in_strips(chromium):
    """And is as exact: the canvas makes nothing smaller."""
    image = photo(1500, 1100)
    found = chromium(OPEN, *arguments("wide.png", saved(image, "PNG", compress_level=1)))
    assert (numbers(found["pixels"]) - expected(image)).abs().max() < EXACT


def test_a_square_is_where_it_was_chosen(chromium):
    choice = {"zoom": 2.5, "across": 0.7, "down": 0.2}
    found = chromium(OPEN, *arguments("colours.png", saved(RGB, "PNG"), **choice))
    cut = RGB[24:104, 154:234]  # 80 pixels a side: 0.7 of 220, 0.2 of 120
    assert (numbers(found["pixels"]) - expected(cut)).abs().max() < EXACT


def test_of_several_files_the_first_is_taken(chromium):
    found = opened(chromium, "given.map(of)", OTHER, PNG)
    note = "These were 2 files: “other.png”, the first, was taken."
    assert found == {"size": [50, 40], "name": "other.png", "note": note}
    found = opened(chromium, "given.map(of)", OTHER)
    assert found == {"size": [50, 40], "name": "other.png", "note": ""}


def test_nothing_is_refused(chromium):
    found = opened(chromium, "[]")
    assert found["failed"] == "Refused" and found["message"].startswith(
        "There was no file in that. "
    )


def test_a_file_without_a_name_is_the_picture(chromium):
    found = opened(chromium, "new Blob([bytesOf(given[0][2])], { type: 'image/png' })", PNG)
    assert found == {"size": [300, 200], "name": "", "note": ""}
    found = opened(chromium, "new Blob(['words'], { type: 'image/png' })")
    assert found["message"].startswith("This file is not a picture that this browser can read.")


def test_a_folder_is_refused(chromium):
    """Browsers hand it out as a file that cannot be read."""
    folder = "Object.assign(new File(['x'], 'holidays'), { slice() { throw new Error(); } })"
    found = opened(chromium, folder)
    sentence = "“holidays” could not be read. If it is a folder, choose a picture in it."
    assert found == {"failed": "Refused", "message": sentence}


def test_a_sample_is_opened_and_no_other_address(chromium):
    found = opened(chromium, "`data:image/png;base64,${given[0][2]}`", PNG)
    assert found["size"] == [300, 200]
    found = opened(chromium, "'https://example.org/picture.png'")
    assert found["failed"] == "TypeError"


def test_opening_can_be_given_up(chromium):
    """Before it begins, and while the browser reads: then nothing is decoded any more."""
    body = f"""{HELPERS}
      const {{ decode }} = HTMLImageElement.prototype;
      const {{ createObjectURL }} = URL;
      let decoded = 0;
      HTMLImageElement.prototype.decode = function () {{
        decoded += 1;
        return decode.call(this);
      }};
      const before = AbortSignal.abort();
      const [during, late] = [new AbortController(), new AbortController()];
      const start = (signal) => told(intake.open(of(args[0]), signal));
      const sample = `data:image/png;base64,${{args[0][2]}}`;
      const all = [start(before), told(intake.open(sample, before)), start(during.signal)];
      during.abort();
      const early = await Promise.all(all);
      URL.createObjectURL = (file) => {{
        queueMicrotask(() => late.abort());
        return createObjectURL.call(URL, file);
      }};
      try {{
        const last = await start(late.signal);
        return [[...early, last].map((each) => each.failed), decoded];
      }} finally {{
        URL.createObjectURL = createObjectURL;
        HTMLImageElement.prototype.decode = decode;
      }}"""
    assert chromium(body, PNG) == [["AbortError"] * 4, 0]


def test_what_is_given_up_while_it_is_decoded_is_let_go(chromium):
    """A bitmap holds its memory until it is closed."""
    body = f"""{HELPERS}
      const {{ createImageBitmap }} = globalThis;
      const during = new AbortController();
      let bitmap;
      globalThis.createImageBitmap = async (image) => {{
        bitmap = await createImageBitmap(image);
        during.abort();
        return bitmap;
      }};
      try {{
        return [(await told(intake.open(of(args[0]), during.signal))).failed, bitmap.width];
      }} finally {{
        globalThis.createImageBitmap = createImageBitmap;
      }}"""
    assert chromium(body, PNG) == ["AbortError", 0]


def test_a_picture_that_was_closed_is_not_drawn(chromium):
    """And its memory is free: a bitmap that is closed has no width."""
    body = f"""{HELPERS}
      const {{ createImageBitmap }} = globalThis;
      let bitmap;
      globalThis.createImageBitmap = async (image) => (bitmap = await createImageBitmap(image));
      const picture = await intake.open(of(args[0]));
      globalThis.createImageBitmap = createImageBitmap;
      picture.close();
      try {{
        intake.pixels(picture, {{ x: 0, y: 0, edge: 50 }});
      }} catch (error) {{
        return [error.message, bitmap.width];
      }}"""
    assert chromium(body, PNG) == ["This picture was closed.", 0]


def check_cut_off(run) -> None:
    """Chromium and WebKit refuse it; Firefox shows what there is, and white behind it."""
    whole = saved(RGB, "JPEG", quality=90)
    found = run(OPEN, *arguments("cut.jpg", whole[: len(whole) // 2]))
    if found.get("refused"):
        assert found["refused"] == REFUSED["ghost.png"][1].replace("ghost.png", "cut.jpg")
        return
    pixels, wanted = numbers(found["pixels"]), expected(read(whole))
    assert (pixels[:, :60] - wanted[:, :60]).abs().mean() < 0.01
    assert (pixels[:, -40:] == 1).all()


def test_a_photograph_that_was_cut_off(chromium):
    check_cut_off(chromium)


@every
def test_a_photograph_that_was_cut_off_in_other_browsers(others):
    check_cut_off(others)


def test_a_photograph_of_which_nothing_can_be_decoded_is_refused(chromium):
    found = chromium(OPEN, *arguments("head.png", saved(RGB, "PNG")[:60]))
    assert found["refused"] == REFUSED["ghost.png"][1].replace("ghost", "head")


def test_a_drawing_that_a_page_may_not_read_is_refused(chromium):
    inner = '<foreignObject width="9" height="9"><p xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>'
    drawing = SVG.format(' width="64" height="48"', inner).encode()
    found = chromium(OPEN, *arguments("page.svg", drawing))
    assert (
        found["refused"] == "“page.svg” holds parts that a page may not read. Save it as PNG first."
    )


@pytest.mark.parametrize("noise, taken", [(8, True), (255, False)])
def test_a_browser_that_hands_out_noise_is_told(chromium, noise, taken):
    """A little of it, against tracking, is no reason to give up."""
    body = f"""{HELPERS}
      const {{ getImageData }} = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.getImageData = function (...all) {{
        const image = getImageData.apply(this, all);
        image.data.forEach((each, i) => {{
          if (i % 4 < 3) image.data[i] = (each + ((i * 37) % args[1])) % 256;
        }});
        return image;
      }};
      try {{
        return await told(intake.open(of(args[0])));
      }} finally {{
        CanvasRenderingContext2D.prototype.getImageData = getImageData;
      }}"""
    found = chromium(body, PNG, noise)
    assert (found.get("size") == [300, 200]) == taken
    assert taken or found["message"].startswith("This browser does not let a page read pictures:")


# ---------------------------------------------------------------- dropped and pasted

# Send an event with files to an element, after `listen` on #root; what arrived, and what the page
# did with the event.
SEND = """
  const root = document.querySelector("#root");
  const heard = [];
  const end = explorers.intake.listen(root, (files) => heard.push(files.map((each) => each.name)));
  const filled = (names) => {
    const transfer = new DataTransfer();
    for (const name of names) {
      const type = name.endsWith("png") ? "image/png" : "text/plain";
      if (name.includes(".")) transfer.items.add(new File(["x"], name, { type }));
      else transfer.setData(type, name);
    }
    return transfer;
  };
  const send = (to, kind, names, more = {}) => {
    const own = { bubbles: true, cancelable: true, ...more };
    const event = kind === "paste"
      ? new ClipboardEvent(kind, { clipboardData: filled(names), ...own })
      : new DragEvent(kind, { dataTransfer: filled(names), ...own });
    document.querySelector(to).dispatchEvent(event);
    return [event.defaultPrevented, root.classList.contains("is-over")];
  };
"""


def sent(run, script: str):
    return run(f"{SEND} try {{ {script} }} finally {{ end(); }}")


def test_a_file_is_dropped(chromium):
    """Over an element in it, too; then what hovers has gone."""
    steps = sent(
        chromium,
        """const inner = document.querySelector("#inner");
        const steps = [send("#root", "dragenter", ["a.png"])];
        steps.push(send("#inner", "dragover", ["a.png"]));
        steps.push(send("#root", "dragleave", ["a.png"], { relatedTarget: inner }));
        steps.push(send("#root", "dragleave", ["a.png"], { relatedTarget: document.body }));
        steps.push(send("#inner", "dragover", ["a.png"]));
        steps.push(send("#inner", "drop", ["a.png", "b.txt"]));
        return [steps, heard];""",
    )
    over, gone = [True, True], [False, False]
    assert steps == [[over, over, [False, True], gone, over, [True, False]], [["a.png", "b.txt"]]]


def test_words_are_not_taken_when_they_are_dropped(chromium):
    """They are the browser's, and the class does not stay."""
    found = sent(
        chromium,
        """root.classList.add("is-over");
        return [send("#root", "dragover", ["words"]), send("#root", "drop", ["words"]), heard];""",
    )
    assert found == [[False, True], [False, False], []]


def test_what_is_dropped_elsewhere_is_not_heard(chromium):
    assert sent(chromium, 'return [send("body", "drop", ["a.png"]), heard];') == [
        [False, False],
        [],
    ]


def test_a_picture_is_pasted(chromium):
    """Of a copy that has words as well, the picture; words alone are not taken."""
    found = sent(
        chromium,
        """const done = [["a.png"], ["words", "a.png"], ["words"], ["a.txt"]];
        return [done.map((names) => send("body", "paste", names)[0]), heard];""",
    )
    assert found == [[True, True, False, False], [["a.png"], ["a.png"]]]


def test_a_text_field_keeps_what_is_pasted(chromium):
    """A slider that has the focus does not."""
    found = sent(
        chromium,
        """const field = document.createElement("div");
        field.contentEditable = true;
        const area = document.createElement("textarea");
        root.append(field, area);
        const done = ["#field", "#slider", "#root div", "#root textarea"].map((each) => {
          document.querySelector(each).focus();
          return send(each, "paste", ["a.png"])[0];
        });
        field.remove();
        area.remove();
        return [done, heard];""",
    )
    assert found == [[False, True, False, False], [["a.png"]]]


def test_listening_ends(chromium):
    found = sent(
        chromium,
        """root.classList.add("is-over");
        end();
        const over = root.classList.contains("is-over");
        const kinds = ["dragenter", "dragover", "drop", "paste"];
        return [over, kinds.map((kind) => send("#root", kind, ["a.png"])), heard];""",
    )
    assert found == [False, [[False, False]] * 4, []]


# ---------------------------------------------------------------- the camera


@pytest.fixture(scope="module")
def camera_page(browser):
    """A browser with a camera that shows a test picture, and that says yes at once."""
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    other = browser.browser_type.launch(executable_path=find_browser(), args=[*FLAGS, *flags])
    yield other.new_page()
    other.close()


@pytest.fixture
def filming(camera_page, served):
    files, address = served
    files["intake.html"] = PAGE.encode()
    camera_page.goto(f"{address}/intake.html")
    return lambda body: camera_page.evaluate(in_time(f"{HELPERS}{FILM}{body}"))


# What was asked for, and the tracks that were given.
FILM = """
  const wanted = [], tracks = [];
  const media = navigator.mediaDevices;
  const getUserMedia = MediaDevices.prototype.getUserMedia;
  if (media) media.getUserMedia = async (what) => {
    wanted.push(what);
    const stream = await getUserMedia.call(media, what);
    tracks.push(...stream.getTracks());
    return stream;
  };
  const states = () => tracks.map((each) => each.readyState);
  const hide = () => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
    delete document.hidden;
  };
"""


def test_the_camera_starts_and_its_tracks_end(filming):
    found = filming("""
      const camera = intake.camera();
      const video = await camera.start();
      const { videoWidth, videoHeight, isConnected } = video;
      const picture = await intake.open(video);
      const first = intake.pixels(picture, intake.crop(picture, {}));
      const before = states();
      camera.stop();
      const again = intake.pixels(picture, intake.crop(picture, {}));
      const colours = new Set(first.map((each) => Math.round(9 * each)));
      const still = again.every((each, i) => each === first[i]);
      const size = [picture.width, picture.height];
      return {
        available: camera.available, wanted, before, after: states(), size, isConnected, still,
        own: [videoWidth, videoHeight], colours: colours.size,
      };
    """)
    assert found["available"] and found["wanted"] == [
        {"video": {"facingMode": "environment"}, "audio": False}
    ]
    assert found["before"] == ["live"] and found["after"] == ["ended"]
    assert found["size"] == found["own"] and min(found["own"]) >= 32
    assert found["colours"] > 3 and found["still"] and not found["isConnected"]


def test_the_camera_ends_when_the_page_is_hidden(filming):
    found = filming("""
      let times = 0;
      const camera = intake.camera(() => times++);
      await camera.start();
      document.dispatchEvent(new Event("visibilitychange")); // it is in view
      const before = [...states(), times];
      hide();
      const after = [...states(), times];
      hide(); // nothing runs any more
      await camera.start();
      camera.stop();
      return [before, after, times, states()];
    """)
    assert found == [["live", 0], ["ended", 1], 1, ["ended", "ended"]]


def test_a_camera_that_is_pulled_out_is_told(filming):
    found = filming("""
      let times = 0;
      const camera = intake.camera(() => times++);
      await camera.start();
      tracks[0].dispatchEvent(new Event("ended"));
      return [times, states()];
    """)
    assert found == [1, ["ended"]]


def test_a_camera_that_is_stopped_while_it_starts_ends(filming):
    """By stop(), by another start(), by a page that is hidden: before the stream, and behind it."""
    found = filming("""
      const camera = intake.camera();
      const first = told(camera.start());
      camera.stop();
      const second = told(camera.start());
      hide();
      const third = told(camera.start());
      const video = await camera.start();
      const early = await Promise.all([first, second, third]);
      const states1 = states();
      const play = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = function () { camera.stop(); return play.call(this); };
      const late = await told(camera.start());
      HTMLMediaElement.prototype.play = () => Promise.reject(new Error("no"));
      const failed = await told(camera.start());
      HTMLMediaElement.prototype.play = play;
      return { early, late, failed, states1, states2: states() };
    """)
    closed = "The camera was closed before it showed a picture. You can choose a file instead."
    assert [each["message"] for each in (*found["early"], found["late"])] == [closed] * 4
    assert found["failed"]["message"] == "The camera did not start. You can choose a file instead."
    assert sorted(found["states1"]) == ["ended", "ended", "ended", "live"]
    assert found["states2"] == ["ended"] * 6


def test_a_camera_without_a_picture_yet_is_refused(filming):
    found = filming("return told(intake.open(document.createElement('video')));")
    assert found["message"].startswith("The camera has not sent a picture yet.")


WHY = {
    "NotAllowedError": "The camera was not allowed. ",
    "SecurityError": "The camera is switched off for this page, ",
    "NotFoundError": "No camera was found on this device. ",
    "NotReadableError": "The camera cannot be used now: ",
    "SomeError": "The camera did not start. ",
}


@pytest.mark.parametrize("name", WHY)
def test_why_a_camera_does_not_start_is_said(chromium, name):
    found = chromium(
        f"""{HELPERS}
        const error = new DOMException("", args[0]);
        navigator.mediaDevices.getUserMedia = () => Promise.reject(error);
        return told(intake.camera().start());""",
        name,
    )
    assert found["failed"] == "Refused" and found["message"].startswith(WHY[name])
    assert found["message"].endswith(". You can choose a file instead.")


def test_a_camera_that_is_denied_says_so(browser, served):
    """By the browser itself, whose answer is no."""
    files, address = served
    files["intake.html"] = PAGE.encode()
    flags = ["--use-fake-device-for-media-stream", "--deny-permission-prompts"]
    other = browser.browser_type.launch(executable_path=find_browser(), args=[*FLAGS, *flags])
    page = other.new_page()
    page.goto(f"{address}/intake.html")
    found = page.evaluate(f"() => {{{HELPERS} return told(intake.camera().start()); }}")
    other.close()
    assert found["failed"] == "Refused" and found["message"].startswith(WHY["NotAllowedError"])


def test_a_page_without_https_has_no_camera(browser):
    page = browser.new_page()
    page.route(
        "http://book.test/", lambda route: route.fulfill(body=PAGE, content_type="text/html")
    )
    page.goto("http://book.test/")
    body = f"{HELPERS} const camera = intake.camera();"
    found = page.evaluate(
        f"async () => {{{body} return [camera.available, await told(camera.start())]; }}"
    )
    page.close()
    sentence = "A browser gives the camera only to pages whose address begins with https. "
    assert found[0] is False and found[1]["message"].startswith(sentence)
