package whmcs

import (
	"context"
	"iter"
	"time"
)

// A StaffNote is a row of tblnotes: what staff have noted down about a client.
type StaffNote struct {
	ID, ClientID int64
	AdminID      int64 // Admin.ID of whoever wrote it
	Text         string
	Sticky       bool
	Created      time.Time
	Modified     time.Time
}

// StaffNotes yields tblnotes.
func (r *Reader) StaffNotes(ctx context.Context) iter.Seq2[StaffNote, error] {
	return read(ctx, r, "tblnotes", func(f *fields) StaffNote {
		return StaffNote{
			ID: f.row.ID, ClientID: f.number("userid"), AdminID: f.number("adminid"), Text: f.text("note"), Sticky: f.flag("sticky"),
			Created: f.time("created"), Modified: f.time("modified"),
		}
	})
}

// An Admin is a row of tbladmins: the name of one of the staff, and nothing
// that she signs in with.
type Admin struct {
	ID   int64
	Name string
}

// Admins yields tbladmins.
func (r *Reader) Admins(ctx context.Context) iter.Seq2[Admin, error] {
	return read(ctx, r, "tbladmins", func(f *fields) Admin {
		return Admin{f.row.ID, oneLine(f.name("firstname") + " " + f.name("lastname"))}
	})
}
