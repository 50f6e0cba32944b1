# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an advice tells a person to write: whoever writes it is in that mode, with every app."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import known_apps, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError, Descriptor, Form
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import interpret
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.render import render
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.spelled import (
    example,
    mode_spelled,
    verification_spelled,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings

PORTS = {"implicit_tls": 465, "starttls": 587, "opportunistic": 587, "cleartext": 25}
FORMS = [(app, form) for name in known_apps() for app in [load_descriptor(name)] for form in app.forms.values()]


def written(app: Descriptor, form: Form, mode: str, **more: t.Any) -> dict[t.Any, t.Any] | None:
    wanted = Settings(
        "smtp.example.com", PORTS[mode], mode, username="app", password="p", sender="a@example.com", **more
    )
    try:
        return dict(render(app, form, wanted).values)
    except AppError:
        return None


def changed(form: Form, values: dict[t.Any, t.Any], told: str) -> dict[t.Any, t.Any]:
    """The values with what a person was told to write."""
    after = dict(values)
    for one in told.partition(" (which is")[0].split(" and "):
        if one.startswith("no "):
            path = next(path for path in form.managed if ".".join(path) == one[3:])
            after.pop(path, None)
            continue
        path = max(
            (path for path in form.managed if one.startswith(".".join(path))), key=lambda path: len(".".join(path))
        )
        text = one[len(".".join(path)) :].lstrip(":= ").replace("USER", "app").replace("PASSWORD", "p")
        native = {"true": True, "false": False, "''": ""}.get(text, text)
        typed = isinstance(values.get(path), bool) or (
            path not in values and isinstance(native, bool) and not form.texts
        )
        after[path] = native if typed else "" if text == "''" else text or "true"
    return after


@pytest.mark.parametrize("app, form", FORMS, ids=[f"{app.id}-{form.kind}" for app, form in FORMS])
def test_whoever_writes_it_is_in_that_mode(app: Descriptor, form: Form) -> None:
    for old, new in itertools.permutations(PORTS, 2):
        values = written(app, form, old)
        if values is None or new not in ("implicit_tls", "starttls"):
            continue
        before = interpret(app, form, values)
        told = mode_spelled(app, form, before.settings, new)
        if not told:
            continue
        after = changed(form, values, told)
        for path, value in (written(app, form, new) or {}).items():
            if any("port" in key.names for key in form.keys if key.path == path):
                after.setdefault(path, value)
                if ".".join(path) not in told:
                    after[path] = value  # the advice says the port, too
        assert interpret(app, form, after).security == app.security[new].means, (old, new, told)


@pytest.mark.parametrize("app, form", FORMS, ids=[f"{app.id}-{form.kind}" for app, form in FORMS])
def test_whoever_writes_it_verifies(app: Descriptor, form: Form) -> None:
    for mode in ("implicit_tls", "starttls"):
        values = written(app, form, mode, validate_certs=False)
        if values is None:
            continue
        before = interpret(app, form, values)
        told = verification_spelled(app, form, before.settings)
        if before.settings.get("validate_certs") is not False or not told:
            continue
        assert interpret(app, form, changed(form, values, told)).settings.get("validate_certs") is not False, told


@pytest.mark.parametrize(
    "app, kind, key, shown",
    [
        ("grafana", "file", ("smtp", "host"), "smtp.example.com:465"),
        ("symfony", "environment", ("MAILER_DSN",), "smtps://USER:PASSWORD@smtp.example.com:465?verify_peer=1"),
        ("authelia", "file", ("notifier", "smtp", "address"), "submissions://smtp.example.com:465"),
        ("nullmailer", "file", ("nothing",), ""),
    ],
)
def test_an_example_of_a_key_that_holds_several_settings(app: str, kind: str, key: tuple[str, ...], shown: str) -> None:
    descriptor = load_descriptor(app)
    assert example(descriptor, descriptor.form(kind), key) == shown


def test_a_mode_that_the_app_has_not_is_said_to_be_another() -> None:
    n8n = load_descriptor("n8n")
    told = mode_spelled(
        n8n, n8n.form("environment"), {"port": 587, "security": "implicit_tls", "host": "h"}, "starttls"
    )
    assert told.startswith("N8N_SMTP_SSL=false") and told.endswith("(which is opportunistic there)")
    nullmailer = load_descriptor("nullmailer")
    assert (
        mode_spelled(nullmailer, nullmailer.form("file"), {"port": 25, "security": "cleartext"}, "opportunistic") == ""
    )
