# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends with the mail clients of Python apps: reads an app's file or environment as the app reads it, and hands the same
settings to the same client. Takes jobs as one JSON array on standard input, and prints one line of JSON for each.

With do: "parse" it only prints what the parser finds in the files.
"""

from __future__ import annotations

import json
import os
import runpy
import smtplib
import ssl
import sys
import tomllib
import types
import typing as t
from collections.abc import Callable
from email.message import EmailMessage

Jobs = dict[str, t.Any]
FALSE_OF_PAPERLESS = ("n", "no", "f", "false", "off", "0", "")


def environment(job: Jobs) -> dict[str, str]:
    """What the app's process has in its environment."""
    if "env" in job:
        return dict(job["env"])
    import dotenv

    return {name: value or "" for name, value in dotenv.dotenv_values(job["file"]).items()}


def as_yaml(job: Jobs) -> t.Any:
    import yaml

    with open(job["file"], encoding="utf-8") as file:
        return yaml.safe_load(file)


# Django and the apps that are built on it: each gives the names of Django's settings


def django_file(job: Jobs) -> Jobs:
    return {name: value for name, value in runpy.run_path(job["file"]).items() if name.isupper()}


def django_environment(job: Jobs) -> Jobs:
    url = environment(job)["EMAIL_URL"]
    if job["client"] == "dj_email_url":
        import dj_email_url

        found = dj_email_url.parse(url)
    else:
        import environ

        found = environ.Env.email_url_config(environ.urlparse(url))
    return {name: value for name, value in found.items() if name.isupper() and not name.startswith("EMAIL_BACKEND")}


def authentik(job: Jobs) -> Jobs:
    env = environment(job)
    prefix = "AUTHENTIK_EMAIL__"
    return {
        "EMAIL_HOST": env[prefix + "HOST"],
        "EMAIL_PORT": int(env.get(prefix + "PORT", "25")),
        "EMAIL_HOST_USER": env.get(prefix + "USERNAME", ""),
        "EMAIL_HOST_PASSWORD": env.get(prefix + "PASSWORD", ""),
        "EMAIL_USE_TLS": env.get(prefix + "USE_TLS", "false").lower() == "true",
        "EMAIL_USE_SSL": env.get(prefix + "USE_SSL", "false").lower() == "true",
        "EMAIL_TIMEOUT": int(env.get(prefix + "TIMEOUT", "10")),
    }


def healthchecks(job: Jobs) -> Jobs:
    env = environment(job)

    def flag(name: str, default: str) -> bool:
        value = env.get(name, default)
        if value not in ("", "True", "False"):
            raise ValueError(f"{name} is neither True nor False")
        return value == "True"

    return {
        "EMAIL_HOST": env.get("EMAIL_HOST", ""),
        "EMAIL_PORT": int(env.get("EMAIL_PORT", "587")),
        "EMAIL_HOST_USER": env.get("EMAIL_HOST_USER", ""),
        "EMAIL_HOST_PASSWORD": env.get("EMAIL_HOST_PASSWORD", ""),
        "EMAIL_USE_TLS": flag("EMAIL_USE_TLS", "True"),
        "EMAIL_USE_SSL": flag("EMAIL_USE_SSL", "False"),
    }


def paperless(job: Jobs) -> Jobs:
    env = environment(job)
    prefix = "PAPERLESS_EMAIL_"
    flags = {name: env.get(prefix + name, "no").lower() not in FALSE_OF_PAPERLESS for name in ("USE_TLS", "USE_SSL")}
    return {
        "EMAIL_HOST": env.get(prefix + "HOST", "localhost"),
        "EMAIL_PORT": int(env.get(prefix + "PORT", "25")),
        "EMAIL_HOST_USER": env.get(prefix + "HOST_USER", ""),
        "EMAIL_HOST_PASSWORD": env.get(prefix + "HOST_PASSWORD", ""),
        "EMAIL_USE_TLS": flags["USE_TLS"],
        "EMAIL_USE_SSL": flags["USE_SSL"],
    }


def sentry(job: Jobs) -> Jobs:
    options = as_yaml(job)
    return {
        "EMAIL_HOST": options["mail.host"],
        "EMAIL_PORT": options.get("mail.port", 25),
        "EMAIL_HOST_USER": options.get("mail.username", ""),
        "EMAIL_HOST_PASSWORD": options.get("mail.password", ""),
        "EMAIL_USE_TLS": options.get("mail.use-tls", False),
        "EMAIL_USE_SSL": options.get("mail.use-ssl", False),
        "EMAIL_TIMEOUT": options.get("mail.timeout", 10),
    }


DJANGO: dict[str, Callable[[Jobs], Jobs]] = {
    "django file": django_file,
    "django environment": django_environment,
    "authentik environment": authentik,
    "healthchecks environment": healthchecks,
    "paperless environment": paperless,
    "sentry file": sentry,
}


def with_django(job: Jobs) -> None:
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure()
        django.setup()
    from django.core.mail import send_mail
    from django.test.utils import override_settings

    backend = "django.core.mail.backends.smtp.EmailBackend"
    found = {**DJANGO[f"{job['app']} {job['form']}"](job), "EMAIL_BACKEND": backend}
    # Without one of its own Django waits for ever, and the other jobs with it.
    found["EMAIL_TIMEOUT"] = found.get("EMAIL_TIMEOUT") or 5
    with override_settings(**found):
        send_mail(job["subject"], "test", job["from"], [job["to"]])


# Others


def with_homeassistant(job: Jobs) -> None:
    config = next(one for one in as_yaml(job)["notify"] if one["platform"] == "smtp")
    context = ssl.create_default_context() if config.get("verify_ssl", True) else ssl._create_unverified_context()
    if config.get("encryption", "starttls") == "tls":
        mail: smtplib.SMTP = smtplib.SMTP_SSL(config["server"], config["port"], timeout=5, context=context)
    else:
        mail = smtplib.SMTP(config["server"], config["port"], timeout=5)
    mail.ehlo_or_helo_if_needed()
    if config.get("encryption", "starttls") == "starttls":
        mail.starttls(context=context)
        mail.ehlo()
    if config.get("username") and config.get("password"):
        mail.login(config["username"], config["password"])
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = job["subject"], config["sender"], job["to"]
    message.set_content("test")
    mail.sendmail(config["sender"], job["to"], message.as_string())
    mail.quit()


def with_synapse(job: Jobs) -> t.Any:
    """Synapse's own reader of its section and its own sender; the homeserver around them is not started."""
    from synapse.config.emailconfig import EmailConfig
    from synapse.handlers.send_email import SendEmailHandler
    from twisted.internet import reactor

    config = EmailConfig(types.SimpleNamespace(server=types.SimpleNamespace(public_baseurl="https://example.org/")))
    try:
        config.read_config(as_yaml(job))
    except AttributeError:
        pass  # what comes behind the settings of the relay: templates and public addresses
    server = types.SimpleNamespace(config=types.SimpleNamespace(email=config), get_reactor=lambda: reactor)
    handler = SendEmailHandler(t.cast(t.Any, server))
    return handler.send_email(job["to"], job["subject"], "app", "<p>test</p>", "test")


def all_of_synapse(jobs: list[Jobs]) -> None:
    """One reactor for all at once: four seconds, as Synapse itself has no timeout."""
    from twisted.internet import defer, reactor

    waiting: dict[str, Jobs] = {job["id"]: job for job in jobs}

    def tell(job: Jobs, error: BaseException | None = None) -> None:
        if waiting.pop(job["id"], None):
            answer(job, error)
        if not waiting:
            reactor.stop()

    def begin(job: Jobs) -> None:
        try:
            sending = defer.ensureDeferred(with_synapse(job))
        except Exception as error:
            tell(job, error)
            return
        sending.addCallbacks(lambda _none: tell(job), lambda failure: tell(job, failure.value))
        reactor.callLater(4, tell, job, TimeoutError("nothing came back"))

    for job in jobs:
        reactor.callWhenRunning(begin, job)
    reactor.run()


PARSERS: dict[str, Callable[[str], t.Any]] = {
    "python": lambda path: environment({"file": path}),
    "assignments": lambda path: django_file({"file": path}),
    # A date is shown as its text.
    "toml": lambda path: json.loads(json.dumps(tomllib.load(open(path, "rb")), default=str)),
    "pyyaml": lambda path: as_yaml({"file": path}),
}


def answer(job: Jobs, error: BaseException | None = None, values: t.Any = None) -> None:
    text = {"ok": error is None, **({"error": f"{type(error).__name__}: {error}"} if error else {})}
    print(json.dumps({"id": job["id"], **text, **({"values": values} if values is not None else {})}), flush=True)


def main() -> None:
    jobs = json.load(sys.stdin)
    if jobs and jobs[0].get("client") == "synapse":
        all_of_synapse(jobs)
        return
    for job in jobs:
        try:
            if job["do"] == "parse":
                answer(job, values=PARSERS[job["dialect"]](job["file"]))
                continue
            if job["client"] == "homeassistant":
                with_homeassistant(job)
            else:
                with_django(job)
            answer(job)
        except Exception as error:
            answer(job, error)


os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
main()
