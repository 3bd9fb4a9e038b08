package browsertest

import (
	"os"
	"path/filepath"
	"time"
)

// system are the pages of the installation itself.
func (a *album) system() {
	b := a.enter("/staff/signin", "sam@clientele.example")
	a.shoot(b.open("/staff/system"), "system-health")
	a.shoot(b.open("/staff/system/jobs"), "system-jobs")
	a.Mail.Down(true)
	a.visitor().open("/recover").write("Mail address", "nora@harbourbakery.example").press("Mail me a link")
	for deadline := time.Now().Add(10 * time.Second); a.Count("mails WHERE state = 'queued' AND problem <> ''") == 0 && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	a.Exec("UPDATE river_job SET state = 'discarded', finalized_at = CURRENT_TIMESTAMP WHERE kind = 'mail.deliver'")
	a.shoot(b.open("/staff/system"), "system-health-needs")
	a.shoot(b.open("/staff/system/jobs"), "system-jobs-failed")
	a.shoot(b.open("/staff/system/jobs?kind=mail.deliver"), "system-job-failed")
	a.Mail.Down(false)
	a.shoot(b.open("/staff/system/backups"), "system-backups-none")
	b.press("Make a backup now")
	folder, _ := a.Config.Backups()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if made, err := filepath.Glob(filepath.Join(folder, "*.zip")); err == nil && len(made) > 0 {
			break
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "clientele-cut-off.zip"), []byte("PK"), 0o600); err != nil {
		a.t.Fatal(err)
	}
	a.shoot(b.open("/staff/system/backups"), "system-backups")
}
