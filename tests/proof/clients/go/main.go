// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Sends with the mail clients of Go apps: reads an app's file or environment with the parser that the app has, and hands the
// same settings to the same client. Takes jobs as one JSON array on standard input, and prints one line of JSON for each.
// With do: "parse" it only prints what the parser finds in the files; dialect "compose" is the reader of compose files.
package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/smtp"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"
	gomail "github.com/wneessen/go-mail"
	"gopkg.in/ini.v1"
	mailv2 "gopkg.in/mail.v2"
	"gopkg.in/yaml.v3"
)

type job struct {
	ID, Do, App, Form, Client, Dialect, File, From, To, Subject string
	Env                                                         map[string]string
}

type answer struct {
	ID     string `json:"id"`
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty"`
	Values any    `json:"values,omitempty"`
}

// What every app's settings come to.
type settings struct {
	host, user, password, helo, mechanism string
	port                                  int
	insecure                              bool
}

func (s settings) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

func (s settings) tls() *tls.Config {
	return &tls.Config{ServerName: s.host, InsecureSkipVerify: s.insecure}
}

func main() {
	if len(os.Args) > 1 {
		fmt.Println(strings.TrimPrefix(runtime.Version(), "go"))
		return
	}
	var jobs []job
	if err := json.NewDecoder(os.Stdin).Decode(&jobs); err != nil {
		panic(err)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, one := range jobs {
		result := answer{ID: one.ID, OK: true}
		var err error
		if one.Do == "parse" {
			result.Values, err = parse(one)
		} else {
			err = senders[one.App](one)
		}
		if err != nil {
			result.OK, result.Error = false, err.Error()
		}
		if err := out.Encode(result); err != nil {
			panic(err)
		}
	}
}

// Parsers

func parse(one job) (any, error) {
	switch one.Dialect {
	case "compose":
		return dotenv.Read(one.File)
	case "gitea":
		return sections(giteaFile(one.File))
	case "grafana":
		return sections(grafanaFile(one.File))
	case "yaml":
		var found any
		return found, readYAML(one.File, &found)
	case "service":
		return serviceEnvironment(one.File)
	case "manifest":
		return manifest(one.File)
	}
	return nil, errors.New("no parser " + one.Dialect)
}

func giteaFile(path string) (*ini.File, error) {
	return ini.LoadSources(ini.LoadOptions{KeyValueDelimiterOnWrite: " = ", IgnoreContinuation: true}, path)
}

func grafanaFile(path string) (*ini.File, error) {
	return ini.Load(path)
}

func sections(file *ini.File, err error) (map[string]map[string]string, error) {
	if err != nil {
		return nil, err
	}
	found := map[string]map[string]string{}
	for _, section := range file.Sections() {
		found[section.Name()] = section.KeysHash()
	}
	return found, nil
}

func readYAML(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return yaml.Unmarshal(data, into)
}

// What compose hands to the service app, when no variable of the shell is set.
func serviceEnvironment(path string) (map[string]string, error) {
	var found struct {
		Services map[string]struct {
			Environment yaml.Node `yaml:"environment"`
		} `yaml:"services"`
	}
	if err := readYAML(path, &found); err != nil {
		return nil, err
	}
	node := found.Services["app"].Environment
	variables := map[string]string{}
	if node.Kind == yaml.SequenceNode {
		var entries []string
		if err := node.Decode(&entries); err != nil {
			return nil, err
		}
		for _, entry := range entries {
			name, value, _ := strings.Cut(entry, "=")
			variables[name] = value
		}
	} else if node.Kind == yaml.MappingNode {
		if err := node.Decode(&variables); err != nil {
			return nil, err
		}
	}
	for name, value := range variables {
		put, err := template.Substitute(value, func(string) (string, bool) { return "", false })
		if err != nil {
			return nil, err
		}
		variables[name] = put
	}
	return variables, nil
}

// The variables of the Secret or ConfigMap app, as a container gets them.
func manifest(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := yaml.NewDecoder(file)
	for {
		var found struct {
			Kind     string `yaml:"kind"`
			Metadata struct {
				Name string `yaml:"name"`
			} `yaml:"metadata"`
			Data       map[string]any `yaml:"data"`
			StringData map[string]any `yaml:"stringData"`
		}
		if err := reader.Decode(&found); err != nil {
			return nil, err
		}
		if found.Metadata.Name != "app" {
			continue
		}
		variables := map[string]string{}
		for name, value := range found.Data {
			text, isText := value.(string)
			if !isText {
				return nil, errors.New(name + " is no text")
			}
			if found.Kind == "Secret" {
				data, err := base64.StdEncoding.DecodeString(text)
				if err != nil {
					return nil, err
				}
				text = string(data)
			}
			variables[name] = text
		}
		for name, value := range found.StringData {
			text, isText := value.(string)
			if !isText {
				return nil, errors.New(name + " is no text")
			}
			variables[name] = text
		}
		return variables, nil
	}
}

// Apps

var senders = map[string]func(job) error{
	"listmonk": listmonk,
	"gitea":    func(one job) error { return gitea(one, "GITEA__mailer__") },
	"forgejo":  func(one job) error { return gitea(one, "FORGEJO__mailer__") },
	"grafana":  grafana,
	"authelia": authelia,
	"vikunja":  vikunja,
}

// The [mailer] section, or what the variables make of it.
func gitea(one job, prefix string) error {
	get := func(key string) string { return one.Env[prefix+key] }
	if one.Form == "file" {
		file, err := giteaFile(one.File)
		if err != nil {
			return err
		}
		get = func(key string) string { return file.Section("mailer").Key(key).String() }
	}
	if on, _ := strconv.ParseBool(get("ENABLED")); !on {
		return errors.New("mailer is not enabled")
	}
	port, err := strconv.Atoi(get("SMTP_PORT"))
	if err != nil {
		return err
	}
	trust, _ := strconv.ParseBool(get("FORCE_TRUST_SERVER_CERT"))
	to := settings{host: get("SMTP_ADDR"), port: port, user: get("USER"), password: get("PASSWD"), helo: get("HELO_HOSTNAME"), insecure: trust}
	return giteaSend(one, to, get("PROTOCOL"))
}

func giteaSend(one job, to settings, protocol string) error {
	connection, err := net.DialTimeout("tcp", to.address(), 5*time.Second)
	if err != nil {
		return err
	}
	defer connection.Close()
	if protocol == "smtps" {
		connection = tls.Client(connection, to.tls())
	}
	client, err := smtp.NewClient(connection, to.host)
	if err != nil {
		return err
	}
	if err = client.Hello(to.helo); err != nil {
		return err
	}
	if protocol == "smtp+starttls" {
		if offered, _ := client.Extension("STARTTLS"); offered {
			if err = client.StartTLS(to.tls()); err != nil {
				return err
			}
		}
	}
	if to.user != "" {
		offered, mechanisms := client.Extension("AUTH")
		if !offered {
			return errors.New("AUTH is not offered")
		}
		var auth smtp.Auth
		switch {
		case strings.Contains(mechanisms, "CRAM-MD5"):
			auth = smtp.CRAMMD5Auth(to.user, to.password)
		case strings.Contains(mechanisms, "PLAIN"):
			auth = smtp.PlainAuth("", to.user, to.password, to.host)
		case strings.Contains(mechanisms, "LOGIN"):
			auth = &loginAuth{to.user, to.password}
		}
		if auth != nil {
			if err = client.Auth(auth); err != nil {
				return err
			}
		}
	}
	return deliver(client, one)
}

// An entry of the list smtp of the settings, as its pool of connections opens one.
func listmonk(one job) error {
	data, err := os.ReadFile(one.File)
	if err != nil {
		return err
	}
	var found struct {
		Enabled       bool   `json:"enabled"`
		Host          string `json:"host"`
		Port          int    `json:"port"`
		TLSType       string `json:"tls_type"`
		TLSSkipVerify bool   `json:"tls_skip_verify"`
		AuthProtocol  string `json:"auth_protocol"`
		Username      string `json:"username"`
		Password      string `json:"password"`
		HelloHostname string `json:"hello_hostname"`
		MaxConns      int    `json:"max_conns"`
		IdleTimeout   string `json:"idle_timeout"`
		WaitTimeout   string `json:"wait_timeout"`
	}
	if err = json.Unmarshal(data, &found); err != nil {
		return err
	}
	if !found.Enabled || found.MaxConns < 1 {
		return errors.New("it is not enabled, or has no connections")
	}
	if _, err = time.ParseDuration(found.IdleTimeout); err != nil {
		return err
	}
	wait, err := time.ParseDuration(found.WaitTimeout)
	if err != nil {
		return err
	}
	to := settings{host: found.Host, port: found.Port, insecure: found.TLSSkipVerify}
	connection, err := net.DialTimeout("tcp", to.address(), wait)
	if err != nil {
		return err
	}
	defer connection.Close()
	if found.TLSType == "TLS" {
		connection = tls.Client(connection, to.tls())
	}
	client, err := smtp.NewClient(connection, found.Host)
	if err != nil {
		return err
	}
	if found.HelloHostname != "" {
		if err = client.Hello(found.HelloHostname); err != nil {
			return err
		}
	}
	if found.TLSType == "STARTTLS" {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return errors.New("STARTTLS is not offered")
		}
		if err = client.StartTLS(to.tls()); err != nil {
			return err
		}
	}
	logins := map[string]smtp.Auth{
		"cram":  smtp.CRAMMD5Auth(found.Username, found.Password),
		"plain": smtp.PlainAuth("", found.Username, found.Password, found.Host),
		"login": &loginAuth{found.Username, found.Password},
	}
	if auth, known := logins[found.AuthProtocol]; known {
		if err = client.Auth(auth); err != nil {
			return err
		}
	} else if found.AuthProtocol != "none" && found.AuthProtocol != "" {
		return errors.New("unknown auth_protocol")
	}
	return deliver(client, one)
}

type loginAuth struct{ user, password string }

func (*loginAuth) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }

func (auth *loginAuth) Next(asked []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	switch string(asked) {
	case "Username:":
		return []byte(auth.user), nil
	case "Password:":
		return []byte(auth.password), nil
	}
	return nil, fmt.Errorf("unknown from server: %s", asked)
}

func deliver(client *smtp.Client, one job) error {
	if err := client.Mail(one.From); err != nil {
		return err
	}
	if err := client.Rcpt(one.To); err != nil {
		return err
	}
	writer, err := client.Data()
	if err != nil {
		return err
	}
	if _, err = io.WriteString(writer, "Subject: "+one.Subject+"\r\n\r\ntest\r\n"); err != nil {
		return err
	}
	if err = writer.Close(); err != nil {
		return err
	}
	return client.Quit()
}

func grafana(one job) error {
	names := map[string]string{}
	if one.Form == "file" {
		file, err := grafanaFile(one.File)
		if err != nil {
			return err
		}
		names = file.Section("smtp").KeysHash()
	} else {
		for _, key := range []string{"enabled", "host", "user", "password", "skip_verify", "from_address", "ehlo_identity", "startTLS_policy"} {
			if value := one.Env["GF_SMTP_"+strings.ToUpper(key)]; value != "" {
				names[key] = value
			}
		}
	}
	host, port, err := net.SplitHostPort(names["host"])
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	skip, _ := strconv.ParseBool(names["skip_verify"])
	dialer := mailv2.NewDialer(host, number, names["user"], names["password"])
	dialer.Timeout = 5 * time.Second
	dialer.TLSConfig = &tls.Config{InsecureSkipVerify: skip, ServerName: host}
	dialer.LocalName = names["ehlo_identity"]
	switch names["startTLS_policy"] {
	case "NoStartTLS":
		dialer.StartTLSPolicy = mailv2.NoStartTLS
	case "MandatoryStartTLS":
		dialer.StartTLSPolicy = mailv2.MandatoryStartTLS
	default:
		dialer.StartTLSPolicy = mailv2.OpportunisticStartTLS
	}
	message := mailv2.NewMessage()
	message.SetHeader("From", one.From)
	message.SetHeader("To", one.To)
	message.SetHeader("Subject", one.Subject)
	message.SetBody("text/plain", "test")
	return dialer.DialAndSend(message)
}

type autheliaSMTP struct {
	Address           string `yaml:"address"`
	DisableRequireTLS bool   `yaml:"disable_require_tls"`
	DisableStartTLS   bool   `yaml:"disable_starttls"`
	Username          string `yaml:"username"`
	Password          string `yaml:"password"`
	Sender            string `yaml:"sender"`
	Identifier        string `yaml:"identifier"`
	TLS               struct {
		ServerName string `yaml:"server_name"`
		SkipVerify bool   `yaml:"skip_verify"`
	} `yaml:"tls"`
}

func authelia(one job) error {
	var config struct {
		Notifier struct {
			SMTP autheliaSMTP `yaml:"smtp"`
		} `yaml:"notifier"`
	}
	if one.Form == "file" {
		if err := readYAML(one.File, &config); err != nil {
			return err
		}
	} else {
		get := func(key string) string { return one.Env["AUTHELIA_NOTIFIER_SMTP_"+key] }
		flag := func(key string) bool { value, _ := strconv.ParseBool(get(key)); return value }
		found := &config.Notifier.SMTP
		found.Address, found.Username, found.Password, found.Sender = get("ADDRESS"), get("USERNAME"), get("PASSWORD"), get("SENDER")
		found.Identifier, found.TLS.ServerName, found.TLS.SkipVerify = get("IDENTIFIER"), get("TLS_SERVER_NAME"), flag("TLS_SKIP_VERIFY")
		found.DisableRequireTLS, found.DisableStartTLS = flag("DISABLE_REQUIRE_TLS"), flag("DISABLE_STARTTLS")
	}
	found := config.Notifier.SMTP
	address, err := url.Parse(found.Address)
	if err != nil {
		return err
	}
	if _, err = netmail.ParseAddress(found.Sender); err != nil {
		return err
	}
	port, err := strconv.Atoi(address.Port())
	if err != nil {
		return err
	}
	name := found.TLS.ServerName
	if name == "" {
		name = address.Hostname()
	}
	options := []gomail.Option{gomail.WithTLSConfig(&tls.Config{ServerName: name, InsecureSkipVerify: found.TLS.SkipVerify})}
	switch {
	case address.Scheme == "submissions":
		options = append(options, gomail.WithSSL())
	case found.DisableStartTLS:
		options = append(options, gomail.WithTLSPortPolicy(gomail.NoTLS))
	case found.DisableRequireTLS:
		options = append(options, gomail.WithTLSPortPolicy(gomail.TLSOpportunistic))
	default:
		options = append(options, gomail.WithTLSPortPolicy(gomail.TLSMandatory))
	}
	if found.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(found.Username), gomail.WithPassword(found.Password))
	}
	return goMail(one, address.Hostname(), append(options, gomail.WithPort(port), gomail.WithHELO(found.Identifier)))
}

func goMail(one job, host string, options []gomail.Option) error {
	client, err := gomail.NewClient(host, append(options, gomail.WithTimeout(5*time.Second))...)
	if err != nil {
		return err
	}
	message := gomail.NewMsg()
	if err = message.From(one.From); err != nil {
		return err
	}
	if err = message.To(one.To); err != nil {
		return err
	}
	message.Subject(one.Subject)
	message.SetBodyString(gomail.TypeTextPlain, "test")
	return client.DialAndSend(message)
}

type vikunjaMailer struct {
	Enabled       bool   `yaml:"enabled"`
	Host          string `yaml:"host"`
	Port          int    `yaml:"port"`
	AuthType      string `yaml:"authtype"`
	Username      string `yaml:"username"`
	Password      string `yaml:"password"`
	SkipTLSVerify bool   `yaml:"skiptlsverify"`
	FromEmail     string `yaml:"fromemail"`
	ForceSSL      bool   `yaml:"forcessl"`
}

func vikunja(one job) error {
	var config struct {
		Mailer vikunjaMailer `yaml:"mailer"`
	}
	if one.Form == "file" {
		if err := readYAML(one.File, &config); err != nil {
			return err
		}
	} else {
		get := func(key string) string { return one.Env["VIKUNJA_MAILER_"+key] }
		flag := func(key string) bool { value, _ := strconv.ParseBool(get(key)); return value }
		port, err := strconv.Atoi(get("PORT"))
		if err != nil {
			return err
		}
		config.Mailer = vikunjaMailer{flag("ENABLED"), get("HOST"), port, get("AUTHTYPE"), get("USERNAME"), get("PASSWORD"), flag("SKIPTLSVERIFY"), get("FROMEMAIL"), flag("FORCESSL")}
	}
	found := config.Mailer
	if !found.Enabled {
		return errors.New("mailer is not enabled")
	}
	mechanisms := map[string]gomail.SMTPAuthType{"plain": gomail.SMTPAuthPlain, "login": gomail.SMTPAuthLogin, "cram-md5": gomail.SMTPAuthCramMD5}
	options := []gomail.Option{
		gomail.WithTLSPortPolicy(gomail.TLSOpportunistic),
		gomail.WithTLSConfig(&tls.Config{ServerName: found.Host, InsecureSkipVerify: found.SkipTLSVerify}),
		gomail.WithPort(found.Port),
	}
	if found.ForceSSL {
		options = append(options, gomail.WithSSLPort(false), gomail.WithPort(found.Port))
	}
	if found.Username != "" {
		options = append(options, gomail.WithSMTPAuth(mechanisms[found.AuthType]), gomail.WithUsername(found.Username), gomail.WithPassword(found.Password))
	}
	return goMail(one, found.Host, options)
}
