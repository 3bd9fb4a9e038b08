package mail_test

import (
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/user"
)

// TestMailToNobodyFailsAtOnce writes to an address that stands for nobody: the
// log says so, and nothing waits, is kept or leaves.
func TestMailToNobodyFailsAtOnce(t *testing.T) {
	for name, settings := range map[string][]apptest.Setting{"with a server": nil, "without": {func(c *config.Config) { c.SMTPURL = "" }}} {
		t.Run(name, func(t *testing.T) {
			apptest.Each(t, func(t *testing.T, w *apptest.World) {
				to := user.StandIn("client-42", "whmcs")
				jobs := w.Count("river_job WHERE kind = 'mail.deliver'")
				w.In(func(tx *db.Tx) error {
					_, err := w.Outbox.Send(tx, mail.Message{
						Kind: "test", Class: mail.Urgent, To: to, Subject: locale.AsIs("For nobody"), Lines: []locale.Text{locale.AsIs("A text.")},
						Action: mail.Action{Label: locale.AsIs("Open"), URL: apptest.BaseURL + "/recover/a-token"},
					})
					return err
				})
				if n := w.Count("mails WHERE recipient = $1 AND state = 'failed' AND problem LIKE '%not known%' AND sealed = ''", to); n != 1 {
					t.Errorf("%d messages are marked as failed", n)
				}
				if n := w.Count("river_job WHERE kind = 'mail.deliver'"); n != jobs {
					t.Errorf("%d jobs were queued for it", n-jobs)
				}
				if len(w.Mail.All()) != 0 {
					t.Error("something has left")
				}
			}, settings...)
		})
	}
}

func TestNowhereIsShownInWords(t *testing.T) {
	for address, want := range map[string]string{
		"client-42@whmcs.invalid": "No address known", "nora@bakery.example": "nora@bakery.example", "x@invalid.example": "x@invalid.example",
	} {
		if got := apptest.Address(address).Shown(); got != want {
			t.Errorf("%s is shown as %q, want %q", address, got, want)
		}
	}
	if got := (mail.Address{}).Shown(); got != "" {
		t.Errorf("no address is shown as %q", got)
	}
}
