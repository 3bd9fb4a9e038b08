package staff

import (
	"context"
	"time"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/setting"
)

// ChangeSettings changes one section of the settings.
func (s *Staff) ChangeSettings(ctx context.Context, by For[Configure], section setting.Section, f setting.Form) (err error) {
	defer fault.Wrap(&err, "staff.ChangeSettings(%s)", section)
	return s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		return s.settings.Change(tx, section, f, by.Actor())
	})
}

// SetLogo puts a picture in place of the logo.
func (s *Staff) SetLogo(ctx context.Context, by For[Configure], file []byte) (err error) {
	defer fault.Wrap(&err, "staff.SetLogo")
	picture, err := setting.ParseLogo(file)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		return s.settings.SetLogo(tx, picture, by.Actor())
	})
}

// RemoveLogo takes the logo away.
func (s *Staff) RemoveLogo(ctx context.Context, by For[Configure]) (err error) {
	defer fault.Wrap(&err, "staff.RemoveLogo")
	return s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		return s.settings.SetLogo(tx, nil, by.Actor())
	})
}

// PublishTerms sets the terms that people accept.
func (s *Staff) PublishTerms(ctx context.Context, by For[Configure], t setting.TypedTerms) (err error) {
	defer fault.Wrap(&err, "staff.PublishTerms")
	return s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		return s.settings.Publish(tx, t, by.Actor())
	})
}

// testLimit bounds test messages: each may keep a request waiting.
var testLimit = auth.Limit{Hits: 10, Per: 10 * time.Minute}

// TestMail sends a message to the operator's own address at once, and says in
// words what the mail server has answered; nothing where it took the message.
func (s *Staff) TestMail(ctx context.Context, by For[Configure]) (problem string, err error) {
	defer fault.Wrap(&err, "staff.TestMail")
	var wait time.Duration
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) (err error) {
		wait, err = testLimit.Take(tx, "staff.test_mail:"+id.String(by.Staff()))
		return err
	})
	if err != nil {
		return "", err
	}
	if wait > 0 {
		return "", fault.Wait("test-mail", "Too many test messages. Wait a few minutes and try again.", wait)
	}
	outcome := "the mail server took it"
	if bad := s.outbox.Test(ctx, by.Address()); bad != nil {
		problem, outcome = mail.Explain(bad), "the mail server did not take it"
	}
	return problem, s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		return audit.Write(tx, by.Actor(), audit.Record{Event: "settings.mail_tested", Object: "settings", After: map[string]string{"outcome": outcome}})
	})
}

// MailTrouble counts the messages that wait after a try that failed.
func (s *Staff) MailTrouble(ctx context.Context, by For[Configure]) (n int64, err error) {
	defer fault.Wrap(&err, "staff.MailTrouble")
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		n, err = s.outbox.Trouble(tx)
		return err
	})
	return n, err
}
