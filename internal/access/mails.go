package access

import (
	"strconv"
	"strings"
	"time"

	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/user"
)

var everythingText = strconv.FormatInt(int64(Everything), 10)

// plainName is a name as it may stand in a mail.
func plainName(s string) string { return plain.Defang(s) }

func (m *Memberships) accountURL(account id.Account) string {
	return m.baseURL + "/a/" + id.String(account)
}

func (m *Memberships) removedMail(account id.Account, name string, target Member) mail.Message {
	return mail.Message{
		Kind: "access-ended", Class: mail.Urgent, To: target.Address, About: account, User: target.UserID, Language: target.Language,
		Subject: locale.T("Your access to {account} has ended", "account", plainName(name)),
		Lines: []locale.Text{
			locale.T("You no longer have access to the account {account} at {brand}.", "account", plainName(name), "brand", m.settings.Brand()),
			locale.T("Your login and your other accounts are not touched."),
		},
		Closing: []locale.Text{locale.T("If you think that this is a mistake, ask the people of {account}.", "account", plainName(name))},
	}
}

func (m *Memberships) attachedMail(account id.Account, name string, person user.User, s Set) mail.Message {
	return mail.Message{
		Kind: "access-given", Class: mail.Urgent, To: person.Address, About: account, User: person.ID, Language: person.Language,
		Subject: locale.T("You now have access to {account}", "account", plainName(name)),
		Lines:   []locale.Text{locale.T("{brand} support gave you access to the account {account}.", "brand", m.settings.Brand(), "account", plainName(name))},
		Facts:   []mail.Fact{{Label: locale.T("Account"), Value: locale.AsIs(plainName(name) + " (#" + id.String(account) + ")")}, {Label: locale.T("You may"), Value: s.Text()}},
		Action:  mail.Action{Label: locale.T("Open the account"), URL: m.accountURL(account)},
		Closing: []locale.Text{locale.T("You can leave the account at any time, on its People page or in your list of accounts.")},
	}
}

func (m *Memberships) offerMail(account id.Account, name string, from, to user.User, handOver bool, until time.Time) mail.Message {
	line := locale.T("{person} wants to share the ownership of {account} with you.", "person", plainName(from.Name), "account", plainName(name))
	if handOver {
		line = locale.T("{person} wants to hand the ownership of {account} over to you.", "person", plainName(from.Name), "account", plainName(name))
	}
	return mail.Message{
		Kind: "ownership-offer", Class: mail.Urgent, To: to.Address, About: account, User: to.ID, Language: to.Language,
		Subject: locale.T("Will you be an owner of {account}?", "account", plainName(name)),
		Lines:   []locale.Text{line, locale.T("Owners may do everything in the account, make others owners, and close it.")},
		Action:  mail.Action{Label: locale.T("See the offer"), URL: m.accountURL(account)},
		Closing: []locale.Text{locale.T("The offer is open until {time}.", "time", until)},
	}
}

func (m *Memberships) noLongerOwnerMail(account id.Account, name string, target Member) mail.Message {
	return mail.Message{
		Kind: "ownership-ended", Class: mail.Urgent, To: target.Address, About: account, User: target.UserID, Language: target.Language,
		Subject: locale.T("You are no longer an owner of {account}", "account", plainName(name)),
		Lines:   []locale.Text{locale.T("You are no longer an owner of the account {account} at {brand}. You keep full access.", "account", plainName(name), "brand", m.settings.Brand())},
		Closing: []locale.Text{locale.T("If you think that this is a mistake, ask the account's owners or {brand} support.", "brand", m.settings.Brand())},
	}
}

// TellOwners mails all owners of the account.
func TellOwners[P Permission](tx *db.Tx, by For[P], subject, text locale.Text) error {
	return by.m.tellOwners(tx, by.proof, subject, text)
}

// tellOwners mails all owners of the account what has happened to it.
func (m *Memberships) tellOwners(tx *db.Tx, by proof, subject, text locale.Text) error {
	type owner struct {
		ID       id.User
		Address  mail.Address
		Language string
	}
	owners, err := db.All[owner](tx, `
		SELECT u.id, u.address, u.language FROM memberships m JOIN users u ON u.id = m.user_id
		WHERE m.account_id = $1 AND m.owner AND u.status = 'active' AND `+strings.ReplaceAll(live, "$3", "$2"), by.account, tx.Now)
	if err != nil {
		return err
	}
	for _, o := range owners {
		_, err := m.outbox.Send(tx, mail.Message{
			Kind: "owner-notice", Class: mail.Urgent, To: o.Address, About: by.account, User: o.ID, Language: o.Language,
			Subject: subject, Lines: []locale.Text{text},
			Action:  mail.Action{Label: locale.T("See who has access"), URL: m.accountURL(by.account) + "/people"},
			Closing: []locale.Text{locale.T("You receive this because you are an owner of {account}.", "account", plainName(by.name))},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
