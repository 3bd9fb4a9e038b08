package mail

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clientele/internal/fault"

	gomail "github.com/wneessen/go-mail"
)

// SMTP sends through a mail server.
type SMTP struct {
	host string
	opts []gomail.Option
	from string // with a display name
}

var errSMTPURL = fault.New(fault.Invalid, "smtp-url", "CLIENTELE_SMTP_URL cannot be read: use smtp://user:password@host:587 or smtps://user:password@host:465.")

// NewSMTP reads a mail server's URL: smtp://user:password@host:587 speaks
// STARTTLS where the server offers it (?tls=required insists), smtps:// TLS
// from the first byte. from is the sender, "Name <address>".
func NewSMTP(rawURL, from string) (*SMTP, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, errSMTPURL
	}
	if err := gomail.NewMsg().From(from); err != nil {
		return nil, fault.New(fault.Invalid, "mail-from", "The sender "+from+" is no mail address: give one in CLIENTELE_MAIL_FROM, like no-reply@example.com.")
	}
	opts := []gomail.Option{gomail.WithTimeout(30 * time.Second), gomail.WithoutNoop()}
	port := map[string]int{"smtp": 587, "smtps": 465}[u.Scheme]
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return nil, errSMTPURL
		}
	}
	opts = append(opts, gomail.WithPort(port))
	switch {
	case u.Scheme == "smtps":
		opts = append(opts, gomail.WithSSL())
	case u.Query().Get("tls") == "required":
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case u.Query().Get("tls") == "none":
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	case u.Query().Get("tls") == "":
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		return nil, fault.New(fault.Invalid, "smtp-url", "CLIENTELE_SMTP_URL has a tls= that is neither required nor none: use one of them, or leave it out to encrypt where the server can.")
	}
	if user := u.User.Username(); user != "" {
		password, _ := u.User.Password()
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(user), gomail.WithPassword(password))
	}
	return &SMTP{host: u.Hostname(), opts: opts, from: from}, nil
}

// Send hands one message to the server.
func (s *SMTP) Send(ctx context.Context, to Address, messageID string, m Rendered) error {
	msg := gomail.NewMsg()
	if err := errors.Join(msg.From(s.from), msg.To(to.String())); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(messageID)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	client, err := gomail.NewClient(s.host, s.opts...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	var send *gomail.SendError
	if !errors.As(err, &send) {
		return err
	}
	if !send.IsTemp() && send.ErrorCode() >= 500 {
		return fmt.Errorf("%w: %s", ErrRefused, answer(send))
	}
	return errors.New(answer(send))
}

// answer is what the server said. Which message it was about is known.
func answer(err error) string {
	said, _, _ := strings.Cut(err.Error(), ", affected ")
	return said
}
