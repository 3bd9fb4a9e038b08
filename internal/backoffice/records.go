package backoffice

import (
	"net/http"
	"strconv"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/staff"
	"clientele/internal/web"
)

func (b *Backoffice) emails(r *web.Request, by staff.For[staff.Look]) error {
	acc, err := open[access.ViewEmails](b, r, by)
	if err != nil {
		return err
	}
	list, err := b.Accounts.Emails(r.Context(), acc, web.After[id.Mail](r, "before"))
	if err != nil {
		return err
	}
	l := newMailList(r, list)
	return r.Render(http.StatusOK, emailsPage(newSheet(r, acc, "Emails", "Emails"), l))
}

// olderEntries cuts a log to one page, and says where it goes on.
func olderEntries(r *web.Request, list []audit.Entry) (page []audit.Entry, next string) {
	if len(list) <= audit.PageSize {
		return list, ""
	}
	list = list[:audit.PageSize]
	return list, narrowed(r, "before", strconv.FormatInt(list[len(list)-1].ID, 10))
}

// A mailList is a part of the mail log, and where it goes on.
type mailList struct {
	Mails []mail.LogEntry
	Next  string
	Links bool // each message can be opened
}

func newMailList(r *web.Request, list []mail.LogEntry) mailList {
	l := mailList{Mails: list, Links: readsMail(r)}
	if len(list) > mail.LogSize {
		l.Mails = list[:mail.LogSize]
		l.Next = narrowed(r, "before", id.String(l.Mails[mail.LogSize-1].ID))
	}
	return l
}

// before reads the entry of a log before which a page begins.
func before(r *web.Request) int64 { return int64(web.After[entry](r, "before")) }

// An entry is the number of a record in the log.
type entry int64

func activityHead(across bool) []string {
	if across {
		return []string{"What happened", "Account", "When"}
	}
	return []string{"What happened", "When"}
}
