package mail

import (
	"net/url"
	"strconv"

	"clientele/internal/fault"

	gomail "github.com/wneessen/go-mail"
)

// A Security says how a conversation with a mail server is kept from others.
type Security string

// The securities.
const (
	StartTLS Security = "starttls" // or nothing is sent
	TLS      Security = "tls"      // from the first byte
	Offered  Security = "offered"  // STARTTLS where the server has it
	Open     Security = "none"
)

// A Server is a mail server and how it is spoken to.
type Server struct {
	Host     string
	Port     int // 0 for the usual one
	Security Security
	User     string
	Password string
	From     string  // the sender: an address, or "Name <address>"
	Name     string  // of the sender, where From has none
	ReplyTo  Address // where answers go; may be zero
}

var errSMTPURL = fault.New(fault.Invalid, "smtp-url", "CLIENTELE_SMTP_URL cannot be read: use smtp://user:password@host:587 or smtps://user:password@host:465.")

// ParseServer reads a mail server's URL: smtp://user:password@host:587 speaks
// STARTTLS where the server offers it (?tls=required insists), smtps:// TLS
// from the first byte.
func ParseServer(rawURL string) (s Server, err error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return s, errSMTPURL
	}
	s.Host = u.Hostname()
	if u.Port() != "" {
		if s.Port, err = strconv.Atoi(u.Port()); err != nil || s.Port < 1 || s.Port > 65535 {
			return s, errSMTPURL
		}
	}
	ways := map[string]Security{"": Offered, "required": StartTLS, "none": Open}
	s.Security = ways[u.Query().Get("tls")]
	if u.Scheme == "smtps" {
		s.Security = TLS
	}
	if s.Security == "" {
		return s, fault.New(fault.Invalid, "smtp-url", "CLIENTELE_SMTP_URL has a tls= that is neither required nor none: use one of them, or leave it out to encrypt where the server can.")
	}
	s.User = u.User.Username()
	s.Password, _ = u.User.Password()
	return s, nil
}

// port is the one that is spoken to.
func (s Server) port() int {
	switch {
	case s.Port != 0:
		return s.Port
	case s.Security == TLS:
		return 465
	}
	return 587
}

// String names the server, without its password.
func (s Server) String() string {
	if s.Host == "" {
		return ""
	}
	return s.Host + ":" + strconv.Itoa(s.port())
}

// sender is the From of every mail.
func (s Server) sender(msg *gomail.Msg) error {
	if a, err := ParseAddress(s.From); err == nil && s.Name != "" {
		return msg.FromFormat(s.Name, a.String())
	}
	return msg.From(s.From)
}

// options are how the library speaks to the server.
func (s Server) options() []gomail.Option {
	opts := []gomail.Option{gomail.WithTimeout(sendTimeout), gomail.WithoutNoop(), gomail.WithPort(s.port())}
	switch s.Security {
	case TLS:
		opts = append(opts, gomail.WithSSL())
	case StartTLS:
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case Open:
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	}
	if s.User != "" {
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
	}
	return opts
}
