package account

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/setting"
	"clientele/internal/user"
)

// SignUpLife is how long the link that confirms a sign-up works.
const SignUpLife = 24 * time.Hour

// The brakes on sign-up: nobody's mailbox can be filled with it.
var (
	signUpAddress = auth.Limit{Hits: 3, Per: time.Hour}
	signUpNetwork = auth.Limit{Hits: 30, Per: time.Hour}
)

// TypedSignUp is the sign-up form: one form makes a user and her first
// account, or a user alone.
type TypedSignUp struct {
	Name, Address, Password string
	WithAccount             bool
	AccountName             string
	Country, Currency       string
	Answers                 map[string]string // what every account has to fill in, by the fields' names in forms
	Terms                   int64             // the version of the terms that was ticked; 0 is none
}

// SignUp takes the form. Whoever typed it is no user yet: a link is mailed to
// the address, and its reader makes the user. An address that has a login
// already gets a mail that says so; the answer here is the same. browser is a
// token for a cookie: in the browser that has it the password stands.
func (as *Accounts) SignUp(ctx context.Context, t TypedSignUp, r auth.Request) (browser string, err error) {
	defer fault.Wrap(&err, "account.SignUp")
	name, address, answers, err := as.parseSignUp(ctx, &t)
	if err != nil {
		return "", err
	}
	hash, err := as.auth.Hasher().Hash(ctx, t.Password)
	if err != nil {
		return "", err
	}
	browser, browserHash := auth.NewToken()
	var wait time.Duration
	err = as.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if wait, err = signUpNetwork.Take(tx, "signup.network:"+auth.Network(r.Network)); err != nil || wait > 0 {
			return err
		}
		full, err := signUpAddress.Take(tx, "signup.address:"+address.String())
		if err != nil || full > 0 {
			return err
		}
		if u, err := user.ByAddress(tx, address); err == nil {
			return as.mailExists(tx, u)
		} else if !errors.Is(err, db.ErrNone) {
			return err
		}
		token, tokenHash := auth.NewToken()
		number, err := db.One[int64](tx, `
			INSERT INTO signups (address, name, password, language, account_name, currency, country, token_hash, browser_hash, created_at, expires_at, terms_version, answers)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`,
			address, name, hash, locale.Default, t.AccountName, t.Currency, t.Country, tokenHash, browserHash, tx.Now, tx.Now.Add(SignUpLife), t.Terms, answers)
		if err != nil {
			return err
		}
		if err := audit.Write(tx, r.Visitor(), audit.Record{Event: "signup.requested", Object: "signup", ObjectID: number}); err != nil {
			return err
		}
		return as.mailConfirm(tx, name, address, token)
	})
	if err == nil && wait > 0 {
		err = fault.Wait("signup", "Too many sign-ups from your network. Try again later.", wait)
	}
	return browser, err
}

// parseSignUp reads the form. answers is what was typed into the operator's own
// fields, as it is kept until the address is confirmed.
func (as *Accounts) parseSignUp(ctx context.Context, t *TypedSignUp) (name string, address mail.Address, answers string, err error) {
	var f fault.Form
	name, err = plain.Name(t.Name)
	f.Take("name", err)
	address, err = mail.ParseAddress(t.Address)
	f.Take("address", err)
	if answers, err = as.parseFirst(ctx, t, &f); err != nil {
		return "", mail.Address{}, "", err
	}
	f.Take("password", as.auth.Hasher().Check(t.Password, t.Address, t.Name, t.AccountName))
	t.Terms, err = as.settings.Current().MustAccept(t.Terms)
	f.Take("terms", err)
	return name, address, answers, f.Err()
}

// parseFirst reads the part of the form that is about the first account.
func (as *Accounts) parseFirst(ctx context.Context, t *TypedSignUp, f *fault.Form) (answers string, err error) {
	if !t.WithAccount {
		t.AccountName, t.Currency, t.Country = "", "", ""
		return "{}", nil
	}
	t.AccountName, err = plain.Name(t.AccountName)
	f.Take("account_name", err)
	if !locale.IsCurrency(t.Currency) {
		f.Add("currency", "Choose a currency from the list.")
	}
	if t.Country != "" && !locale.IsCountry(t.Country) {
		f.Add("country", "Choose a country from the list.")
	}
	list, err := as.Required(ctx)
	if err != nil {
		return "", err
	}
	kept := map[id.Field]string{}
	for n, value := range (TypedAnswers{Texts: t.Answers}).readInto(f, list, false) {
		kept[list[n].ID] = value
	}
	text, err := json.Marshal(kept)
	return string(text), err
}

func (as *Accounts) mailExists(tx *db.Tx, u user.User) error {
	_, err := as.outbox.Send(tx, mail.Message{
		Kind: "signup-exists", Class: mail.Urgent, To: u.Address, User: u.ID, Language: u.Language,
		Subject: locale.T("You already have a login at {brand}", "brand", as.settings.Brand()),
		Lines: []locale.Text{
			locale.T("Somebody, hopefully you, tried to sign up at {brand} with this address. It has a login already, so nothing was made.", "brand", as.settings.Brand()),
			locale.T("With one login you can open as many accounts as you need."),
		},
		Action:  mail.Action{Label: locale.T("Sign in"), URL: as.baseURL + "/signin"},
		Closing: []locale.Text{locale.T("If you have forgotten your password, you can set a new one there. If it was not you, do nothing.")},
	})
	return err
}

func (as *Accounts) mailConfirm(tx *db.Tx, name string, to mail.Address, token string) error {
	_, err := as.outbox.Send(tx, mail.Message{
		Kind: "signup", Class: mail.Urgent, To: to,
		Subject: locale.T("Confirm your address for {brand}", "brand", as.settings.Brand()),
		Lines: []locale.Text{
			locale.T("Hello {name},", "name", plain.Defang(name)),
			locale.T("please confirm that this is your address. Your login at {brand} is ready right after that.", "brand", as.settings.Brand()),
		},
		Action:  mail.Action{Label: locale.T("Confirm my address"), URL: as.baseURL + "/signup/" + token},
		Closing: []locale.Text{locale.T("The link works once, until {time}.", "time", tx.Now.Add(SignUpLife)), locale.T("If you have not signed up, do nothing: no login is made.")},
	})
	return err
}

var errSignUp = fault.New(fault.Gone, "signup", "This link has been used or is too old. If you have no login yet, sign up again.")

// A Pending is a sign-up that waits for its link to be used.
type Pending struct {
	Address      mail.Address
	Name         string
	AccountName  string
	SameBrowser  bool // it was typed in this browser, so its password stands
	id           int64
	passwordHash string
	currency     string
	country      string
	terms        int64
	answers      string
}

// OpenSignUp finds what a mailed link confirms, and uses nothing up.
func (as *Accounts) OpenSignUp(ctx context.Context, token, browser string) (p Pending, err error) {
	defer fault.Wrap(&err, "account.OpenSignUp")
	err = as.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		p, err = findSignUp(tx, token, browser)
		return err
	})
	if errors.Is(err, errSignUp) {
		err = errors.Join(err, auth.ForgetOld(ctx, as.db, "signups", token))
	}
	return p, err
}

func findSignUp(tx *db.Tx, token, browser string) (Pending, error) {
	type row struct {
		ID                                                          int64
		Address                                                     mail.Address
		Name, Password, AccountName, Currency, Country, BrowserHash string
		TermsVersion                                                int64
		Answers                                                     string
	}
	s, err := db.One[row](tx, `
		SELECT id, address, name, password, account_name, currency, country, browser_hash, terms_version, answers FROM signups
		WHERE token_hash = $1 AND ended_at IS NULL AND created_at <= $2 AND expires_at > $2`, auth.HashToken(token), tx.Now)
	if errors.Is(err, db.ErrNone) {
		return Pending{}, errSignUp
	}
	same := subtle.ConstantTimeCompare([]byte(auth.HashToken(browser)), []byte(s.BrowserHash)) == 1
	return Pending{
		Address: s.Address, Name: s.Name, AccountName: s.AccountName, SameBrowser: same,
		id: s.ID, passwordHash: s.Password, currency: s.Currency, country: s.Country, terms: s.TermsVersion, answers: s.Answers,
	}, err
}

// Confirmed is the outcome of a confirmed sign-up.
type Confirmed struct {
	Account id.Account // 0: a user without an account
	auth.SignedIn
}

// ConfirmSignUp makes the user, and her account if she wanted one, and signs
// her in. In another browser than the one that signed up the password must be
// chosen anew: whoever typed the form may not be who reads the mail.
func (as *Accounts) ConfirmSignUp(ctx context.Context, token, browser, password string, r auth.Request) (c Confirmed, err error) {
	defer fault.Wrap(&err, "account.ConfirmSignUp")
	p, err := as.OpenSignUp(ctx, token, browser)
	if err != nil {
		return c, err
	}
	hash := p.passwordHash
	if !p.SameBrowser {
		var f fault.Form
		if f.Take("password", as.auth.Hasher().Check(password, p.Address.String(), p.Name, p.AccountName)) {
			return c, f.Err()
		}
		if hash, err = as.auth.Hasher().Hash(ctx, password); err != nil {
			return c, err
		}
	}
	err = as.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		n, err := db.Exec(tx, "UPDATE signups SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL AND expires_at > $2", p.id, tx.Now)
		if err != nil {
			return err
		}
		if n == 0 {
			return errSignUp
		}
		c, err = as.finishSignUp(tx, p, hash, r)
		return err
	})
	return c, err
}

func (as *Accounts) finishSignUp(tx *db.Tx, p Pending, hash string, r auth.Request) (c Confirmed, err error) {
	if _, err := db.Exec(tx, "UPDATE signups SET ended_at = $2 WHERE address = $1 AND ended_at IS NULL", p.Address, tx.Now); err != nil {
		return c, err
	}
	c.User, err = user.Create(tx, user.New{Address: p.Address, Verified: true, Name: p.Name, Language: locale.Default, Password: hash})
	if err != nil {
		return c, err
	}
	by := audit.Actor{Kind: audit.User, ID: int64(c.User), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
	if err := audit.Write(tx, by, audit.Record{Event: "user.signed_up", Object: "user", ObjectID: int64(c.User)}); err != nil {
		return c, err
	}
	if err := setting.Accept(tx, c.User, p.terms, by); err != nil {
		return c, err
	}
	if p.AccountName != "" {
		d := Details{Name: p.AccountName, Address: p.Address, MailKinds: Everything, Country: p.country, Currency: p.currency, Language: locale.Default}
		if c.Account, err = open(tx, by, c.User, d); err != nil {
			return c, err
		}
		if err := saveSignUp(tx, by, c.Account, p.answers); err != nil {
			return c, err
		}
	}
	c.SignedIn, err = as.auth.Admit(tx, c.User, r)
	return c, err
}

// saveSignUp writes what was typed into the operator's own fields, as far as
// they are still there.
func saveSignUp(tx *db.Tx, by audit.Actor, a id.Account, answers string) error {
	kept := map[id.Field]string{}
	if err := json.Unmarshal([]byte(answers), &kept); err != nil {
		return err
	}
	all, err := AllFields(tx)
	if err != nil {
		return err
	}
	var list []Answer
	var values []string
	for _, one := range all {
		if value := kept[one.ID]; value != "" && !one.StaffOnly {
			list, values = append(list, Answer{Field: one}), append(values, value)
		}
	}
	return saveValues(tx, by, a, list, values)
}

// Sweep deletes sign-ups that nobody can confirm any more.
func (as *Accounts) Sweep(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "account.Sweep")
	return as.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		_, err := db.Exec(tx, "DELETE FROM signups WHERE expires_at < $1", tx.Now)
		return err
	})
}
