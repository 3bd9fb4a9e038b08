package backoffice

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"clientele/internal/job"
	"clientele/internal/staff"
	"clientele/internal/system"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountSystem mounts what there is to know of the installation itself.
func (b *Backoffice) mountSystem(m *web.Mux) {
	web.Staff(m, "GET /staff/system", b.health)
	web.Staff(m, "GET /staff/system/jobs", b.jobList)
	web.Staff(m, "POST /staff/system/jobs/retry", b.retryJobs, web.Audits("system.jobs_retried"))
	web.Staff(m, "GET /staff/system/backups", b.backupList)
	web.Staff(m, "POST /staff/system/backups", b.makeBackup, web.Audits("system.backup_asked"))
}

// A systemPage is what the pages of the installation share.
type systemPage struct {
	ui.Page
	Tabs    []ui.NavItem
	Now     time.Time
	Manages bool // may have jobs tried again and make backups
}

func newSystemPage(r *web.Request, tab string) systemPage {
	title := "System"
	if tab != "Health" {
		title = tab + " · System"
	}
	_, err := staff.Check[staff.ManageSystem](r.Operator())
	s := systemPage{Page: page(r, title), Now: r.Now(), Manages: err == nil, Tabs: []ui.NavItem{
		{Label: "Health", Href: "/staff/system"}, {Label: "Jobs", Href: jobsPath}, {Label: "Backups", Href: backupsPath},
	}}
	if readsMail(r) {
		s.Tabs = append(s.Tabs, ui.NavItem{Label: "Mail log", Href: "/staff/mails"})
	}
	for i := range s.Tabs {
		s.Tabs[i].Current = s.Tabs[i].Label == tab
	}
	return s
}

const (
	jobsPath    = "/staff/system/jobs"
	backupsPath = "/staff/system/backups"
)

func (b *Backoffice) health(r *web.Request, by staff.For[staff.SeeSystem]) error {
	return r.Render(http.StatusOK, healthPage(newSystemPage(r, "Health"), b.System.Health(r.Context(), by), b.System.Facts(by, r.Now())))
}

// findingBadge is a state as a colour and a word.
func findingBadge(s system.State) (ui.Kind, string) {
	switch s {
	case system.Bad:
		return ui.Bad, "Does not work"
	case system.Needs:
		return ui.Warn, "Needs somebody"
	}
	return ui.Good, "Good"
}

// needing counts the findings that are not good, in words.
func needing(list []system.Finding) string {
	n := int64(0)
	for _, f := range list {
		if f.State != system.Good {
			n++
		}
	}
	if n == 0 {
		return "Everything is well."
	}
	return count(n, "line needs", "lines need") + " somebody."
}

func (b *Backoffice) jobList(r *web.Request, by staff.For[staff.SeeSystem]) error {
	p := newSystemPage(r, "Jobs")
	if kind := r.Value("kind"); kind != "" {
		o, list, err := b.System.Kind(r.Context(), by, kind)
		if err != nil {
			return err
		}
		p.Title = o.Words + " · Jobs"
		return r.Render(http.StatusOK, jobPage(p, o, list))
	}
	list, err := b.System.Jobs(r.Context(), by)
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, jobsPage(p, list))
}

func kindPath(kind string) string { return jobsPath + "?" + url.Values{"kind": {kind}}.Encode() }

// rhythm says when jobs of a kind run.
func rhythm(o job.Overview) string {
	switch {
	case o.Every == time.Hour:
		return "Every hour"
	case o.Every == 24*time.Hour:
		return "Every day"
	case o.Every >= time.Minute:
		return "Every " + count(int64(o.Every/time.Minute), "minute", "minutes")
	case o.Every > 0:
		return "Every " + count(int64(o.Every/time.Second), "second", "seconds")
	}
	return "When called for"
}

// troubled counts the jobs that can be tried again.
func troubled(o job.Overview) int64 { return o.Failing + o.Failed }

func (b *Backoffice) retryJobs(r *web.Request, by staff.For[staff.ManageSystem]) error {
	if text := r.Value("job"); text != "" {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return r.Redirect(jobsPath)
		}
		kind, err := b.System.Retry(r.Context(), by, number)
		if err != nil {
			return err
		}
		r.Say(ui.Good, "The job is being tried again now. Reload the page in a moment to see what became of it.")
		return r.Redirect(kindPath(kind))
	}
	n, err := b.System.RetryAll(r.Context(), by, r.Value("kind"))
	if err != nil {
		return err
	}
	said := "No job of this kind waits to be tried again."
	if n > 0 {
		said = count(int64(n), "job is", "jobs are") + " being tried again now. Reload the page in a moment to see what became of them."
	}
	r.Say(ui.Good, said)
	return r.Redirect(jobsPath)
}

func (b *Backoffice) backupList(r *web.Request, by staff.For[staff.SeeSystem]) error {
	list, err := b.System.Backups(r.Context(), by)
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, backupsPage(newSystemPage(r, "Backups"), list, b.System.BackupPlan()))
}

func (b *Backoffice) makeBackup(r *web.Request, by staff.For[staff.ManageSystem]) error {
	if err := b.System.AskBackup(r.Context(), by); err != nil {
		return err
	}
	r.Say(ui.Good, "A backup is being made. Reload the page in a moment: it is listed once it is whole.")
	return r.Redirect(backupsPath)
}
