package backoffice

import (
	"net/http"

	"clientele/internal/fault"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// waiting shows a list of what waits for somebody.
func (b *Backoffice) waiting(r *web.Request, by staff.For[staff.Look]) error {
	list, ok := staff.Lists[r.PathValue("list")]
	if !ok {
		return fault.Missing()
	}
	rows, all, err := b.Staff.List(r.Context(), by, list)
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, waitingPage(page(r, list.Title), list, rows, all, r.Now()))
}

// kindOf is how a line stands out.
func kindOf(w staff.Waiting) ui.Kind {
	if w.Urgent {
		return ui.Warn
	}
	return ui.Info
}

// waiterPath is where a row of what waits is looked after.
func waiterPath(list string, w staff.Waiter) string {
	switch {
	case list == "recoveries" && w.AccountID.Valid:
		return accountPath(w.AccountID.V) + "/owners"
	case list == "recoveries" || list == "suspended":
		return userPath(w.UserID.V)
	case list == "accounts":
		return accountPath(w.AccountID.V)
	}
	return accountPath(w.AccountID.V) + "/users"
}

func seeThem(n int64) string {
	if n == 1 {
		return "See it"
	}
	return "See them"
}
