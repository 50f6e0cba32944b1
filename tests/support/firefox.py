# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Firefox without a window, driven over Marionette (a length, a colon, JSON), with the pages that ``browser`` has.

with Firefox(folder) as browser:
    page = browser.page(1280, 800)
    page.open(path)
    page.run("document.title")
"""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import time
import typing as t

from .browser import PageError

__all__ = ["Firefox", "FirefoxPage"]

_NAMES = ("firefox-esr", "firefox")
_PATIENCE = 60
_KEYS = {
    "Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "ArrowLeft": "\ue012", "ArrowUp": "\ue013",
    "ArrowRight": "\ue014", "ArrowDown": "\ue015",
}  # fmt: skip
_PREFERENCES = {
    "marionette.port": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "app.update.enabled": False,
    "toolkit.cosmeticAnimations.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
}


class Firefox:
    """One process with a profile below ``folder``."""

    def __init__(self, folder: pathlib.Path) -> None:
        program = next((found for found in map(shutil.which, _NAMES) if found), None)
        if program is None:
            raise FileNotFoundError("there is no Firefox; tools/screenshots --firefox installs it")
        self._number = 0
        profile = folder / "profile"
        profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines) + "\n")
        self._log = (folder / "browser.log").open("wb")
        self._process = subprocess.Popen(
            [program, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", str(profile), "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        self._socket = self._connected(profile / "MarionetteActivePort")
        self._stream = self._socket.makefile("rb")
        self._message()
        self.command("WebDriver:NewSession", capabilities={"alwaysMatch": {"unhandledPromptBehavior": "ignore"}})

    def _connected(self, port: pathlib.Path) -> socket.socket:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                return socket.create_connection(("127.0.0.1", int(port.read_text())), timeout=_PATIENCE)
            time.sleep(0.1)
        raise PageError("Firefox has not started")

    def __enter__(self) -> Firefox:
        return self

    def __exit__(self, *_exception: object) -> None:
        with contextlib.suppress(PageError, OSError):
            self.command("Marionette:Quit", flags=["eForceQuit"])
        self._socket.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _message(self) -> t.Any:
        size = b""
        while not size.endswith(b":"):
            byte = self._stream.read(1)
            if not byte:
                raise PageError("the browser ended")
            size += byte
        return json.loads(self._stream.read(int(size[:-1])))

    def command(self, method: str, **parameters: t.Any) -> t.Any:
        """The browser's answer. Raises PageError."""
        self._number += 1
        data = json.dumps([0, self._number, method, parameters]).encode()
        self._socket.sendall(f"{len(data)}:".encode() + data)
        _kind, _number, error, found = self._message()
        if error is not None:
            raise PageError(f"{method}: {error['message']}")
        return found

    def inside(self, script: str) -> t.Any:
        """The value that a script of the browser itself returns."""
        self.command("Marionette:SetContext", value="chrome")
        try:
            return self.command("WebDriver:ExecuteScript", script=script, args=[], sandbox="system")["value"]
        finally:
            self.command("Marionette:SetContext", value="content")

    def page(
        self, width: int, height: int, *, dark: bool = False, phone: bool = False, script: bool = True
    ) -> FirefoxPage:
        """A new page of that size (CSS pixels). No window is as narrow as a phone, so the page of one is magnified."""
        self.inside(
            f"Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', {0 if dark else 1});"
            f"Services.prefs.setBoolPref('javascript.enabled', {json.dumps(script)});"
        )
        window = self.command("WebDriver:NewWindow", type="tab", focus=True)["handle"]
        self.command("WebDriver:SwitchToWindow", handle=window, focus=True)
        self.command("WebDriver:SetWindowRect", width=width, height=height + 90)
        return FirefoxPage(self, window, script, width if phone else None)


class FirefoxPage:
    """One tab, as a Page of ``browser`` is."""

    def __init__(self, browser: Firefox, window: str, script: bool, phone: int | None) -> None:
        self.browser = browser
        self._window = window
        self._script = script  # without it no promise is ever kept
        self._phone = phone  # as wide as this

    def close(self) -> None:
        """Close the tab."""
        self.browser.command("WebDriver:CloseWindow")
        self.browser.command(
            "WebDriver:SwitchToWindow", handle=self.browser.command("WebDriver:GetWindowHandles")[0], focus=True
        )

    def open(self, path: pathlib.Path, fragment: str = "") -> float:
        """Open a file; the seconds until it was loaded and painted."""
        self.browser.inside("Services.console.reset()")
        start = time.monotonic()
        self.browser.command("WebDriver:Navigate", url=path.resolve().as_uri() + fragment)
        if self._phone:
            selected = "Services.wm.getMostRecentWindow('navigator:browser').gBrowser.selectedBrowser"
            self.browser.inside(f"{selected}.browsingContext.fullZoom = {selected}.clientWidth / {self._phone}")
        if self._script:
            self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
        return time.monotonic() - start

    def run(self, expression: str) -> t.Any:
        """The value of an expression of JavaScript; a promise is waited for. Raises PageError."""
        script = f"return eval({json.dumps(expression)})"
        return self.browser.command("WebDriver:ExecuteScript", script=script, args=[])["value"]

    def key(self, name: str, text: str = "") -> None:
        """Press and release a key."""
        value = text or _KEYS[name]
        actions = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
        self.browser.command("WebDriver:PerformActions", actions=[{"type": "key", "id": "keys", "actions": actions}])

    def complaints(self) -> list[str]:
        """What the browser's console holds against the page: refused scripts and requests, errors."""
        found = self.browser.inside(
            "return Services.console.getMessageArray().filter(one => one instanceof Ci.nsIScriptError)"
            ".filter(one => /^file:|Content Security/.test(one.sourceName + one.category)).map(one => one.errorMessage)"
        )
        asked = self.run("performance.getEntriesByType('resource').map(one => one.name)") if self._script else []
        return [*found, *(f"request: {one[:200]}" for one in asked)]

    def shot(self, path: pathlib.Path, *, whole: bool = False) -> None:
        """A picture of what is seen, or of the whole page."""
        found = self.browser.command("WebDriver:TakeScreenshot", full=whole)["value"]
        path.write_bytes(base64.b64decode(found))
