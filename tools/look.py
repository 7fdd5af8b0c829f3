"""How long the explorer `picture` lets a reader wait, and what it takes of their memory.

    .venv/bin/python -m tools.look              # or: chromium, firefox
    .venv/bin/python -m tools.look firefox 4    # at a quarter of the speed

opens the page of the built site, presses, hands in pictures, and prints medians: seconds from the
press to the first answer, from a picture to its answer, and of a processor meanwhile, which are the
same beside others that work; megabytes that are the tab's own. A slower device is this one, whose
tab is stopped for three quarters of each 40 ms: what a browser offers for that slows no worker.
"""

import json
import os
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.browsers import Firefox, serving
from tools.chromium import FLAGS, find_browser
from tools.notebooks import ROOT

SITE = ROOT / "_build" / "html"
PAGE = "chapters/appendix/picture.html"
ROUNDS = 3  # visits; each is a press and ten pictures
PICTURES = 10
BEAT = 0.04  # seconds: between two stops of a tab that is slowed down
TICK = os.sysconf("SC_CLK_TCK")

# Both wait until the page shows an answer with a photograph that was not there before.
BEGIN = """
const root = document.querySelector("#play-picture");
const photo = () => root.querySelector(".eye-photo").src;
const told = () => root.innerText.includes("Computed on this device");
const until = async (what) => {
  while (!what()) await new Promise((next) => setTimeout(next, 20));
};
await until(() => root.dataset.ready !== undefined);
"""
PRESS = f"""{BEGIN}
const start = performance.now();
root.querySelector("[data-act=load]").click();
await until(told);
return (performance.now() - start) / 1000;
"""
# A picture of noise and lines, as large and as hard to read as a photograph.
HAND_IN = f"""{BEGIN}
const [width, height, seed] = args;
const canvas = Object.assign(document.createElement("canvas"), {{ width, height }});
const context = canvas.getContext("2d");
for (let i = 0; i < 4000; i++) {{
  const random = (n) => ((Math.imul(seed * 4000 + i, 2654435761) >>> n) & 1023) / 1023;
  context.fillStyle = `hsl(${{360 * random(3)}} 80% ${{100 * random(9)}}%)`;
  context.fillRect(random(1) * width, random(13) * height, 0.1 * width, 0.1 * height);
}}
const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
canvas.width = canvas.height = 0;
const carrier = new DataTransfer();
carrier.items.add(new File([blob], "photo.jpg", {{ type: "image/jpeg" }}));
const input = root.querySelector("[data-file=file]");
await new Promise((next) => setTimeout(next, 500));
const before = photo();
const start = performance.now();
input.files = carrier.files;
input.dispatchEvent(new Event("change", {{ bubbles: true }}));
await until(() => photo() !== before);
return (performance.now() - start) / 1000;
"""


# ---------------------------------------------------------------- processes


def children(pid: int) -> list[int]:
    """All processes below one."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            status = (each / "stat").read_text(encoding="utf-8")
        except OSError:  # it has ended
            continue
        if int(status.rpartition(")")[2].split()[1]) == pid:
            found += [int(each.name), *children(int(each.name))]
    return found


def tabs(pid: int) -> list[int]:
    """The processes of a browser that run pages."""
    found = []
    for each in children(pid):
        try:
            words = Path(f"/proc/{each}/cmdline").read_bytes().decode().replace("\0", " ").split()
        except OSError:
            continue
        if "--type=renderer" in words or ("-contentproc" in words and "tab" in words):
            found.append(each)
    return found


def own_megabytes(pids: list[int]) -> float:
    """What belongs to these processes alone, and their share of what they have with others."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1000


def processor_seconds(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        try:
            fields = (
                Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            )
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def send(pids: list[int], what: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            continue


@contextmanager
def slowed(pids: list[int], times: float) -> Iterator[None]:
    """Processes that run only a share of the time."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.is_set():
            send(pids, signal.SIGSTOP)
            time.sleep(BEAT * (1 - 1 / times))
            send(pids, signal.SIGCONT)
            time.sleep(BEAT / times)

    thread = threading.Thread(target=beat)
    if times > 1:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if times > 1:
            thread.join()


# ---------------------------------------------------------------- browsers


class Chromium:
    """With the two methods of tests/browsers.py that are needed here."""

    def __init__(self):
        from playwright.sync_api import sync_playwright

        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        session = self.browser.new_browser_cdp_session()
        listed = session.send("SystemInfo.getProcessInfo")["processInfo"]
        (self.pid,) = (int(each["id"]) for each in listed if each["type"] == "browser")
        self.page = self.browser.new_page()

    def visit(self, url: str) -> None:
        self.page.goto(url)

    def run(self, body: str, *args):
        return self.page.evaluate(f"async (args) => {{{body}}}", list(args))

    def close(self) -> None:
        self.browser.close()
        self.playwright.stop()


class Fox(Firefox):
    visit = Firefox.open

    @property
    def pid(self) -> int:
        return self.process.pid


BROWSERS = {"chromium": Chromium, "firefox": Fox}


# ---------------------------------------------------------------- what is measured


def visit(kind: str, address: str, times: float) -> dict[str, list[float]]:
    """A press, ten pictures and a large photograph: [seconds, of a processor, megabytes] each."""
    browser = BROWSERS[kind]()
    try:
        browser.visit(address + PAGE)
        browser.run(BEGIN)
        time.sleep(1)
        pids = tabs(browser.pid)
        found = {"before the press": [0, 0, own_megabytes(pids)]}

        def step(name: str, job: Callable[[], float], keep: bool = True) -> None:
            spent = processor_seconds(pids)
            seconds = job()
            spent = processor_seconds(pids) - spent
            time.sleep(1)  # what is let go is let go
            found[name] = [seconds, spent, own_megabytes(pids)]

        with slowed(pids, times):
            step("the press", lambda: browser.run(PRESS))
            for number in range(PICTURES):
                step(f"picture {number + 1}", lambda n=number: browser.run(HAND_IN, 1200, 900, n))
            step("12 megapixels", lambda: browser.run(HAND_IN, 4000, 3000, 99))
        return found
    finally:
        browser.close()


def summed(visits: list[dict[str, list[float]]]) -> dict[str, list[float]]:
    """Medians; the ten pictures as one, whose memory is that behind the last."""

    def median(name: str, i: int) -> float:
        return statistics.median(each[name][i] for each in visits)

    names = [f"picture {n + 1}" for n in range(PICTURES)]
    found = {name: [median(name, i) for i in range(3)] for name in visits[0] if name not in names}
    times = [statistics.median(each[n][i] for each in visits for n in names) for i in range(2)]
    found["a picture"] = [*times, median(names[-1], 2)]
    return found


def main(kinds: list[str], times: float) -> None:
    with serving(SITE) as address:
        for kind in kinds:
            visits = [visit(kind, address, times) for _ in range(ROUNDS)]
            load = os.getloadavg()[0]
            print(f"{kind}, 1/{times:g} of the speed, {os.cpu_count()} cores, load {load:.1f}:")
            for name, (seconds, spent, megabytes) in summed(visits).items():
                times = f"{seconds:6.2f} s, {spent:6.2f} s of a processor"
                print(f"  {name:17} {times}, {megabytes:6.0f} MB")
            print(json.dumps(visits), file=sys.stderr)


if __name__ == "__main__":
    names = [each for each in sys.argv[1:] if each in BROWSERS]
    numbers = [float(each) for each in sys.argv[1:] if each not in BROWSERS]
    main(names or list(BROWSERS), numbers[0] if numbers else 1)
