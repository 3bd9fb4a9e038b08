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

func (v *Invites) compose(i Invitation, offered access.Set, token string) mail.Message {
	name, inviter := plain.Defang(i.AccountName), plain.Defang(i.InviterName)
	if i.InviterName == "" {
		inviter = v.settings.Brand() + " support"
	}
	may := offered.Labels()
	if b, ok := access.RoleByKey(i.Role); ok {
		may = b.Label + ": " + b.Allows
	}
	if i.Owner {
		may = "Everything, and what only owners may: you become an owner of the account."
	}
	facts := []mail.Fact{{Label: "Account", Value: name}, {Label: "Invited by", Value: inviter}, {Label: "You may", Value: may}}
	if i.AccessEndsAt.Valid {
		facts = append(facts, mail.Fact{Label: "Access ends", Value: locale.Exact(i.AccessEndsAt.V)})
	}
	facts = append(facts, mail.Fact{Label: "Answer by", Value: locale.Exact(i.ExpiresAt)})
	return mail.Message{
		Kind: "invitation", Class: mail.Urgent, GivesWay: true, To: i.Address, About: i.AccountID,
		Subject: inviter + " invites you to " + name,
		Lines:   []string{inviter + " invites you to the account " + name + " at " + v.settings.Brand() + "."},
		Facts:   facts,
		Action:  mail.Action{Label: "See the invitation", URL: v.baseURL + "/i/" + token},
		Closing: []string{"If you have a login at " + v.settings.Brand() + ", you use it for this account too. If not, you make one on the way: a name and a password.", "If you do not know " + inviter + ", do nothing. The link stops working by itself."},
	}
}
