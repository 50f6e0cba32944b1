# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSMTPD out of the lab's trixie tree: it cannot be installed beside Postfix, and bookworm's has broken TLS."""

from __future__ import annotations

from support.pki import Issued
from support.process import program
from support.relay import Relay

from .trees import tree

__all__ = ["OpenSmtpd"]

# An overlay over the tree in a mount namespace of its own, which ends with the server. $1 folder, $2 tree.
_BOOT = """
set -eu
cd "$1"
mount -t tmpfs tmpfs .
cd "$1"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=$2,upperdir=upper,workdir=work" root
mount -t tmpfs -o mode=755 tmpfs root/dev
for device in null zero full random urandom; do touch root/dev/$device; mount --bind /dev/$device root/dev/$device; done
mount -t proc proc root/proc
mount -t tmpfs tmpfs root/run
rm -f root/etc/resolv.conf
cp /etc/resolv.conf /etc/hosts root/etc/
echo opensmtpd.lab.test > root/etc/mailname
cp "$3" root/etc/cert.pem
cp "$4" root/etc/key.pem
chmod 600 root/etc/key.pem
printf '%s' "$5" > root/etc/smtpd.conf
exec chroot root /usr/sbin/smtpd -d -f /etc/smtpd.conf
"""

_CONFIG = """\
pki lab cert "/etc/cert.pem"
pki lab key "/etc/key.pem"
listen on {host} port 465 smtps pki lab
listen on {host} port 587 tls-require pki lab
listen on {host} port 1587 tls pki lab
listen on {host} port 25
action "keep" maildir "/tmp/mail"
match from any for any action "keep"
"""


class OpenSmtpd(Relay):
    """465 implicit TLS, 587 STARTTLS required, 1587 STARTTLS offered, 25 without TLS."""

    def __init__(self, host: str, certificate: Issued) -> None:
        """Start it and wait until it accepts; needs root and the lab's tree."""
        super().__init__(host, (465, 587, 1587, 25))
        files = [str(certificate.chain_file), str(certificate.key_file)]
        boot = [program("unshare"), "--mount", "--propagation", "private", "sh", "-c", _BOOT, "opensmtpd"]
        self.start([*boot, str(self.folder), str(tree("trixie")), *files, _CONFIG.format(host=host)])
