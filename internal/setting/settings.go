package setting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/mail"
	"clientele/internal/password"
	"clientele/internal/seal"
)

// Settings keeps the settings that are in force.
type Settings struct {
	db    *db.DB
	key   seal.Key
	from  string            // the sender where none is set
	given map[string]string // by key, what was given with the start
	named map[string]string // by key, what it was given as
	smtp  mail.Server       // the one that was given, with its password
	mu    sync.Mutex        // held while they are read anew
	now   atomic.Pointer[Values]
}

// Open reads the settings. What was given with the start and is wrong is an
// error that says what to mend.
func Open(ctx context.Context, d *db.DB, key seal.Key, c config.Settled) (*Settings, error) {
	s := &Settings{db: d, key: key, from: c.Sender(), given: map[string]string{}, named: map[string]string{}}
	give := func(key, named, text string) {
		if text != "" {
			s.given[key], s.named[key] = text, named
		}
	}
	give("brand", "CLIENTELE_BRAND", c.Brand)
	give("signup", "CLIENTELE_SIGNUP", c.SignUp)
	if c.PasswordLength != 0 {
		give("password_length", "CLIENTELE_PASSWORD_LENGTH", strconv.Itoa(c.PasswordLength))
	}
	give("mail_from", "CLIENTELE_MAIL_FROM", c.MailFrom)
	if c.SMTPURL != "" {
		var err error
		if s.smtp, err = mail.ParseServer(c.SMTPURL); err != nil {
			return nil, err
		}
		for _, key := range []string{"mail_host", "mail_security", "mail_port", "mail_user", "mail_password"} {
			s.named[key] = "CLIENTELE_SMTP_URL"
		}
	}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Current is the settings in force. They do not change: whoever needs them
// twice and the same keeps them.
func (s *Settings) Current() *Values { return s.now.Load() }

// Brand is what the installation calls itself.
func (s *Settings) Brand() string { return s.Current().Brand }

// PasswordRules are what new passwords are held to.
func (s *Settings) PasswordRules() password.Rules {
	v := s.Current()
	return password.Rules{Brand: v.Brand, MinLength: v.PasswordLength}
}

// Sending is what the outbox needs to know of them.
func (s *Settings) Sending() mail.Sending { return s.Current().Sending() }

// GivenBy names the variable by which a setting was given with the start, so
// that it cannot be changed here.
func (s *Settings) GivenBy(key string) (variable string, given bool) {
	variable, given = s.named[key]
	return variable, given
}

// VersionSQL reads the version as a column of another query, for Seen.
const VersionSQL = "(SELECT version FROM settings WHERE id = 1)"

// Refresh makes Current as new as the database is now. Whatever begins, a
// request or a job, does it once.
func (s *Settings) Refresh(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "setting.Refresh")
	var version int64
	err = s.db.Peek(ctx, db.Nothing, func(tx *db.Tx) error {
		version, err = db.One[int64](tx, "SELECT version FROM settings WHERE id = 1")
		return err
	})
	if err != nil {
		return err
	}
	return s.Seen(ctx, version)
}

// Seen is Refresh for who has read the version along with something else.
func (s *Settings) Seen(ctx context.Context, version int64) error {
	if s.Current().Version == version {
		return nil
	}
	return s.load(ctx)
}

// load reads the settings anew.
func (s *Settings) load(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "setting.load")
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		r, err := read(tx, "")
		if err != nil {
			return err
		}
		v, err := s.valuesOf(tx, r)
		if err == nil {
			s.now.Store(v)
		}
		return err
	})
}

// A row is the settings as the database keeps them.
type row struct {
	Version int64
	Body    string
	Sealed  string
	texts   map[string]string
}

func read(tx *db.Tx, lock string) (r row, err error) {
	if lock != "" {
		r, err = db.One[row](tx, lock)
	} else {
		r, err = db.One[row](tx, "SELECT version, body, sealed FROM settings WHERE id = 1")
	}
	if err == nil {
		err = json.Unmarshal([]byte(r.Body), &r.texts)
	}
	return r, err
}

const passwordPlace = "settings/mail_password/1"

// valuesOf makes the settings that are in force from what is stored.
func (s *Settings) valuesOf(tx *db.Tx, r row) (*Values, error) {
	v := &Values{Version: r.Version, Logo: r.texts["logo"], texts: map[string]string{}}
	for _, f := range fields {
		if err := s.apply(v, f, r.texts); err != nil {
			return nil, err
		}
	}
	switch {
	case s.smtp.Host != "":
		s.smtp.From = v.server.From
		v.server = s.smtp
	case r.Sealed != "":
		secret, err := s.key.Open(passwordPlace, r.Sealed)
		if err != nil && !errors.Is(err, seal.ErrOpen) {
			return nil, err
		}
		v.server.Password = string(secret)
	}
	if err := v.connect(s.from); err != nil {
		return nil, fmt.Errorf("the sender of mail cannot be used: %w", err)
	}
	var err error
	v.Terms, err = readTerms(tx)
	return v, err
}

// apply sets one setting: as given with the start, as stored, or its default.
// What is stored and no longer allowed, as after an upgrade that narrows the
// bounds, is as if it were not.
func (s *Settings) apply(v *Values, f Field, stored map[string]string) (err error) {
	text, here := stored[f.Key]
	if given, ok := s.given[f.Key]; ok {
		if v.texts[f.Key], err = f.read(v, given); err != nil && f.Key != "mail_from" {
			return fmt.Errorf("%s is %q: %w", s.named[f.Key], given, err)
		}
		return nil
	}
	if here {
		if v.texts[f.Key], err = f.read(v, text); err == nil {
			return nil
		}
	}
	v.texts[f.Key], err = f.read(v, f.Default)
	return err
}
