"""Let the explorer "Your device" measure this machine, and hand its result in.

    .venv/bin/python -m tools.measured "what this machine is"

presses the button on the page of the built site, in a headless Chromium, saves the file as a
reader does, and puts it into `chapters/device/devices.json`: in the place of an earlier row of the
same name, or else as the last. It wants a machine that does nothing else.
"""

import json
import sys

from playwright.sync_api import sync_playwright

from tools.chromium import FLAGS, find_browser
from tools.notebooks import ROOT

FILE = ROOT / "chapters" / "device" / "devices.json"
PAGE = ROOT / "_build" / "html" / "chapters" / "device" / "index.html"
PATIENCE = 300_000  # milliseconds


def measured(name: str) -> dict:
    """What the explorer saves."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        page = chromium.new_page()
        page.goto(PAGE.as_uri())
        page.locator("#play-measure[data-ready]").wait_for(state="attached")
        page.get_by_role("button", name="Measure this device").click()
        page.get_by_role("button", name="Measure again").wait_for(timeout=PATIENCE)
        page.get_by_label("Name of your device").fill(name)
        with page.expect_download() as saving:
            page.get_by_role("button", name="Save yours as a file").click()
        text = saving.value.path().read_text(encoding="utf-8")
        chromium.close()
    return json.loads(text)


def hand_in(result: dict) -> None:
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    names = [each["device"] for each in rows]
    if result["device"] in names:
        rows[names.index(result["device"])] = result
    else:
        rows.append(result)
    FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    hand_in(measured(sys.argv[1]))
