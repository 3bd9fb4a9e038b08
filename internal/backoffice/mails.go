package backoffice

import (
	"net/http"
	"strings"

	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountMails mounts the mail log.
func (b *Backoffice) mountMails(m *web.Mux) {
	web.Staff(m, "GET /staff/mails", b.mails)
	web.Staff(m, "GET /staff/mails/{mail}", b.mail)
	web.Staff(m, "POST /staff/mails/{mail}/open", b.openMail, web.StepUp, web.Audits("staff.opened_mail"))
	web.Staff(m, "POST /staff/mails/{mail}/send", b.sendMail, web.Audits("staff.sent_mail"))
	web.Staff(m, "POST /staff/mails/retry", b.retryMails, web.Audits("staff.retried_mail"))
}

// A mailLog is the page of the mail log.
type mailLog struct {
	mailList
	Word    string
	State   string
	Filters []ui.NavItem
	Keeps   bool // mail does not leave this installation
	Waiting bool // some of what is shown waits for its next try
}

// mailStates are the states of a message, in the order of the tabs.
var mailStates = []ui.Option{
	{Value: "", Label: "All"}, {Value: "queued", Label: "Waiting"}, {Value: "sent", Label: "Sent"}, {Value: "failed", Label: "Failed"}, {Value: "kept", Label: "Kept"},
}

func (b *Backoffice) mails(r *web.Request, by staff.For[staff.ReadMail]) error {
	state := oneOf(r, "state", mailStates)
	list, err := b.Staff.Mails(r.Context(), by, b.Outbox, state, word(r), web.After[id.Mail](r, "before"))
	if err != nil {
		return err
	}
	l := mailLog{mailList: newMailList(r, list), Word: word(r), State: state, Filters: filters(r, "state", mailStates), Keeps: !b.Outbox.Sends()}
	for _, m := range l.Mails {
		l.Waiting = l.Waiting || m.State == "queued" && m.Problem != ""
	}
	return r.Render(http.StatusOK, mailsPage(page(r, "Mail log"), l, r.Now()))
}

func (b *Backoffice) retryMails(r *web.Request, by staff.For[staff.ReadMail]) error {
	n, err := b.Staff.RetryMail(r.Context(), by, b.Outbox)
	if err != nil {
		return err
	}
	said := "No message waits to be tried again: each has left, or is being tried at this moment."
	if n > 0 {
		said = count(n, "message is", "messages are") + " being tried again now. Reload the page in a moment to see what became of it."
	}
	r.Say(ui.Good, said)
	return r.Redirect("/staff/mails?state=queued")
}

func (b *Backoffice) sendMail(r *web.Request, by staff.For[staff.ReadMail]) error {
	number, err := web.PathID[id.Mail](r, "mail")
	if err != nil {
		return err
	}
	if err := b.Staff.SendMail(r.Context(), by, b.Outbox, number); err != nil {
		return err
	}
	r.Say(ui.Good, "The message is being sent now. Reload the page in a moment to see what became of it.")
	return r.Redirect(mailPath(number))
}

// A mailView is one message of the log.
type mailView struct {
	mail.LogEntry
	Text  [][][]piece
	Note  string
	Opens bool // the operator may read it with its link
}

func (b *Backoffice) mail(r *web.Request, by staff.For[staff.ReadMail]) error {
	number, err := web.PathID[id.Mail](r, "mail")
	if err != nil {
		return err
	}
	m, err := b.Staff.Mail(r.Context(), by, b.Outbox, number)
	if err != nil {
		return err
	}
	v := mailView{LogEntry: m, Text: paragraphs(m.TextBody, ""), Note: "Without its link, which is for the recipient alone."}
	if m.Kept() {
		v.Opens, v.Note = by.MayOpen(m), "It was kept instead of sent, and stands here without its link."
	}
	return r.Render(http.StatusOK, mailPage(page(r, "Mail: "+m.Subject), v, r.Now()))
}

// openMail shows a kept message with its link: without a mail server the log
// is everybody's mailbox.
func (b *Backoffice) openMail(r *web.Request, by staff.For[staff.OpenMail]) error {
	number, err := web.PathID[id.Mail](r, "mail")
	if err != nil {
		return err
	}
	m, err := b.Staff.OpenMail(r.Context(), by, b.Outbox, number)
	if err != nil {
		return err
	}
	v := mailView{LogEntry: m, Text: paragraphs(m.TextBody, r.BaseURL()), Note: "It was kept instead of sent. Its link works from here; that you have opened it stands in the log."}
	return r.Render(http.StatusOK, mailPage(page(r, "Mail: "+m.Subject), v, r.Now()))
}

// mailState says how a message fares, as a colour and in words.
func mailState(state, problem string) (ui.Kind, string) {
	switch {
	case state == "queued" && problem != "":
		return ui.Warn, "Waiting to be tried again"
	case state == "queued":
		return ui.Info, "Waiting to be sent"
	case state == "sent":
		return ui.Good, "Sent"
	case state == "failed":
		return ui.Bad, "Not delivered"
	case state == "kept":
		return ui.Plain, "Kept in the mail log"
	}
	return ui.Plain, capital(state)
}

// A piece is a part of a line: text, or a link to a page of ours.
type piece struct {
	Text string
	Link bool
}

// paragraphs sets a message's text as paragraphs of lines. Where mail is kept
// instead of sent, the links that begin with the address of ours can be
// followed; everything else is text.
func paragraphs(text, ours string) (out [][][]piece) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var lines [][]piece
		for line := range strings.SplitSeq(strings.Trim(part, "\n"), "\n") {
			lines = append(lines, pieces(line, ours))
		}
		out = append(out, lines)
	}
	return out
}

func pieces(line, ours string) (out []piece) {
	for ours != "" {
		before, rest, found := strings.Cut(line, ours+"/")
		if !found {
			break
		}
		rest = ours + "/" + rest
		end := strings.IndexFunc(rest, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`<>"'`, r) })
		if end < 0 {
			end = len(rest)
		}
		out = append(out, piece{Text: before}, piece{Text: rest[:end], Link: true})
		line = rest[end:]
	}
	return append(out, piece{Text: line})
}

// about names the account that a message is about.
func about(m mail.LogEntry) string { return "Account " + id.String(m.AboutID.V) }
