# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a host compile each of our files once.

Ansible sends modules as a zip file of sources. Python's importer of zip files compiles a module to say what its file is
called, throws that away, and compiles it again to run it, in every version from 3.8 to 3.14. For a probe that is half of
what its files cost the host.
"""

from __future__ import annotations

import sys
import zipimport

__all__ = ("compile_once",)


class _Importer(zipimport.zipimporter):
    """Says what a file is called without a look into it."""

    def get_filename(self, fullname: str) -> str:
        """The name that ``zipimporter`` gives a source. Raises ZipImportError where there is no such module."""
        end = "/__init__.py" if self.is_package(fullname) else ".py"
        return f"{self.archive}/{self.prefix}{fullname.rpartition('.')[2]}{end}"


def compile_once(loader: object) -> None:
    """For what is looked for from now on in zip files; called with the loader of each package of ours, before its files."""
    if isinstance(loader, zipimport.zipimporter):
        sys.path_hooks[:] = [_Importer if hook is zipimport.zipimporter else hook for hook in sys.path_hooks]
