# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Sends one message with R's curl, as blastula and emayili do. Rscript send.R HOST PORT MODE CA_FILE SECONDS USER PASSWORD
given <- commandArgs(trailingOnly = TRUE)
scheme <- if (given[3] == "implicit") "smtps://" else "smtp://"
more <- if (length(given) > 5 && nzchar(given[6])) list(username = given[6], password = given[7]) else list()
do.call(curl::send_mail, c(list("a@example.com", "b@example.org", "Subject: test\r\n\r\ntest\r\n",
  smtp_server = paste0(scheme, given[1], ":", given[2]),
  use_ssl = switch(given[3], cleartext = "no", starttls = "force", "force"), verbose = FALSE,
  cainfo = given[4], connecttimeout = as.integer(given[5]), timeout = as.integer(given[5]) + 1), more))
