# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Sends one message with Tcllib's smtp. send.tcl HOST PORT MODE CA_FILE SECONDS USER PASSWORD
package require mime
package require smtp
package require tls
lassign $argv host port mode caFile seconds user password
tls::init -cafile $caFile -require 1
set token [mime::initialize -canonical text/plain -string test]
set options [list -servers $host -ports $port -usetls [expr {$mode eq "starttls"}] -originator a@example.com -recipients b@example.org \
    -header {From a@example.com} -header {To b@example.org} -header {Subject test}]
if {$user ne ""} { lappend options -username $user -password $password }
proc policy {code diagnostic} { return secure }
lappend options -tlspolicy policy
if {[catch {smtp::sendmessage $token {*}$options} result]} {
    puts stderr "mailer: $result\n$::errorInfo"
} elseif {$result ne ""} {
    puts stderr "mailer: not sent: $result"
}
