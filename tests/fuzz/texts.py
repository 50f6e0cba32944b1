# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Config files as people write them, made up at random: one function a format, each with everything that its syntax has."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable

__all__ = ["KEYS", "SECTIONS", "TEXTS", "value"]

PIECES = [*"aB1 \t#;'\"\\$%`=:!&*@?|><-~/^,()[]{}+.", " #", " ;", "\\\\", "${X}", "$X", "$$", "%(x)s", "{{ x }}"]
PIECES += [
    "é",
    "ü",
    "\U0001f600",
    "null",
    "true",
    "no",
    "0x10",
    "1e3",
    "007",
    "12:30",
    "2001-01-01",
    "\\n",
    "\\t",
    "\\x41",
]
PIECES += [
    "'''",
    '"""',
    "export ",
    "\u00a0",
    "\u2028",
    "\x85",
    "\ufeff",
    "end\\",
    "<<",
    "- ",
    "? ",
    ": ",
    "#{x}",
    "\x7f",
    "\x01",
]
# The keys that are changed, by format; what else stands in a file is nobody's business.
ENV = ("SMTP_HOST", "SMTP_PORT", "SMTP_PASSWORD", "MAIL_FROM")
KEYS: dict[str, tuple[str, ...]] = {
    "dotenv": ENV,
    "ini": ("HOST", "PASSWD", "FROM"),
    "yaml": ("host", "port", "password", "tls"),
    "json": ("host", "port", "password", "secure"),
    "properties": ("spring.mail.host", "spring.mail.password"),
    "array": ("mail_smtphost", "mail_smtpport", "mail_smtppassword"),
    "define": ("WPMS_SMTP_HOST", "WPMS_SMTP_PORT", "WPMS_SMTP_PASS"),
    "gitlab": ("smtp_address", "smtp_port", "smtp_password"),
    "rails": ("address", "port", "password"),
    "rails-mapping": ("address", "port", "password"),
    "python": ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_PASSWORD"),
    "postfix": ("relayhost", "smtp_helo_name", "smtp_tls_CAfile"),
    "compose": ENV,
    "kubernetes": ENV,
    "unit": ENV,
    "toml": ("host", "port", "password", "forcessl"),
    "msmtprc": ("host", "user", "domain", "from"),
    "xml": ("smtpHost", "smtpPort", "useSsl", "replyToAddress"),
    "ssmtp": ("mailhub", "AuthUser", "AuthPass", "AuthMethod", "hostname", "root", "UseTLS"),
    "dma": ("SMARTHOST", "PORT", "MASQUERADE", "MAILNAME"),
    "remotes": ("line",),
}
SECTIONS: dict[str, tuple[str, ...]] = {
    "ini": ("mailer",),
    "toml": ("mailer",),
    "yaml": ("mail", "smtp"),
    "json": ("mail", "options"),
    "gitlab": ("gitlab_rails",),
    "rails": ("ActionMailer::Base", "smtp_settings"),
    "rails-mapping": ("ActionMailer::Base", "smtp_settings"),
}


def value(dice: random.Random, breaks: bool) -> str:
    """A text that is hard to write down."""
    pieces = dice.choices(PIECES, k=dice.randint(0, 9))
    if breaks and dice.random() < 0.1:
        pieces.insert(dice.randint(0, len(pieces)), "\n")
    return "".join(pieces)


def _lines(dice: random.Random, lines: list[str]) -> str:
    end = dice.choice(["\n"] * 4 + ["\r\n"])
    text = end.join(lines)
    return text + (end if dice.random() < 0.8 else "")


def _names(dice: random.Random, ours: tuple[str, ...], other: str) -> list[str]:
    names = [name for name in ours if dice.random() < 0.5] + [other.format(n) for n in range(dice.randint(0, 4))]
    dice.shuffle(names)
    return names


def _plain(dice: random.Random) -> str:
    return "".join(dice.choices("abcXYZ019._@/+-", k=dice.randint(0, 8)))


def _dotenv_value(dice: random.Random) -> str:
    plain = _plain(dice)
    return dice.choice(
        [
            plain,
            f"{plain} # note",
            f"'{plain} # x'",
            f'"{plain} \\" # x"',
            f'"{plain}"   # "note"',
            f"{plain}#{plain}",
            f'"{plain}\\n{plain}"',
            f'"{plain}\n{plain}"',
            f"{plain} {plain}",
            "",
            '""',
            "''",
            f'"{plain}\\\\"',
        ]
    )


def dotenv(dice: random.Random) -> str:
    lines = []
    for name in _names(dice, ENV, "OTHER_{}"):
        while dice.random() < 0.3:
            lines.append(dice.choice(["", "# a note", "#SMTP_HOST=old", "  # it's \"quoted\" ' here"]))
        head = dice.choice(["", "", "", "", "export "])
        lines.append(f"{head}{name}={_dotenv_value(dice)}")
    return _lines(dice, lines)


def _ini_value(dice: random.Random) -> str:
    plain = _plain(dice)
    tails = ["", "", " ; note", " # note"]
    shapes = [plain, f'"{plain}"', f"`{plain}#;`", f'"""{plain}#"""', f"{plain}={plain}", f"'{plain}'", f"{plain}  "]
    return dice.choice(shapes) + dice.choice(tails)


def ini(dice: random.Random) -> str:
    sections = ["server", "mailer", "log.x"]
    dice.shuffle(sections)
    lines = ["APP_NAME = x"] if dice.random() < 0.5 else []
    for section in sections[: dice.randint(0, 3)]:
        lines += [dice.choice(["", "; note"]), f"[{section}]"]
        for name in _names(dice, KEYS["ini"] if section == "mailer" else (), "OTHER_{}"):
            lines += [dice.choice([";HOST = old", "# note", ""])] if dice.random() < 0.3 else []
            lines.append(f"{name}{dice.choice([' = ', '=', ' : '])}{_ini_value(dice)}")
    return _lines(dice, lines)


def _yaml_value(dice: random.Random, deep: str) -> str:
    plain = _plain(dice).strip("-.@/+") or "x"
    shapes = [f"x{plain}", "465", "true", f"'{plain} it''s'", f'"{plain}\\t\\u00e9"', f"x{plain}  # note", "~", "''"]
    shapes += [
        f"|\n{deep}  {plain}x\n{deep}    # no note",
        f">-\n{deep}  {plain}y\n{deep}  z",
        f"x{plain}\n{deep}  goes on",
    ]
    return dice.choice(shapes)


def yaml(dice: random.Random) -> str:
    step = " " * dice.choice([2, 2, 4])
    lines = ["---"] if dice.random() < 0.3 else []
    for head in dice.sample(["other", "mail", "more"], dice.randint(0, 3)):
        lines += ["# a note"] if dice.random() < 0.3 else []
        if head == "more":
            lines.append(dice.choice(["more: [a, {b: c}]", f"more:\n{step}- a: b\n{step}  c: 'd'", "more: &x {a: 1}"]))
            continue
        lines.append(f"{head}:" + dice.choice(["", "", "   # note"]))
        lines.append(f"{step}own: x{_plain(dice)}")
        if head == "mail" and dice.random() < 0.7:
            lines.append(f"{step}smtp:")
            for name in [*_names(dice, KEYS["yaml"], "other{}"), "last"]:
                lines += [f"{step}{step}# note"] if dice.random() < 0.2 else []
                lines.append(f"{step}{step}{name}: {_yaml_value(dice, step + step)}")
    return _lines(dice, lines)


def _tree(dice: random.Random, deep: int = 0) -> object:
    if deep < 2 and dice.random() < 0.3:
        return {f"k{n}": _tree(dice, deep + 1) for n in range(dice.randint(0, 3))}
    if deep < 2 and dice.random() < 0.2:
        return [_tree(dice, deep + 1) for _n in range(dice.randint(0, 3))]
    return dice.choice([1, -2.5, True, None, "", _plain(dice), 'q"\\/\u2028é'])


def json_text(dice: random.Random) -> str:
    options = {name: _tree(dice, 2) for name in _names(dice, KEYS["json"], "other{}")}
    found = {
        "url": _tree(dice),
        **({"mail": {"from": "x", "options": options}} if dice.random() < 0.7 else {}),
        "z": _tree(dice),
    }
    text = json.dumps(found, indent=dice.choice([None, 1, 2, 4, "\t"]), ensure_ascii=dice.random() < 0.5)
    return text.replace("\n", dice.choice(["\n", "\n", "\r\n"])) + dice.choice(["", "\n"])


def properties(dice: random.Random) -> str:
    lines = []
    for name in _names(dice, KEYS["properties"], "other.{}"):
        lines += [dice.choice(["", "# note", "! note"])] if dice.random() < 0.3 else []
        plain = _plain(dice)
        tail = dice.choice([plain, f"{plain}\\\n    more", "\\u00e9x", f"{plain}\\=\\:", f"{plain} {plain}", ""])
        lines.append(f"{name}{dice.choice(['=', ' = ', ': ', ' '])}{tail}")
    return _lines(dice, lines)


def _quoted(dice: random.Random) -> str:
    plain = _plain(dice)
    return dice.choice(
        [f"'{plain}'", f"'it\\'s {plain}'", f'"{plain}"', "465", "true", "false", "''", f"'{plain} // # no'"]
    )


def php_array(dice: random.Random) -> str:
    lines = ["<?php", "$CONFIG = array ("]
    for name in _names(dice, KEYS["array"], "other_{}"):
        lines += [dice.choice(["  // note 'x", "  # note", "  /* a\n   note */"])] if dice.random() < 0.3 else []
        lines.append(f"  '{name}' => {_quoted(dice)}," + dice.choice(["", "", " // note"]))
    lines += ["  'nested' =>", "  array (", "    0 => 'mail_smtphost',", "  ),"] if dice.random() < 0.5 else []
    return _lines(dice, [*lines, ");"])


def php_define(dice: random.Random) -> str:
    lines = ["<?php"]
    for name in _names(dice, KEYS["define"], "OTHER_{}"):
        lines += [dice.choice(["// define('WPMS_ON', true);", "/* x */", ""])] if dice.random() < 0.3 else []
        lines.append(
            dice.choice(["define('{}', {});", "define( '{}', {} );", 'define("{}", {});']).format(name, _quoted(dice))
        )
    return _lines(dice, lines)


def _ruby(dice: random.Random, form: str, keys: tuple[str, ...]) -> str:
    lines = []
    for name in _names(dice, keys, "other_{}"):
        lines += [dice.choice(["# note", f"# {form.format(keys[0], 1)}", ""])] if dice.random() < 0.4 else []
        text = dice.choice([_quoted(dice), f'"{_plain(dice)}\\n"', "nil", "30"])
        lines.append(form.format(name, text) + dice.choice(["", "", " # note"]))
    return _lines(dice, lines)


def gitlab(dice: random.Random) -> str:
    return _ruby(dice, "gitlab_rails['{}'] = {}", KEYS["gitlab"])


def rails(dice: random.Random) -> str:
    return _ruby(dice, "ActionMailer::Base.smtp_settings[:{}] = {}", KEYS["rails"])


def rails_mapping(dice: random.Random) -> str:
    """Action Mailer's settings as one mapping, in many lines or in one."""
    before, arrow = (
        dice.choice([" ", "", "\n", " # { note }\n"]),
        dice.choice(["{}: {}", ":{} => {}", "'{}'.to_sym => {}"][:2]),
    )
    pairs = []
    for name in _names(dice, KEYS["rails"], "other{}"):
        plain = _plain(dice)
        shapes = [
            f"'{plain}'",
            f'"{plain}"',
            "465",
            "true",
            "nil",
            ":plain",
            f'"#{{["{plain}"].join}}"',
            f"[1, '{plain}}}'].last",
        ]
        shapes += [
            f"{{ a: '{plain}' }}[:a]",
            f"nil ||\n    '{plain}'",
            f"['{plain}', \"x\"].map {{ |one| one + ',' }}.first",
        ]
        pairs.append(arrow.format(name, dice.choice(shapes)))
    between = dice.choice([", ", ",\n  ", ", # it's a note }\n  ", ","]) if "\n" in before else dice.choice([", ", ","])
    body = between.join(pairs) + (dice.choice(["", ","]) if pairs else "")
    end = dice.choice([" }", "}", "\n}"]) if "\n" in before else dice.choice([" }", "}"])
    head = dice.choice(["", "x = 1\n", "x = '{'; "])
    tail = dice.choice(["", "", ".compact", " # note"]) if "nil" not in body else ""
    return _lines(dice, f"{head}ActionMailer::Base.smtp_settings = {{{before}{body}{end}{tail}\ny = 2".split("\n"))


def python(dice: random.Random) -> str:
    lines = ["import os"] if dice.random() < 0.3 else []
    for name in _names(dice, KEYS["python"], "OTHER_{}"):
        lines += [dice.choice(["# note", '"""a text\nEMAIL_HOST = 1\n"""', ""])] if dice.random() < 0.3 else []
        plain = _plain(dice)
        shapes = [
            repr(plain),
            f'"{plain}"',
            "465",
            "True",
            f"('{plain}'\n    'x')",
            f"r'{plain}\\d'",
            "None",
            f"[\n    '{plain}',\n]",
        ]
        lines.append(f"{name} = {dice.choice(shapes)}" + dice.choice(["", "", "  # note"]))
    return _lines(dice, lines)


def postfix(dice: random.Random) -> str:
    lines = []
    for name in _names(dice, KEYS["postfix"], "mydestination"):
        lines += [dice.choice(["# note", "#relayhost = x", ""])] if dice.random() < 0.3 else []
        lines.append(
            f"{name}{dice.choice([' = ', '='])}{_plain(dice)}" + dice.choice(["", "", "\n    more", "\n# note\n  more"])
        )
    return "\n".join(lines) + "\n"


def compose(dice: random.Random) -> str:
    named = _names(dice, ENV, "OTHER_{}")
    lines = ["services:", "  db:", "    image: db"]
    lines += ["    environment: {SMTP_HOST: theirs}"] if dice.random() < 0.3 else []
    lines += ["  app:", "    image: app"]
    if named and dice.random() < 0.5:
        lines += ["    environment:", *(f"      {name}: {dice.choice(['x$$y', 'q', '465', 'true'])}" for name in named)]
    elif named:
        items = [
            dice.choice(["      - {}=x$$y", '      - "{}=q # x"', "      - '{}=it''s'"]).format(name) for name in named
        ]
        lines += ["    environment:", *items]
    lines += ["    ports: ['1:1']  # note"] if dice.random() < 0.5 else []
    return _lines(dice, lines)


def kubernetes(dice: random.Random) -> str:
    documents = []
    for name in dice.sample(["db", "app", "web"], dice.randint(1, 3)) if dice.random() < 0.5 else ["app"]:
        kind = dice.choice(["Secret", "Secret", "ConfigMap"])
        lines = ["apiVersion: v1", f"kind: {kind}", "metadata:", f"  name: {name}"]
        named = _names(dice, ENV, "OTHER_{}")
        cut = dice.randint(0, len(named))
        for section, names in (("data", named[:cut]), ("stringData", named[cut:] if kind == "Secret" else [])):
            lines += [f"{section}:" + dice.choice(["", "  # note"])] if names else []
            for one in names:
                text = _plain(dice) or "x"
                if section == "data" and kind == "Secret":
                    lines.append(f"  {one}: {base64.b64encode(text.encode()).decode()}")
                else:
                    lines.append(f"  {one}: {dice.choice([repr('q' + text), json.dumps(text), 'x' + text.strip('-')])}")
        documents.append("\n".join(lines))
    if all("name: app" not in one for one in documents):
        documents.append("apiVersion: v1\nkind: Secret\nmetadata:\n  name: app")
    return _lines(dice, "\n---\n".join(documents).split("\n"))


def _unit_words(dice: random.Random, names: list[str]) -> str:
    words = []
    for name in names:
        plain = _plain(dice)
        words.append(
            dice.choice(
                [f"{name}={plain}", f'"{name}={plain} %% x"', f"'{name}={plain} \"y\"'", f'"{name}=\\tx{plain}"']
            )
        )
    return " ".join(words)


def unit(dice: random.Random) -> str:
    lines = ["[Unit]", "Description=x"] if dice.random() < 0.4 else []
    lines += ["[Service]", "ExecStart=/bin/true"]
    named = _names(dice, ENV, "OTHER_{}")
    while named:
        count = dice.randint(1, 3)
        lines += [dice.choice(["# note", "; note", ""])] if dice.random() < 0.3 else []
        lines.append(f"Environment={_unit_words(dice, named[:count])}")
        named = named[count:]
        lines += ["Environment="] if dice.random() < 0.1 else []
    return _lines(dice, [*lines, *(["[Install]", "WantedBy=x.target"] if dice.random() < 0.3 else [])])


def _toml_value(dice: random.Random) -> str:
    plain = _plain(dice)
    shapes = [f'"{plain}"', f"'{plain}'", "465", "true", f'"\\u00e9 \\" {plain}"', f'"""\n[mailer]\n{plain}\\\n  x"""']
    shapes += [f"'''{plain}\nhost = 1'''", '[\n  "]", # ]\n  1,\n]', '{a = "}", b = 1}', "1979-05-27", "-1.5"]
    return dice.choice(shapes) + dice.choice(["", "", " # note"])


def toml(dice: random.Random) -> str:
    lines = [f"top{number} = {_toml_value(dice)}" for number in range(dice.randint(0, 2))]
    for head in dice.sample(["[other]", "[mailer]", "[mailer.more]", "[[list]]", '["a b".c]'], dice.randint(0, 4)):
        lines += [dice.choice(["", "# note"]), head + dice.choice(["", " # note"])]
        names = _names(dice, KEYS["toml"] if head == "[mailer]" else (), "other{}")
        lines += [f"{name}{dice.choice([' = ', '=', '  =  '])}{_toml_value(dice)}" for name in names]
    return _lines(dice, "\n".join(lines).split("\n"))


def msmtprc(dice: random.Random) -> str:
    lines = (
        ["defaults", f"logfile /{_plain(dice).strip('/') or 'x'}", f"domain d{_plain(dice)}"]
        if dice.random() < 0.4
        else []
    )
    for account in dice.choice([["default"], ["a", "default"], ["default", "b"]]):
        lines += ["", "# note", f"account {account}"]
        names = _names(dice, tuple(one for one in KEYS["msmtprc"] if one != "host"), "")
        for name in ["host", *(one for one in names if one)]:
            plain = "x" + _plain(dice)
            lines.append(
                f"{name}{dice.choice([' ', '  ', chr(9)])}{dice.choice([plain, f'{chr(34)}{plain}{chr(34)}'])}"
            )
    return "\n".join(lines) + "\n"


def _xml_element(dice: random.Random, name: str) -> str:
    plain = _plain(dice)
    shapes = [
        f"<{name}>{plain}</{name}>",
        f"<{name}/>",
        f"<{name}></{name}>",
        f"<{name}>{plain}&amp;&lt;&#x41;{plain}</{name}>",
        f"<{name}><![CDATA[{plain}<&>]]></{name}>",
        f"<{name} class='x>y'>{plain}\n {plain}</{name}>",
        f"<{name}>{plain}<!-- <{name}>no</{name}> --></{name}>",
    ]
    return dice.choice(shapes)


def xml(dice: random.Random) -> str:
    version = dice.choice(["1.0", "1.1"])
    lines = [f"<?xml version='{version}' encoding='UTF-8'?>"] if dice.random() < 0.8 else []
    lines.append('<hudson.tasks.Mailer_-DescriptorImpl plugin="mailer@1">')
    for name in _names(dice, KEYS["xml"], "other{}"):
        lines += [dice.choice(["  <!-- <smtpHost>a note</smtpHost> -->", ""])] if dice.random() < 0.3 else []
        lines.append(dice.choice(["  ", "  ", "\t", ""]) + _xml_element(dice, name))
    if dice.random() < 0.3:
        lines += ["  <more>", "    <smtpHost>theirs</smtpHost>", "  </more>"]
    return _lines(dice, [*lines, "</hudson.tasks.Mailer_-DescriptorImpl>"])


def ssmtp(dice: random.Random) -> str:
    """With keys in any case and some twice, lines that it takes nothing from, and a last line without an end."""
    lines = []
    for name in _names(dice, KEYS["ssmtp"], "rewriteDomain"):
        lines += [dice.choice(["# note", "#AuthUser=x", "", " AuthPass=no", "AuthPass = no", "root =no"])][
            : dice.randint(0, 1)
        ]
        plain = _plain(dice)
        tails = ["", "", " # note", "#note", " more", "=more", " "]
        name = dice.choice([name, name, name.lower(), name.upper()])
        mark = dice.choice(["=", "=", "=", " =", "= ", "\t="])
        # It breaks off at some domains with an @ in front.
        said = dice.choice(["YES", "no", "yes"]) if name.lower() == "usetls" else plain.replace("@", "")
        lines.append(f"{name}{mark}{said}{dice.choice(tails)}")
        lines += [dice.choice(lines)] if dice.random() < 0.1 else []
    return _lines(dice, lines)


def dma(dice: random.Random) -> str:
    """With flags, comments behind values, lines that begin with a blank, and keys that are there twice."""
    lines = []
    flags = ("SECURETRANSFER", "STARTTLS", "OPPORTUNISTIC_TLS", "INSECURE", "FULLBOUNCE")
    for name in [*_names(dice, KEYS["dma"][1:], ""), "SMARTHOST", *dice.sample(flags, dice.randint(0, 2))]:
        lines += [dice.choice(["# note", "#SMARTHOST x", "", "  # note"])] if dice.random() < 0.3 else []
        plain = f"x{_plain(dice)}"
        if not name:
            continue
        if name in flags:
            lines.append(name + dice.choice(["", "", " # note", "#note"]))
            continue
        said = {"PORT": str(dice.randint(1, 65535)), "MASQUERADE": f"{plain}@{plain}"}.get(name, plain)
        tail = dice.choice(["", "", " # note", "#note", " more", "\t"]) if name != "PORT" else ""
        lines.append(f"{name}{dice.choice([' ', chr(9)])}{said}{tail}")
        lines += [dice.choice(lines)] if dice.random() < 0.1 else []
    return _lines(dice, lines)


def remotes(dice: random.Random) -> str:
    """nullmailer's: several relays with options in quotes of both kinds, comments and blank lines."""
    lines = []
    for _number in range(dice.randint(0, 3)):
        lines += [dice.choice(["# note", "", "  # note", "\t"])] if dice.random() < 0.4 else []
        plain = _plain(dice)
        others = [f"--source=192.0.2.{dice.randint(1, 9)}", "--x509fmtder", "x509cafile='/x y'"]
        options = dice.sample(
            ["--starttls", "--ssl", "--insecure", "--auth-login", f"--port={dice.randint(1, 65535)}"], 2
        )
        options += dice.sample(others, dice.randint(0, 2))
        options += dice.choice([[], [f"--user='{plain} \\ #'"], [f'--pass="{plain} \\" x"'], [f"--user={plain}\\ y"]])
        lines.append(dice.choice(["", " "]) + " ".join([f"r{plain}", dice.choice(["smtp", "smtp", "qmqp"]), *options]))
    return _lines(dice, lines)


TEXTS: dict[str, Callable[[random.Random], str]] = {
    "dotenv": dotenv,
    "ini": ini,
    "yaml": yaml,
    "json": json_text,
    "properties": properties,
    "array": php_array,
    "define": php_define,
    "gitlab": gitlab,
    "rails": rails,
    "rails-mapping": rails_mapping,
    "python": python,
    "postfix": postfix,
    "compose": compose,
    "kubernetes": kubernetes,
    "unit": unit,
    "msmtprc": msmtprc,
    "toml": toml,
    "xml": xml,
    "ssmtp": ssmtp,
    "dma": dma,
    "remotes": remotes,
}
