package setting

import (
	"net"
	"strconv"
	"strings"

	"clientele/internal/fault"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

func readHost(v *Values, typed string) (string, error) {
	host := strings.ToLower(strings.TrimSpace(typed))
	bad := fault.Field("mail_host", "Give the name of the server alone, like mail.example.com, without a port.")
	if host != "" && net.ParseIP(strings.Trim(host, "[]")) == nil && !isHost(host) {
		return host, bad
	}
	v.server.Host = strings.Trim(host, "[]")
	return host, nil
}

// isHost tells what can be a name in the DNS.
func isHost(s string) bool {
	if len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" || label[0] == '-' {
			return false
		}
	}
	return true
}

func readPort(v *Values, typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	v.server.Port = 0
	if typed == "" {
		return "", nil
	}
	n, err := strconv.Atoi(typed)
	if err != nil || n < 1 || n > 65535 {
		return typed, fault.Field("mail_port", "Give a number from 1 to 65535, or leave it empty for the usual port.")
	}
	v.server.Port = n
	return strconv.Itoa(n), nil
}

func readUser(v *Values, typed string) (text string, err error) {
	v.server.User, err = plain.Line(typed, 200)
	return v.server.User, err
}

// readSecret takes the mark that stands for the password, which is sealed
// elsewhere.
func readSecret(_ *Values, mark string) (string, error) { return mark, nil }

// readFrom reads the sender. With the start it may be given with a name.
func readFrom(v *Values, typed string) (string, error) {
	v.server.From = strings.TrimSpace(typed)
	if v.server.From == "" {
		return "", nil
	}
	a, err := mail.ParseAddress(v.server.From)
	if err == nil {
		v.server.From = a.String()
	}
	return v.server.From, err
}

// together holds settings against each other that each are right alone.
func (v *Values) together() error {
	var f fault.Form
	if v.SessionIdle > v.SessionLife {
		f.Add("session_idle", "This is longer than the time after which everybody is signed out in any case. Give at most "+Span(v.SessionLife)+".")
	}
	if v.StaffSessionIdle > v.StaffSessionLife {
		f.Add("staff_idle", "This is longer than the time after which staff are signed out in any case. Give at most "+Span(v.StaffSessionLife)+".")
	}
	if v.server.User != "" && v.server.Security == mail.Open {
		f.Add("mail_security", "The password would be sent for everybody to read. Choose an encryption, or leave the user name empty.")
	}
	if v.server.User != "" && v.server.Host == "" {
		f.Add("mail_host", "Give the name of the server too, or leave the user name empty.")
	}
	return f.Err()
}

// connect makes the sender of the mail server that is set.
func (v *Values) connect(from string) (err error) {
	v.server.Name, v.server.ReplyTo, v.sender = v.Brand, v.Support, nil
	if v.server.From == "" {
		v.server.From = from
	}
	if v.server.Host == "" {
		return nil
	}
	smtp, err := mail.NewSMTP(v.server)
	if err == nil {
		v.sender = smtp
	}
	return err
}

// Sending is what the outbox needs to know of the settings.
func (v *Values) Sending() mail.Sending {
	s := mail.Sending{Brand: v.Brand, Support: v.Support, Sender: v.sender, Button: "#3f4fd0", OnButton: "#ffffff", Languages: v.Languages}
	if !v.Accent.IsZero() {
		light := v.Accent.Light()
		s.Button, s.OnButton = light.Fill.String(), light.OnFill.String()
	}
	return s
}
