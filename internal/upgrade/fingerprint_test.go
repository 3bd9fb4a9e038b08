package upgrade_test

import (
	"testing"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/db"
	"clientele/internal/invite"
	"clientele/internal/sso"
	"clientele/internal/user"
)

// TestWhatIsRememberedOfRowsStays holds fingerprints to what installations have
// remembered. Were one another, every row of its kind would count as changed
// here, and no run would bring it up to date again: a column that comes to one
// of these later has the tag db:"later".
func TestWhatIsRememberedOfRowsStays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind      string
		got, want int64
	}{
		{"access.Imported", db.Fingerprint(access.Imported{AccountID: 1, UserID: 2, Permissions: 3, Status: "active"}), 7967936744515475137},
		{"account.Field", db.Fingerprint(account.Field{Name: "VAT", Kind: "text"}), -8159292843026938672},
		{"account.Group", db.Fingerprint(account.Group{Name: "Gold"}), -4548744759081973675},
		{"account.Imported", db.Fingerprint(account.Imported{Status: "active"}), 1170042354096152740},
		{"account.ImportedContact", db.Fingerprint(account.ImportedContact{AccountID: 1, Name: "Ada"}), 8431478845044338825},
		{"account.Note", db.Fingerprint(account.Note{AccountID: 1, Text: "late"}), 5136062416013298597},
		{"account.Value", db.Fingerprint(account.Value{AccountID: 1, FieldID: 2, Value: "x"}), 6896408198140684492},
		{"invite.Imported", db.Fingerprint(invite.Imported{AccountID: 1, State: "pending"}), 2904327711777338513},
		{"sso.Imported", db.Fingerprint(sso.Imported{UserID: 1, Subject: "118"}), 4609536012987978249},
		{"user.Imported", db.Fingerprint(user.Imported{Name: "Ada"}), 724066590370028412},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.kind, c.got, c.want)
		}
	}
}
