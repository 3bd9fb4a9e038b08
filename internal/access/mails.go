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
		Kind: "access-ended", Class: mail.Urgent, To: target.Address, About: account, User: target.UserID,
		Subject: "Your access to " + plainName(name) + " has ended",
		Lines:   []string{"You no longer have access to the account " + plainName(name) + " at " + m.settings.Brand() + ".", "Your login and your other accounts are not touched."},
		Closing: []string{"If you think that this is a mistake, ask the people of " + plainName(name) + "."},
	}
}

func (m *Memberships) attachedMail(account id.Account, name string, person user.User, s Set) mail.Message {
	return mail.Message{
		Kind: "access-given", Class: mail.Urgent, To: person.Address, About: account, User: person.ID,
		Subject: "You now have access to " + plainName(name),
		Lines:   []string{m.settings.Brand() + " support gave you access to the account " + plainName(name) + "."},
		Facts:   []mail.Fact{{Label: "Account", Value: plainName(name) + " (#" + id.String(account) + ")"}, {Label: "You may", Value: s.Labels()}},
		Action:  mail.Action{Label: "Open the account", URL: m.accountURL(account)},
		Closing: []string{"You can leave the account at any time, on its People page or in your list of accounts."},
	}
}

func (m *Memberships) offerMail(account id.Account, name string, from, to user.User, handOver bool, until time.Time) mail.Message {
	line := plainName(from.Name) + " wants to share the ownership of " + plainName(name) + " with you."
	if handOver {
		line = plainName(from.Name) + " wants to hand the ownership of " + plainName(name) + " over to you."
	}
	return mail.Message{
		Kind: "ownership-offer", Class: mail.Urgent, To: to.Address, About: account, User: to.ID,
		Subject: "Will you be an owner of " + plainName(name) + "?",
		Lines:   []string{line, "Owners may do everything in the account, make others owners, and close it."},
		Action:  mail.Action{Label: "See the offer", URL: m.accountURL(account)},
		Closing: []string{"The offer is open until " + locale.Exact(until) + "."},
	}
}

func (m *Memberships) noLongerOwnerMail(account id.Account, name string, target Member) mail.Message {
	return mail.Message{
		Kind: "ownership-ended", Class: mail.Urgent, To: target.Address, About: account, User: target.UserID,
		Subject: "You are no longer an owner of " + plainName(name),
		Lines:   []string{"You are no longer an owner of the account " + plainName(name) + " at " + m.settings.Brand() + ". You keep full access."},
		Closing: []string{"If you think that this is a mistake, ask the account's owners or " + m.settings.Brand() + " support."},
	}
}

// TellOwners mails all owners of the account.
func TellOwners[P Permission](tx *db.Tx, by For[P], subject, text string) error {
	return by.m.tellOwners(tx, by.proof, subject, text)
}

// tellOwners mails all owners of the account what has happened to it.
func (m *Memberships) tellOwners(tx *db.Tx, by proof, subject, text string) error {
	type owner struct {
		ID      id.User
		Address mail.Address
	}
	owners, err := db.All[owner](tx, `
		SELECT u.id, u.address FROM memberships m JOIN users u ON u.id = m.user_id
		WHERE m.account_id = $1 AND m.owner AND u.status = 'active' AND `+strings.ReplaceAll(live, "$3", "$2"), by.account, tx.Now)
	if err != nil {
		return err
	}
	for _, o := range owners {
		_, err := m.outbox.Send(tx, mail.Message{
			Kind: "owner-notice", Class: mail.Urgent, To: o.Address, About: by.account, User: o.ID,
			Subject: subject, Lines: []string{text},
			Action:  mail.Action{Label: "See who has access", URL: m.accountURL(by.account) + "/people"},
			Closing: []string{"You receive this because you are an owner of " + plainName(by.name) + "."},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
