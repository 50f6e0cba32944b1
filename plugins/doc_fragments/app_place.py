# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Which app, and where its settings stand: the same for reading and writing.
    DOCUMENTATION = r"""
options:
  app:
    description:
      - The app, by the name of its descriptor.
      - The collection brings forty of them; C(docs/apps-table.md) says what each can express. How to describe another one is told in
        the collection's C(docs/apps.md).
    type: str
    required: true
  form:
    description:
      - Where the app's settings stand. By default what O(path) and the app suggest.
    type: str
    choices:
      file: In the app's own file.
      environment: In environment variables, which O(carrier) holds.
  carrier:
    description:
      - What holds the environment variables. By default what O(path) suggests.
    type: str
    choices:
      dotenv: Lines of NAME=value, in the dialect of who reads them for this app.
      compose: C(services.<service>.environment) of a compose file, a mapping or a list.
      systemd: C(Environment=) of a unit or drop-in, or an EnvironmentFile.
      quadlet: C(Environment=) of the section C([Container]) of a unit of Podman, C(NAME.container), or of a drop-in of one.
      shell: A fragment that a shell sources, such as C(/etc/default/x).
      kubernetes: A manifest with a Secret or a ConfigMap.
  service:
    description:
      - The service of a compose file, or the C(metadata.name) of the Kubernetes object. Required for V(compose).
      - Of a unit of systemd or Podman it may say the unit, which has to be that of O(path). Beside a file of NAME=value lines, or the app's own
        file, it means nothing and is refused.
    type: str
  descriptors:
    description:
      - Folder on the controller with descriptors of your own, one C(<app>.yml) each. They go before those of the collection.
    type: str
"""
