# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Password files: hashed once, kept while they fit, nothing but accounts in them."""

from __future__ import annotations

import builtins
import re

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import accounts as mailpit_accounts
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.accounts import check_users, render_password_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal

APP = {"name": "app", "password": "pa ss:\"'#;$ wörd"}
OTHER = {"name": "other", "password": "second"}
LINE = re.compile(r"[^:\s]+:\$2b\$10\$[./A-Za-z0-9]{53}")


def test_holds_one_account_a_line_and_nothing_else() -> None:
    text = render_password_file([APP, OTHER])
    assert text.endswith("\n") and len(text.splitlines()) == 2
    assert all(LINE.fullmatch(line) for line in text.splitlines())
    assert len(text.split()) == 2  # Mailpit splits at blanks
    assert APP["password"] not in text


def test_second_run_changes_nothing() -> None:
    first = render_password_file([APP, OTHER])
    assert render_password_file([APP, OTHER], first) == first
    assert render_password_file([APP, OTHER], first, keep_others=True) == first


def test_add_change_remove() -> None:
    first = render_password_file([APP])
    added = render_password_file([APP, OTHER], first)
    assert added.startswith(first) and added.splitlines()[1].startswith("other:")
    changed = render_password_file([{**APP, "password": "new"}, OTHER], added)
    assert changed.splitlines()[0] != added.splitlines()[0] and changed.splitlines()[1] == added.splitlines()[1]
    assert render_password_file([OTHER], changed) == added.splitlines()[1] + "\n"


def test_rotation_keeps_the_old_pair_and_refuses_to_lock_it_out() -> None:
    old = render_password_file([APP])
    both = render_password_file([{"name": "app-2", "password": "new"}], old, keep_others=True)
    assert both.splitlines()[0] == old.strip() and both.splitlines()[1].startswith("app-2:")
    with pytest.raises(MailpitRefusal, match="rotate to a new name"):
        render_password_file([{**APP, "password": "new"}], old, keep_others=True)


def test_comments_and_foreign_hashes_of_the_old_file_do_not_stay() -> None:
    old = render_password_file([APP])
    dirty = f"# Ansible managed: written 12:30:45\n{old}plain:secret\nold:{{SHA}}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"
    assert render_password_file([APP], dirty) == old
    assert render_password_file([OTHER], dirty, keep_others=True).splitlines()[0] == old.strip()
    assert "12:" not in render_password_file([OTHER], dirty, keep_others=True)


def test_a_hash_of_another_tool_is_kept_when_it_fits() -> None:
    # htpasswd writes $2y$, which is the same as $2b$
    ours = render_password_file([APP])
    theirs = ours.replace("$2b$", "$2y$")
    assert render_password_file([APP], theirs) == theirs


@pytest.mark.parametrize(
    "users, words",
    [
        ("app:secret", "must be a list"),
        ([{"name": "app"}], "entry 1 of mailpit_users"),
        ([{"name": "app", "password": ""}], "entry 1"),
        ([{"name": "app", "password": "x", "state": "absent"}], "nothing else"),
        ([{"name": "a b", "password": "x"}], "no place for blanks or colons"),
        ([{"name": "a:b", "password": "x"}], "no place for blanks or colons"),
        ([{"name": "a\nb", "password": "x"}], "no place for blanks or colons"),
        ([APP, APP], "app twice"),
        ([{"name": "app", "password": 1234}], "put it in quotes"),
        ([{"name": "app", "password": "s3cret" * 13}], "at most 72 bytes"),
        ([{"name": "app", "password": "s3cret\0"}], "at most 72 bytes"),
    ],
)
def test_bad_accounts_are_refused_without_showing_a_password(users: object, words: str) -> None:
    with pytest.raises(MailpitRefusal) as caught:
        check_users("mailpit_users", users)
    assert words in str(caught.value) and "s3cret" not in str(caught.value)


def test_without_bcrypt_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def no_bcrypt(name: str, *args: object, **kwargs: object) -> object:
        if name == "bcrypt":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", no_bcrypt)
    assert LINE.fullmatch(render_password_file([APP]).strip())  # libcrypt
    monkeypatch.setattr(mailpit_accounts, "_libcrypt_hasher", lambda: None)
    with pytest.raises(MailpitRefusal, match="pip install bcrypt"):
        render_password_file([APP])


def test_a_libcrypt_without_bcrypt_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        def crypt(self, _password: bytes, _setting: bytes) -> bytes:
            return b"*0"

        def __getattribute__(self, name: str) -> object:
            function = object.__getattribute__(self, name)
            return _Callable(function) if name == "crypt" else function

    class _Callable:
        def __init__(self, function: object) -> None:
            self.function = function

        def __call__(self, *args: object) -> object:
            return self.function(*args)  # type: ignore[operator]

    monkeypatch.setattr(mailpit_accounts.ctypes, "CDLL", lambda _name: Old())
    assert mailpit_accounts._libcrypt_hasher() is None

    def missing(_name: str) -> object:
        raise OSError("no such library")

    monkeypatch.setattr(mailpit_accounts.ctypes, "CDLL", missing)
    assert mailpit_accounts._libcrypt_hasher() is None
