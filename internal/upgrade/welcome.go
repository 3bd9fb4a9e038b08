package upgrade

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
)

// What Welcome can mail.
const (
	WelcomePasswords   = "passwords"
	WelcomeFactors     = "factors"
	WelcomeInvitations = "invitations"
)

// Welcome are the mails that an upgrade asks for. Whoever signs in as before
// gets none.
type Welcome struct {
	Passwords   int64 // to those who have to set a password
	Factors     int64 // to those whose second factor was left behind
	Invitations int64
	Later       int64 // invitations that wait: a mailbox gets three in a day
}

// Sum is how many mails there are.
func (w Welcome) Sum() int64 { return w.Passwords + w.Factors + w.Invitations }

// A telling is somebody who has to be told something.
type telling struct {
	SourceID int64
	Kind     string
	UserID   id.User
	Name     string
	Address  mail.Address
	Language string
	Needs    string
	Password string
	Second   bool
}

// Welcome mails those who have something to do after an upgrade, each once: it
// can be cut off and run again. With dry it only counts. only names what is to
// be mailed; empty is everything.
func (u *Upgrade) Welcome(ctx context.Context, name, only string, dry bool) (w Welcome, err error) {
	if !dry && u.Outbox.Sends() && isLocal(u.BaseURL) {
		return w, fmt.Errorf("the links in the mails would lead to %s, where nobody but this machine finds them: set CLIENTELE_BASE_URL, and all else as the server has it", u.BaseURL)
	}
	var number id.Import
	err = u.DB.Read(ctx, db.Wide, func(tx *db.Tx) (err error) {
		number, err = db.One[id.Import](tx, "SELECT id FROM imports WHERE name = $1 AND done_at IS NOT NULL", name)
		return err
	})
	if errors.Is(err, db.ErrNone) {
		return w, fmt.Errorf("no upgrade named %q has been run to its end, so there is nobody to welcome", name)
	}
	if err != nil {
		return w, err
	}
	m := &welcoming{Upgrade: u, number: number, only: only, dry: dry}
	if only != WelcomeInvitations {
		err = m.people(ctx)
	}
	if err == nil && (only == "" || only == WelcomeInvitations) {
		err = m.invitations(ctx)
	}
	return m.done, err
}

// isLocal reports whether an address leads to the machine itself.
func isLocal(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return true
	}
	at := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || at != nil && at.IsLoopback()
}

type welcoming struct {
	*Upgrade
	number id.Import
	only   string
	dry    bool
	done   Welcome
}

// step does one step, and counts what it did once it is done.
func (m *welcoming) step(ctx context.Context, do func(tx *db.Tx, w *Welcome) error) error {
	run := m.DB.Write
	if m.dry {
		run = m.DB.Read
	}
	var w Welcome
	err := patiently(ctx, func() error {
		return run(ctx, db.Wide, func(tx *db.Tx) error {
			w = Welcome{}
			return do(tx, &w)
		})
	})
	if err == nil {
		m.done = Welcome{m.done.Passwords + w.Passwords, m.done.Factors + w.Factors, m.done.Invitations + w.Invitations, m.done.Later + w.Later}
	}
	return err
}

// perWelcome is how many are mailed in one transaction.
const perWelcome = 100

// people mails those who need a password or had a second factor.
func (m *welcoming) people(ctx context.Context) error {
	for after := (telling{SourceID: -1 << 62}); ; {
		var part []telling
		err := m.step(ctx, func(tx *db.Tx, w *Welcome) (err error) {
			part, err = db.All[telling](tx, `
				SELECT r.source_id, r.kind, u.id AS user_id, u.name, u.address, u.language, r.needs, u.password, u.second_since IS NOT NULL AS second
				FROM import_rows r JOIN users u ON u.id = r.target_id
				WHERE r.import_id = $1 AND r.kind IN `+loginKinds+` AND (r.kind, r.source_id) > ($2, $3) AND r.needs <> '' AND r.told_at IS NULL AND u.status = 'active'
					AND EXISTS (SELECT 1 FROM memberships m JOIN accounts a ON a.id = m.account_id WHERE m.user_id = u.id AND m.status <> 'ended' AND a.status <> 'closed')
				ORDER BY r.kind, r.source_id LIMIT $4`, m.number, after.Kind, after.SourceID, perWelcome)
			for _, t := range part {
				if err == nil {
					err = m.tell(tx, t, w)
				}
			}
			return err
		})
		if err != nil || len(part) < perWelcome {
			return err
		}
		after = part[len(part)-1]
	}
}

// tell mails one person what she has to do, if she has not done it.
func (m *welcoming) tell(tx *db.Tx, t telling, w *Welcome) error {
	needs := t.Needs
	if strings.Contains(needs, "password") && m.only != WelcomeFactors {
		if t.Password == "" && !t.Address.IsNowhere() {
			w.Passwords++
			if err := m.send(tx, t.UserID, m.passwordMail(t)); err != nil {
				return err
			}
		}
		needs = strings.ReplaceAll(needs, "password", "")
	}
	if strings.Contains(needs, "factor") && m.only != WelcomePasswords {
		if !t.Second {
			w.Factors++
			if err := m.send(tx, t.UserID, m.factorMail(t)); err != nil {
				return err
			}
		}
		needs = strings.ReplaceAll(needs, "factor", "")
	}
	if needs = strings.TrimSpace(needs); m.dry || needs == t.Needs {
		return nil
	}
	told := db.SomeUnlessZero(tx.Now)
	told.Valid = needs == ""
	_, err := db.Exec(tx, "UPDATE import_rows SET needs = $4, told_at = $5 WHERE import_id = $1 AND kind = $2 AND source_id = $3", m.number, t.Kind, t.SourceID, needs, told)
	return err
}

func (m *welcoming) send(tx *db.Tx, u id.User, message mail.Message) error {
	if m.dry {
		return nil
	}
	_, err := m.Outbox.Send(tx, message)
	return err
}

func (m *welcoming) passwordMail(t telling) mail.Message {
	return mail.Message{
		Kind: "welcome-password", Class: mail.Bulk, To: t.Address, User: t.UserID, Language: t.Language, Subject: locale.T("Set a new password for {brand}", "brand", m.Brand),
		Lines: []locale.Text{
			locale.T("{brand} runs on a new system now. Your accounts are there as before, with what you may do in each, but your old password could not be taken along.", "brand", m.Brand),
			locale.T("Choose a new one: open the page, enter this mail address, and follow the link that is mailed to you."),
		},
		Action:  mail.Action{Label: locale.T("Set a password"), URL: m.BaseURL + "/recover"},
		Closing: []locale.Text{locale.T("If you do nothing, your accounts stay as they are, and nobody can sign in with the old password.")},
	}
}

func (m *welcoming) factorMail(t telling) mail.Message {
	return mail.Message{
		Kind: "welcome-factor", Class: mail.Bulk, To: t.Address, User: t.UserID, Language: t.Language, Subject: locale.T("Set up your second factor at {brand} again", "brand", m.Brand),
		Lines: []locale.Text{
			locale.T("{brand} runs on a new system now. The second factor with which you signed in could not be taken along.", "brand", m.Brand),
			locale.T("Until you set one up, your password alone signs you in. It takes a minute: an app with codes, or a passkey."),
		},
		Action: mail.Action{Label: locale.T("Open the security page"), URL: m.BaseURL + "/me/security"},
	}
}

// invitations sends the invitations that wait.
func (m *welcoming) invitations(ctx context.Context) error {
	type waiting struct {
		ID        id.Invitation
		AccountID id.Account
	}
	for after := id.Invitation(0); ; {
		var part []waiting
		err := m.step(ctx, func(tx *db.Tx, w *Welcome) (err error) {
			part, err = db.All[waiting](tx, `
				SELECT i.id, i.account_id FROM invitations i JOIN accounts a ON a.id = i.account_id
				WHERE i.state = 'pending' AND i.sends = 0 AND i.expires_at > $1 AND a.status <> 'closed' AND a.import_id = $2 AND i.id > $3 ORDER BY i.id LIMIT $4`,
				tx.Now, m.number, after, perWelcome)
			for _, i := range part {
				sent := true
				if err == nil && !m.dry {
					sent, err = m.Invites.SendImported(tx, access.ForImport(m.number), i.AccountID, i.ID)
				}
				if sent {
					w.Invitations++
				} else {
					w.Later++
				}
			}
			return err
		})
		if err != nil || len(part) < perWelcome {
			return err
		}
		after = part[len(part)-1].ID
	}
}
