package backoffice

import (
	"net/http"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/audit"
	"clientele/internal/fault"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountAccount mounts an account's pages, save those on its people.
func (b *Backoffice) mountAccount(m *web.Mux) {
	web.Staff(m, "GET /staff/accounts/{account}", b.account)
	web.Staff(m, "POST /staff/accounts/{account}/status", b.setStatus, web.Audits("account.status_changed"))
	web.Staff(m, "POST /staff/accounts/{account}/reopen", b.reopen, web.Audits("account.reopened"), web.StepUp)
	web.Staff(m, "GET /staff/accounts/{account}/details", b.details)
	web.Staff(m, "POST /staff/accounts/{account}/details", b.changeDetails, web.Audits("account.changed"), web.Repeats("kinds"))
	web.Staff(m, "POST /staff/accounts/{account}/further", b.changeFurther, web.Audits("account.sorted"))
	web.Staff(m, "GET /staff/accounts/{account}/emails", b.emails)
}

// A summary is the first page of an account.
type summary struct {
	account.Account
	account.StaffView
	Owners     []access.Member
	Members    int
	SeesPeople bool
	Activity   []audit.Entry // the latest
	MayChange  bool
	MayReopen  bool
	MayRecover bool
	Recovery   staff.OwnerRecovery // a new owner, under way; number 0 where none is
	MoreNotes  bool                // there are more than are shown
	Reads      string              // the language of its mail, in words
}

// firstNotes is how many notes a summary shows.
const firstNotes = 3

// latest is how many entries of the log a summary shows.
const latest = 5

func (b *Backoffice) account(r *web.Request, by staff.For[staff.Look]) error {
	acc, err := open[access.Enter](b, r, by)
	if err != nil {
		return err
	}
	s, err := b.summary(r, acc)
	if err != nil {
		return err
	}
	if s.Recovery, err = b.Owners.Recovery(r.Context(), by, acc.Account()); err != nil {
		return err
	}
	_, s.MayRecover = staff.Also[staff.Recover](by)
	return r.Render(http.StatusOK, summaryPage(newSheet(r, acc, "Summary", "Summary"), s))
}

// summary reads the parts that the operator may see.
func (b *Backoffice) summary(r *web.Request, acc access.For[access.Enter]) (s summary, err error) {
	if s.Account, err = account.Get(r.Context(), acc); err != nil {
		return s, err
	}
	if s.StaffView, err = account.ForStaff(r.Context(), acc); err != nil {
		return s, err
	}
	s.Reads = b.Settings.Current().Languages.Name(s.Language)
	if s.MoreNotes = len(s.Notes) > firstNotes; s.MoreNotes {
		s.Notes = s.Notes[:firstNotes]
	}
	if people, ok := access.Also[access.ViewPeople](acc); ok {
		members, err := b.Memberships.List(r.Context(), people)
		if err != nil {
			return s, err
		}
		s.SeesPeople, s.Members, s.Owners = true, len(members), owners(members)
	}
	if log, ok := access.Also[access.ViewActivity](acc); ok {
		newest, err := b.Accounts.Log(log).Page(r.Context(), audit.Asked{}, 0)
		if err != nil {
			return s, err
		}
		s.Activity = newest.Entries[:min(len(newest.Entries), latest)]
	}
	_, change := access.Also[access.ManageProfile](acc)
	_, own := access.Also[access.Own](acc)
	s.MayChange, s.MayReopen = change && !acc.Closed(), own && acc.Closed()
	return s, nil
}

func owners(members []access.Member) (out []access.Member) {
	for _, m := range members {
		if m.Owner {
			out = append(out, m)
		}
	}
	return out
}

// otherStatus is what the account can be marked as.
func (s summary) otherStatus() string {
	if s.Status == "active" {
		return "inactive"
	}
	return "active"
}

func (b *Backoffice) setStatus(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, err := open[access.ManageProfile](b, r, by)
	if err != nil {
		return err
	}
	status := r.Value("status")
	if status != "active" && status != "inactive" {
		return fault.Field("status", "An account is marked as active or as inactive.")
	}
	if err := b.Accounts.SetActive(r.Context(), acc, status == "active"); err != nil {
		return err
	}
	r.Say(ui.Good, acc.AccountName()+" is marked as "+status+" now.")
	return r.Redirect(accountPath(acc.Account()))
}

func (b *Backoffice) reopen(r *web.Request, by staff.For[staff.Own]) error {
	acc, err := open[access.Own](b, r, by)
	if err != nil {
		return err
	}
	if err := b.Accounts.Reopen(r.Context(), acc); err != nil {
		return err
	}
	r.Say(ui.Good, acc.AccountName()+" is open again. Its people can work in it as before.")
	return r.Redirect(accountPath(acc.Account()))
}

func owned(owners int) string {
	if owners == 1 {
		return "Owner"
	}
	return "Owners"
}
