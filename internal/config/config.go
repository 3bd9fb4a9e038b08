// Package config is the settings that are needed before the database opens.
// Each can be given as a flag, in the environment or in a TOML file; secrets
// also as the path of a file that holds them.
package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"clientele/internal/plain"
)

// Config is the settings. Those of the brand, of signing up, of passwords and
// of mail can also be changed in the staff area, unless they are given here:
// then they stand, and an empty one is not given. The tags are the flags' names, the variables and
// the help that `clientele --help` prints.
type Config struct {
	DatabaseURL    string   `name:"database-url" env:"CLIENTELE_DATABASE_URL" default:"sqlite://./data/clientele.db" help:"Where the data is: sqlite://PATH or postgres://…"`
	DatabaseFile   string   `name:"database-url-file" env:"CLIENTELE_DATABASE_URL_FILE" help:"File that holds the database URL."`
	AllowBypass    bool     `name:"allow-bypass" env:"CLIENTELE_ALLOW_BYPASS" help:"Start also as a PostgreSQL role that row-level security does not bind."`
	Listen         string   `env:"CLIENTELE_LISTEN" default:"127.0.0.1:8080" help:"Address and port to listen on."`
	BaseURL        string   `name:"base-url" env:"CLIENTELE_BASE_URL" default:"http://localhost:8080" help:"Where visitors find this server. Every link is built from it."`
	SMTPURL        string   `name:"smtp-url" env:"CLIENTELE_SMTP_URL" help:"Mail server: smtp://user:password@host:587 or smtps://…. Without one, mail is kept and shown in the staff area."`
	SMTPFile       string   `name:"smtp-url-file" env:"CLIENTELE_SMTP_URL_FILE" help:"File that holds the mail server's URL."`
	MailFrom       string   `name:"mail-from" env:"CLIENTELE_MAIL_FROM" help:"Sender of all mail. By default no-reply at the base URL's host."`
	SecretKeyFile  string   `name:"secret-key-file" env:"CLIENTELE_SECRET_KEY_FILE" help:"File with the key that seals secrets. By default in the data folder, made at the first start."`
	TrustedProxies []string `name:"trusted-proxies" env:"CLIENTELE_TRUSTED_PROXIES" help:"Addresses or networks of proxies whose X-Forwarded-For is believed."`
	Brand          string   `env:"CLIENTELE_BRAND" help:"What your company calls itself towards customers."`
	SignUp         string   `name:"signup" env:"CLIENTELE_SIGNUP" help:"Who may sign up: open, or by invitation only."`
	PasswordLength int      `name:"password-length" env:"CLIENTELE_PASSWORD_LENGTH" help:"How many characters a new password has at least, 8 to 64."`
	GeoFile        string   `name:"geo-file" env:"CLIENTELE_GEO_FILE" help:"File in MaxMind's format that tells where addresses are, by city or by country. Without one, sessions show no place."`
	BackupDir      string   `name:"backup-dir" env:"CLIENTELE_BACKUP_DIR" help:"Folder that gets a backup every day. Without one, backups are made by hand only, in the data folder."`
	BackupKeep     int      `name:"backup-keep" env:"CLIENTELE_BACKUP_KEEP" default:"14" help:"How many backups stay in that folder, 1 to 1000; older ones are removed."`
	LogFormat      string   `name:"log-format" env:"CLIENTELE_LOG_FORMAT" default:"auto" enum:"auto,text,json" help:"auto prints for people on a terminal, and JSON elsewhere."`
}

// defaultDatabase is where the data is if nobody says otherwise.
const defaultDatabase = "sqlite://./data/clientele.db"

// Settled is the settings, read and found to fit together.
type Settled struct {
	Config
	Base    *url.URL
	Proxies []netip.Prefix
	KeyFile string
}

// Settle reads the files and checks the values. Its errors say which setting
// to mend.
func (c Config) Settle() (s Settled, err error) {
	if err := c.readFiles(); err != nil {
		return s, err
	}
	s.Config = c
	if s.Base, err = parseBase(c.BaseURL); err != nil {
		return s, err
	}
	if s.Proxies, err = parseProxies(c.TrustedProxies); err != nil {
		return s, err
	}
	if err := c.checkListen(); err != nil {
		return s, err
	}
	if s.Brand, err = plain.Line(c.Brand, plain.NameLength); err != nil {
		return s, fmt.Errorf("CLIENTELE_BRAND is %q: give the name of your company, in one line of at most %d characters", c.Brand, plain.NameLength)
	}
	if s.PasswordLength, err = parseLength(c.PasswordLength); err != nil {
		return s, err
	}
	if c.SignUp != "" && c.SignUp != "open" && c.SignUp != "invitation" {
		return s, fmt.Errorf("CLIENTELE_SIGNUP is %q: use open, or invitation", c.SignUp)
	}
	if s.BackupKeep, err = parseKeep(c.BackupKeep); err != nil {
		return s, err
	}
	s.KeyFile = c.SecretKeyFile
	if s.KeyFile == "" {
		s.KeyFile = filepath.Join(c.dataFolder(), "secret.key")
	}
	return s, nil
}

func (c *Config) readFiles() error {
	for _, f := range []struct {
		path, setting string
		to            *string
		unset         string
	}{{c.DatabaseFile, "CLIENTELE_DATABASE_URL", &c.DatabaseURL, defaultDatabase}, {c.SMTPFile, "CLIENTELE_SMTP_URL", &c.SMTPURL, ""}} {
		if f.path == "" {
			continue
		}
		if *f.to != f.unset && *f.to != "" {
			return fmt.Errorf("%[1]s and %[1]s_FILE are both set: keep one of them", f.setting)
		}
		text, err := os.ReadFile(f.path)
		if err != nil {
			return fmt.Errorf("%s_FILE names a file that cannot be read: %w; make it readable, or correct the path", f.setting, err)
		}
		if *f.to = strings.TrimSpace(string(text)); *f.to == "" {
			return fmt.Errorf("%s_FILE names an empty file: write the URL into %s", f.setting, f.path)
		}
	}
	return nil
}

func (c Config) checkListen() error {
	_, port, err := net.SplitHostPort(c.Listen)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return fmt.Errorf("CLIENTELE_LISTEN is %q: give an address and a port, like 127.0.0.1:8080, or :8080 for all addresses", c.Listen)
	}
	return nil
}

// dataFolder is where the SQLite file is, or ./data.
func (c Config) dataFolder() string {
	if path, ok := strings.CutPrefix(c.DatabaseURL, "sqlite://"); ok {
		return filepath.Dir(path)
	}
	return "data"
}

func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("CLIENTELE_BASE_URL is %q: give the address that visitors type, like https://my.example.com", s)
	}
	if strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("CLIENTELE_BASE_URL has a path, %q: Clientele needs a host name of its own, like https://my.example.com", u.Path)
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return nil, fmt.Errorf("CLIENTELE_BASE_URL has the host %q: write it as browsers send it, beginning with xn--", u.Host)
	}
	u.Path = ""
	u.Host = asSent(u)
	return u, nil
}

// asSent is the host as browsers send it, in Host and Origin alike.
func asSent(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; u.Port() != "" {
		host = strings.TrimSuffix(host, port)
	}
	return host
}

func parseProxies(list []string) (out []netip.Prefix, err error) {
	for _, s := range list {
		s = strings.TrimSpace(s)
		p, err := netip.ParsePrefix(s)
		if a, e := netip.ParseAddr(s); err != nil && e == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("CLIENTELE_TRUSTED_PROXIES has %q: give addresses like 10.0.0.1 or networks like 10.0.0.0/8", s)
		}
		out = append(out, p)
	}
	return out, nil
}

// parseLength checks the least length of passwords; 0 is none given.
func parseLength(n int) (int, error) {
	if n != 0 && (n < 8 || n > 64) {
		return 0, fmt.Errorf("CLIENTELE_PASSWORD_LENGTH is %d: give the number of characters that a password must have, from 8 to 64", n)
	}
	return n, nil
}

// parseKeep checks how many backups stay. None is the default's.
func parseKeep(n int) (int, error) {
	if n == 0 {
		return 14, nil
	}
	if n < 1 || n > 1000 {
		return 0, fmt.Errorf("CLIENTELE_BACKUP_KEEP is %d: give the number of backups that stay in the folder, from 1 to 1000", n)
	}
	return n, nil
}

// DataFolder is the folder in which this installation keeps its files: that of
// the SQLite file, or else that of the secret key.
func (s Settled) DataFolder() string {
	if strings.HasPrefix(s.DatabaseURL, "sqlite://") {
		return s.dataFolder()
	}
	return filepath.Dir(s.KeyFile)
}

// Backups is the folder of the backups that the server makes, and whether it
// makes one every day.
func (s Settled) Backups() (folder string, daily bool) {
	if s.BackupDir != "" {
		return s.BackupDir, true
	}
	return filepath.Join(s.DataFolder(), "backups"), false
}

// Sender is the address that mail comes from where nobody has set one.
func (s Settled) Sender() string {
	host := s.Base.Hostname()
	if host == "localhost" || !strings.Contains(host, ".") {
		host += ".localdomain"
	}
	return "no-reply@" + host
}

// Warnings are settings that work and are most likely not what is meant.
func (s Settled) Warnings() (out []string) {
	local := s.Base.Hostname() == "localhost" || strings.HasPrefix(s.Base.Hostname(), "127.")
	if s.Base.Scheme == "http" && !local {
		out = append(out, "the base URL is not https: sessions can be stolen on the way")
	}
	return out
}

// inStaffArea stands for a setting that was not given.
const inStaffArea = "not given: as set in the staff area"

// orElse is a setting, or where it is set.
func orElse(text string) string {
	if text == "" {
		return inStaffArea
	}
	return text
}

// Lines prints the settings as they are in force, without secrets.
func (s Settled) Lines() []string {
	smtp := inStaffArea
	if s.SMTPURL != "" {
		smtp = plain.URL(s.SMTPURL)
	}
	places := s.GeoFile
	if places == "" {
		places = "none: sessions show no place"
	}
	length := ""
	if s.PasswordLength != 0 {
		length = strconv.Itoa(s.PasswordLength)
	}
	backups := "none: no backups are made by themselves"
	if s.BackupDir != "" {
		backups = fmt.Sprintf("%s, the last %d", s.BackupDir, s.BackupKeep)
	}
	return []string{
		"database-url     " + plain.URL(s.DatabaseURL),
		fmt.Sprintf("allow-bypass     %t", s.AllowBypass),
		"listen           " + s.Listen,
		"base-url         " + s.Base.String(),
		"smtp-url         " + smtp,
		"mail-from        " + orElse(s.MailFrom),
		"secret-key-file  " + s.KeyFile,
		"trusted-proxies  " + strings.Join(s.TrustedProxies, " "),
		"brand            " + orElse(s.Brand),
		"signup           " + orElse(s.SignUp),
		"password-length  " + orElse(length),
		"geo-file         " + places,
		"backup-dir       " + backups,
		"log-format       " + s.LogFormat,
	}
}
