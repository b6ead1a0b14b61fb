#!/usr/bin/env python3
"""browser REPORT_PAGE - the HTML report in a real browser (Chromium).

Runs browser.mjs on the page of a made-up report with odd data.  Screenshots
go to BUILD/screenshots.
"""
import os
import shutil
import subprocess
import sys
import tempfile

from told import skip_all

ROOT = os.environ["PINLINE_ROOT"]
NODE = os.path.join(os.environ.get("PINLINE_CACHE", ROOT + "/.cache"), "node")


def main():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        skip_all("chromium is not installed; tools/setup test")
    if not os.path.isdir(NODE + "/node_modules/playwright-core"):
        skip_all("playwright-core is not installed; tools/get-test-deps")
    shots = os.path.join(os.environ["PINLINE_BUILD"], "screenshots")
    os.makedirs(shots, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = os.path.join(folder, "report.html")
        subprocess.run([sys.argv[1], page], check=True)
        env = dict(os.environ, NODE_FOLDER=NODE, CHROMIUM=chromium)
        done = subprocess.run(["node", os.path.join(ROOT, "tests/e2e/browser.mjs"),
                               page, shots], env=env, check=False)
    sys.exit(done.returncode)


main()
