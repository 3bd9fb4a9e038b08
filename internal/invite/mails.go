package invite

import (
	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// mail sends the invitation with its link. One whose reader has blocked the
// account is sent to nobody, and looks sent to the account.
func (v *Invites) mail(tx *db.Tx, account id.Account, number id.Invitation, token string) error {
	i, err := find(tx, account, number)
	if err != nil {
		return err
	}
	muted, err := blocked(tx, account, i.Address)
	if err != nil || muted {
		return err
	}
	offered, err := i.Given().Permissions(tx, account)
	if err != nil {
		return err
	}
	sent, err := v.outbox.Send(tx, v.compose(i, offered, token))
	if err != nil {
		return err
	}
	_, err = db.Exec(tx, "UPDATE invitations SET mail_id = $3 WHERE account_id = $1 AND id = $2", account, number, sent)
	return err
}

// compose writes it in the account's language, whoever has the address: that
// would tell whether it has a login, and which.
func (v *Invites) compose(i Invitation, offered access.Set, token string) mail.Message {
	name, inviter, brand := plain.Defang(i.AccountName), locale.AsIs(plain.Defang(i.InviterName)), v.settings.Brand()
	if i.InviterName == "" {
		inviter = locale.T("{brand} support", "brand", brand)
	}
	may := offered.Text()
	if b, ok := access.RoleByKey(i.Role); ok {
		may = b.Text()
	}
	if i.Owner {
		may = locale.T("Everything, and what only owners may: you become an owner of the account.")
	}
	facts := []mail.Fact{{Label: locale.T("Account"), Value: locale.AsIs(name)}, {Label: locale.T("Invited by"), Value: inviter}, {Label: locale.T("You may"), Value: may}}
	if i.AccessEndsAt.Valid {
		facts = append(facts, mail.Fact{Label: locale.T("Access ends"), Value: locale.At(i.AccessEndsAt.V)})
	}
	facts = append(facts, mail.Fact{Label: locale.T("Answer by"), Value: locale.At(i.ExpiresAt)})
	return mail.Message{
		Kind: "invitation", Class: mail.Urgent, GivesWay: true, To: i.Address, About: i.AccountID, Language: i.Language,
		Subject: locale.T("{inviter} invites you to {account}", "inviter", inviter, "account", name),
		Lines:   []locale.Text{locale.T("{inviter} invites you to the account {account} at {brand}.", "inviter", inviter, "account", name, "brand", brand)},
		Facts:   facts,
		Action:  mail.Action{Label: locale.T("See the invitation"), URL: v.baseURL + "/i/" + token},
		Closing: []locale.Text{
			locale.T("If you have a login at {brand}, you use it for this account too. If not, you make one on the way: a name and a password.", "brand", brand),
			locale.T("If you do not know {inviter}, do nothing. The link stops working by itself.", "inviter", inviter),
		},
	}
}
