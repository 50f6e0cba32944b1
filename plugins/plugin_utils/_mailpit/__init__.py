# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailpit as the role mailpit sets it up: what it is started with, its accounts, its certificates. Runs on the controller."""
