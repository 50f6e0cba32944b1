# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A template of an app and the settings give the section's text and its values.

Every expression of a template passes through the format's quoting (Jinja's ``finalize``), so a
template cannot forget it: a password with quotes, braces, ``#`` or line breaks arrives as it is.
"""

from __future__ import annotations

import typing as t

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, Descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_edit import quote
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings

__all__ = ("Rendered", "render")

_NAMES = (
    "host", "port", "secure", "security", "validate_certs", "ca_path", "server_name", "username", "password", "auth_mechanism",
    "sender", "sender_name", "helo_name", "source_address", "ip_version", "timeout",
)


class Rendered(t.NamedTuple):
    """``text`` is the section with its own key, ``values`` what is in it."""

    text: str
    values: dict[str, t.Any]


def render(descriptor: Descriptor, settings: Settings) -> Rendered:
    """Fill the app's template. Raises AppError when the template or what it gives is wrong."""
    what = f"The template of {descriptor.id}"
    environment = SandboxedEnvironment(
        undefined=StrictUndefined, finalize=_finalize, autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )
    context = {name: getattr(settings, name) for name in _NAMES}
    try:
        text = environment.from_string(descriptor.template).render(context)
    except TemplateError as error:
        raise AppError(f"{what} is wrong: {error.message}.") from None
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        # The words of these errors may quote a value.
        raise AppError(f"{what} is wrong: an expression in it raises {type(error).__name__}.") from None
    try:
        node = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        raise AppError(f"{what} gives no valid YAML.") from None
    for name in descriptor.section:
        node = node.get(name) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        raise AppError(f"{what} does not give the section {'.'.join(descriptor.section)}.")
    for key, value in node.items():
        if key not in descriptor.managed:
            raise AppError(f"{what} writes {key}, which its descriptor does not list in keys or other_keys.")
        if not isinstance(value, (str, int, bool, type(None))):
            raise AppError(f"{what} gives {key} a value that is neither a text, a whole number, true, false nor null.")
    for key in descriptor.always:
        if key not in node:
            raise AppError(f"{what} leaves out {key}, which its descriptor lists in always.")
    mode = descriptor.security[settings.security]
    for key, value in mode.values.items():
        if node.get(key) != value or type(node.get(key)) is not type(value):
            raise AppError(f"{what} gives {key} another value than its descriptor's security.{settings.security}.set.")
    return Rendered(text, node)


def _finalize(value: t.Any) -> str:
    if isinstance(value, StrictUndefined):
        # Undefined names raise here, as they would without finalize.
        str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return quote(value if isinstance(value, (str, int, bool, type(None))) else str(value))
