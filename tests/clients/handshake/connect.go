// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One TLS handshake with Go's defaults: connect PORT CA_FILE
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

func main() {
	pem, _ := os.ReadFile(os.Args[2])
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	connection, err := tls.Dial("tcp", "localhost:"+os.Args[1], &tls.Config{RootCAs: roots, ServerName: "localhost"})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	connection.Close()
}
