# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser (Chromium, no window), driven over its DevTools pipe: one message is JSON and a NUL.

with Browser(folder) as browser:
    page = browser.page(1280, 800)
    page.open(path)
    page.run("document.title")
    page.shot(picture)
"""

from __future__ import annotations

import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import time
import typing as t

__all__ = ["Browser", "Page", "PageError"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")

_PATIENCE = 60


class PageError(Exception):
    """The page's own script broke, or the browser refused a command."""


class Browser:
    """One process with a profile below ``folder``."""

    def __init__(self, folder: pathlib.Path) -> None:
        program = next((found for found in map(shutil.which, _NAMES) if found), None)
        if program is None:
            raise FileNotFoundError("there is no Chromium; tools/screenshots installs it")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [
            program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--mute-audio",
            "--hide-scrollbars", "--force-color-profile=srgb", f"--user-data-dir={folder / 'profile'}", "about:blank",
        ]  # fmt: skip
        # It reads from descriptor 3 and writes to 4; by way of high numbers, as ours may be 3 or 4.
        shell = f'exec 103<&{theirs_in} 104>&{theirs_out}; exec 3<&103 4>&104 103<&- 104>&-; exec "$@"'
        self._log = (folder / "browser.log").open("wb")
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "browser", *command],
            pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._number = 0
        self._buffer = b""
        self.events: list[dict[str, t.Any]] = []

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            self.command("Browser.close")
            self._process.wait(10)
        except (PageError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._log.close()

    def command(self, method: str, session: str | None = None, **parameters: t.Any) -> dict[str, t.Any]:
        """The browser's answer. Raises PageError."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._send(json.dumps(message).encode() + b"\0")
        while True:
            found = self.message()
            if found.get("id") == self._number:
                if "error" in found:
                    raise PageError(f"{method}: {found['error']['message']}")
                return t.cast("dict[str, t.Any]", found["result"])
            self.events.append(found)

    def _send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._out, data) :]

    def message(self) -> dict[str, t.Any]:
        """The next message, an answer or an event."""
        parts = [self._buffer]
        while b"\0" not in parts[-1]:
            if not select.select([self._in], [], [], _PATIENCE)[0]:
                raise PageError(f"the browser said nothing for {_PATIENCE} s")
            got = os.read(self._in, 1 << 20)
            if not got:
                raise PageError("the browser ended")
            parts.append(got)
        one, _nul, self._buffer = b"".join(parts).partition(b"\0")
        return t.cast("dict[str, t.Any]", json.loads(one))

    def page(self, width: int, height: int, *, dark: bool = False, phone: bool = False, script: bool = True) -> Page:
        """A new page of that size (CSS pixels)."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, script)
        page.command("Page.enable")
        page.command("Runtime.enable")
        page.command("Log.enable")
        page.command("Network.enable")
        page.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.command("Emulation.setEmulatedMedia", features=[scheme])
        page.command("Emulation.setScriptExecutionDisabled", value=not script)
        return page


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str, script: bool) -> None:
        self.browser = browser
        self.session = session
        self._script = script  # without it no promise is ever kept

    def command(self, method: str, **parameters: t.Any) -> dict[str, t.Any]:
        """A command to this tab."""
        return self.browser.command(method, self.session, **parameters)

    def close(self) -> None:
        """Close the tab."""
        self.command("Page.close")

    def open(self, path: pathlib.Path, fragment: str = "") -> float:
        """Open a file; the seconds until it was loaded and painted."""
        self.browser.events.clear()
        start = time.monotonic()
        self.command("Page.navigate", url=path.resolve().as_uri() + fragment)
        while not any(one.get("method") == "Page.loadEventFired" for one in self.browser.events):
            self.browser.events.append(self.browser.message())
        if self._script:
            self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
        return time.monotonic() - start

    def run(self, expression: str) -> t.Any:
        """The value of an expression of JavaScript; a promise is waited for. Raises PageError."""
        found = self.command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description") or details["text"])
        return found["result"].get("value")

    def key(self, name: str, text: str = "") -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            code = {"Enter": 13, "Escape": 27, "Tab": 9}.get(name, 0)
            sent = {"text": text or "\r"} if kind == "keyDown" and (text or name == "Enter") else {}
            self.command("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, **sent)

    def complaints(self) -> list[str]:
        """What the browser's console holds against the page: refused scripts, errors, requests."""
        self.run("1")
        found = []
        for one in self.browser.events:
            method, params = one.get("method"), one.get("params", {})
            if method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            elif method == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"].get("exception", {}).get("description", "an exception"))
            elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith("file:"):
                found.append(f"request: {params['request']['url'][:200]}")
        return found

    def shot(self, path: pathlib.Path, *, whole: bool = False) -> None:
        """A picture of what is seen, or of the whole page (of its first 6,000 pixels)."""
        more: dict[str, t.Any] = {}
        if whole:
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}
            more = {"captureBeyondViewport": True, "clip": clip}
        found = self.command("Page.captureScreenshot", format="png", **more)
        path.write_bytes(base64.b64decode(found["data"]))
