package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"clientele/internal/fault"

	gomail "github.com/wneessen/go-mail"
)

// sendTimeout bounds one conversation with a mail server.
const sendTimeout = 30 * time.Second

// SMTP sends through a mail server.
type SMTP struct{ server Server }

// NewSMTP makes the sender of a server.
func NewSMTP(s Server) (*SMTP, error) {
	if err := s.sender(gomail.NewMsg()); err != nil {
		return nil, fault.New(fault.Invalid, "mail-from", "The sender "+s.From+" is no mail address: give one in CLIENTELE_MAIL_FROM, like no-reply@example.com.")
	}
	return &SMTP{server: s}, nil
}

// Send hands one message to the server.
func (s *SMTP) Send(ctx context.Context, to Address, messageID string, m Rendered) error {
	msg := gomail.NewMsg()
	if err := errors.Join(s.server.sender(msg), msg.To(to.String())); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if !s.server.ReplyTo.IsZero() {
		if err := msg.ReplyTo(s.server.ReplyTo.String()); err != nil {
			return fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(messageID)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	client, err := gomail.NewClient(s.server.Host, s.server.options()...)
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

// Explain says in words why a mail server did not take a message, and what to
// mend.
func Explain(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var header tls.RecordHeaderError
	text := said(err.Error())
	switch {
	case errors.As(err, &dns):
		return "There is no server of this name. Look at its spelling."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nothing listens there. Look at the port, and whether the server runs."
	case errors.As(err, &certificate), errors.As(err, &unknown):
		return "The server's certificate is not valid for this name. Its answer: " + text
	case errors.As(err, &header):
		return "The server does not speak TLS from the first byte on this port. Choose STARTTLS, or port 465."
	case strings.Contains(strings.ToLower(text), "starttls"):
		return "The server does not offer STARTTLS on this port. Choose another encryption. Its answer: " + text
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "The server did not answer in time. Look at its name and port, and whether a firewall stands between."
	case strings.Contains(text, "535"), strings.Contains(strings.ToLower(text), "auth"):
		return "The server does not take the user name and the password. Its answer: " + text
	case errors.Is(err, ErrRefused):
		return "The server was reached, and does not take the message. Its answer: " + text
	}
	return "The message could not be handed over: " + text
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
