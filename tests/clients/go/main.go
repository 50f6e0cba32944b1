// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Sends one message with one of several Go libraries, and prints the error as their users log it.
// clients LIBRARY HOST PORT MODE CA_FILE SECONDS USER PASSWORD
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net/smtp"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/containrrr/shoutrrr"
	sasl "github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	"github.com/jordan-wright/email"
	mail "github.com/xhit/go-simple-mail/v2"
	gomail "gopkg.in/gomail.v2"
)

type way struct {
	host     string
	port     int
	mode     string
	tls      *tls.Config
	seconds  time.Duration
	user     string
	password string
}

func main() {
	arguments := os.Args[2:]
	port, _ := strconv.Atoi(arguments[1])
	seconds, _ := strconv.ParseFloat(arguments[4], 64)
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(arguments[3])
	if err != nil {
		log.Fatal(err)
	}
	roots.AppendCertsFromPEM(pem)
	to := way{arguments[0], port, arguments[2], &tls.Config{ServerName: arguments[0], RootCAs: roots}, time.Duration(seconds * float64(time.Second)), arguments[5], arguments[6]}
	send := map[string]func(way) error{"gomail": withGomail, "go-smtp": withGoSMTP, "go-simple-mail": withSimpleMail, "email": withEmail, "shoutrrr": withShoutrrr}[os.Args[1]]
	done := make(chan error, 1)
	go func() { done <- send(to) }()
	select {
	case err = <-done:
	case <-time.After(6 * time.Second):
		os.Exit(2)
	}
	if err != nil {
		log.Printf("Failed to send email with %s: %v", os.Args[1], err)
	}
}

func withGomail(to way) error {
	message := gomail.NewMessage()
	message.SetHeader("From", "a@example.com")
	message.SetHeader("To", "b@example.org")
	message.SetHeader("Subject", "test")
	message.SetBody("text/plain", "test")
	dialer := gomail.NewDialer(to.host, to.port, to.user, to.password)
	dialer.SSL = to.mode == "implicit"
	dialer.TLSConfig = to.tls
	return dialer.DialAndSend(message)
}

func withGoSMTP(to way) error {
	address := fmt.Sprintf("%s:%d", to.host, to.port)
	var client *gosmtp.Client
	var err error
	switch to.mode {
	case "implicit":
		client, err = gosmtp.DialTLS(address, to.tls)
	case "starttls":
		client, err = gosmtp.DialStartTLS(address, to.tls)
	default:
		client, err = gosmtp.Dial(address)
	}
	if err != nil {
		return err
	}
	defer client.Close()
	if to.user != "" {
		if err = client.Auth(sasl.NewPlainClient("", to.user, to.password)); err != nil {
			return err
		}
	}
	return client.SendMail("a@example.com", []string{"b@example.org"}, strings.NewReader("Subject: test\r\n\r\ntest\r\n"))
}

func withSimpleMail(to way) error {
	server := mail.NewSMTPClient()
	server.Host, server.Port, server.Username, server.Password = to.host, to.port, to.user, to.password
	server.Encryption = map[string]mail.Encryption{"implicit": mail.EncryptionSSLTLS, "starttls": mail.EncryptionSTARTTLS, "cleartext": mail.EncryptionNone}[to.mode]
	server.ConnectTimeout, server.SendTimeout, server.TLSConfig = to.seconds, to.seconds, to.tls
	client, err := server.Connect()
	if err != nil {
		return err
	}
	return mail.NewMSG().SetFrom("a@example.com").AddTo("b@example.org").SetSubject("test").SetBody(mail.TextPlain, "test").Send(client)
}

func withEmail(to way) error {
	message := email.NewEmail()
	message.From, message.To, message.Subject, message.Text = "a@example.com", []string{"b@example.org"}, "test", []byte("test")
	var auth smtp.Auth
	if to.user != "" {
		auth = smtp.PlainAuth("", to.user, to.password, to.host)
	}
	address := fmt.Sprintf("%s:%d", to.host, to.port)
	switch to.mode {
	case "implicit":
		return message.SendWithTLS(address, auth, to.tls)
	case "starttls":
		return message.SendWithStartTLS(address, auth, to.tls)
	}
	return message.Send(address, auth)
}

func withShoutrrr(to way) error {
	encryption := map[string]string{"implicit": "ImplicitTLS", "starttls": "ExplicitTLS", "cleartext": "None"}[to.mode]
	login := ""
	if to.user != "" {
		login = to.user + ":" + to.password + "@"
	}
	url := fmt.Sprintf("smtp://%s%s:%d/?from=a@example.com&to=b@example.org&encryption=%s&usestarttls=%v", login, to.host, to.port, encryption, to.mode == "starttls")
	return shoutrrr.Send(url, "test")
}
