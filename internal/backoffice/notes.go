package backoffice

import (
	"net/http"
	"strconv"
	"time"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountNotes mounts an account's Notes tab.
func (b *Backoffice) mountNotes(m *web.Mux) {
	const base = "/staff/accounts/{account}/notes"
	web.Staff(m, "GET "+base, b.notes)
	web.Staff(m, "POST "+base, b.addNote, web.Audits("note.added"))
	web.Staff(m, "GET "+base+"/{note}", b.note)
	web.Staff(m, "POST "+base+"/{note}", b.changeNote, web.Audits("note.changed"))
	web.Staff(m, "POST "+base+"/{note}/remove", b.removeNote, web.Audits("note.removed"))
}

// A notesView is what staff have noted down about an account, and the form
// for one more.
type notesView struct {
	List      []account.Note
	Form      noteForm
	MayChange bool
}

// A noteForm is a note as somebody typed it.
type noteForm struct {
	account.TypedNote
	Number    id.Note
	Opened    string // when the form was opened
	Meanwhile []account.Change
	Saved     string // what is saved now, where somebody else has changed it
	Errors    map[string]string
	Above     string
}

func (b *Backoffice) notes(r *web.Request, by staff.For[staff.Look]) error {
	acc, err := open[access.Enter](b, r, by)
	if err != nil {
		return err
	}
	return b.showNotes(r, by, acc, noteForm{}, nil)
}

func (b *Backoffice) showNotes(r *web.Request, by staff.For[staff.Look], acc access.For[access.Enter], f noteForm, cause error) error {
	view, err := account.ForStaff(r.Context(), acc)
	if err != nil {
		return err
	}
	f.Errors, f.Above = problems(cause)
	_, change := staff.Also[staff.ManageAccounts](by)
	return r.RenderAgain(cause, notesPage(newSheet(r, acc, "Notes", "Notes"), notesView{view.Notes, f, change}))
}

func readNote(r *web.Request) account.TypedNote {
	return account.TypedNote{Text: r.Value("text"), Sticky: r.Ticked("sticky"), Seen: r.Value("seen")}
}

func (b *Backoffice) addNote(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, err := open[access.ManageProfile](b, r, by)
	if err != nil {
		return err
	}
	t := readNote(r)
	err = b.Accounts.AddNote(r.Context(), acc, t)
	if web.Mendable(err) {
		look, _ := staff.Also[staff.Look](by)
		enter, _ := access.Also[access.Enter](acc)
		return b.showNotes(r, look, enter, noteForm{TypedNote: t}, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The note is saved.")
	return r.Redirect(accountPath(acc.Account()) + "/notes")
}

// theNote finds the note in the path.
func (b *Backoffice) theNote(r *web.Request, by staff.For[staff.ManageAccounts]) (acc access.For[access.ManageProfile], n account.Note, err error) {
	if acc, err = open[access.ManageProfile](b, r, by); err != nil {
		return acc, n, err
	}
	number, err := web.PathID[id.Note](r, "note")
	if err != nil {
		return acc, n, err
	}
	n, err = b.Accounts.Note(r.Context(), acc, number)
	return acc, n, err
}

func (b *Backoffice) note(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, n, err := b.theNote(r, by)
	if err != nil {
		return err
	}
	f := noteForm{TypedNote: account.TypedNote{Text: n.Text, Sticky: n.Sticky, Seen: n.Stamp()}, Number: n.ID, Opened: stamp(r.Now())}
	return r.Render(http.StatusOK, notePage(newSheet(r, acc, "Note", "Notes"), f))
}

func (b *Backoffice) changeNote(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, n, err := b.theNote(r, by)
	if err != nil {
		return err
	}
	f := noteForm{TypedNote: readNote(r), Number: n.ID, Opened: r.Value("opened")}
	err = b.Accounts.ChangeNote(r.Context(), acc, n.ID, f.TypedNote)
	if web.Mendable(err) {
		f.Errors, f.Above = problems(err)
		if isMeanwhile(err) {
			f.Saved, f.Seen = n.Text, n.Stamp()
			if f.Meanwhile, err = meanwhile(b, r, acc, "note", int64(n.ID), err); err != nil {
				return err
			}
			f.Above = meanwhileText
			return r.Render(http.StatusConflict, notePage(newSheet(r, acc, "Note", "Notes"), f))
		}
		return r.RenderAgain(err, notePage(newSheet(r, acc, "Note", "Notes"), f))
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The note is saved.")
	return r.Redirect(accountPath(acc.Account()) + "/notes")
}

func (b *Backoffice) removeNote(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, n, err := b.theNote(r, by)
	if err != nil {
		return err
	}
	if err := b.Accounts.RemoveNote(r.Context(), acc, n.ID); err != nil {
		return err
	}
	r.Say(ui.Good, "The note is removed.")
	return r.Redirect(accountPath(acc.Account()) + "/notes")
}

// meanwhileText stands above a form whose object somebody else has changed.
const meanwhileText = "Somebody else changed this while you were editing. What was done stands below, and what you typed is kept. Save once more to replace it."

// isMeanwhile tells a form that came too late from other refusals.
func isMeanwhile(cause error) bool {
	e, ok := fault.Of(cause)
	return ok && e.Reason == "changed-meanwhile"
}

// stamp is a moment as a hidden field carries it.
func stamp(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// meanwhile reads what was done since the form was opened.
func meanwhile[P access.Permission](b *Backoffice, r *web.Request, acc access.For[P], object string, number int64, cause error) ([]account.Change, error) {
	if !isMeanwhile(cause) {
		return nil, nil
	}
	micros, _ := strconv.ParseInt(r.Value("opened"), 10, 64)
	return b.Accounts.Meanwhiles(r.Context(), acc, object, number, time.UnixMicro(micros).UTC())
}
