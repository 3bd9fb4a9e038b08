package web

import (
	"context"
	"net/http"
	"strings"

	"clientele/internal/access"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/ui"
)

// Looks reports whether an operator looks as the person who seems to be
// signed in.
func (r *Request) Looks() bool { return r.look != nil }

// inStaffArea reports whether the request is for the staff area, where only
// an operator's own session counts.
func (r *Request) inStaffArea() bool {
	return r.URL.Path == "/staff" || strings.HasPrefix(r.URL.Path, "/staff/")
}

var (
	errOnlyHerself = fault.New(fault.Denied, "impersonation-forbidden", "Only the person can do this. An operator cannot do it for anybody. To stop looking as somebody else, press End at the top of the page.")
	errOnlyLooking = fault.New(fault.Denied, "only-looking", "You are only looking, so nothing can be changed. To change something for this person, act, with the button at the top of the page.")
)

// overText says why an operator no longer looks as somebody.
var overText = map[string]string{
	"expired": "The hour is over.",
	"session": "Your staff session is over.",
	"staff":   "You may no longer sign in as staff.",
	"role":    "Your role no longer allows it.",
	"user":    "The user can no longer sign in.",
	"refused": "The account no longer allows staff to look at it.",
	"access":  "The user no longer has access to the account.",
}

// identifyLook finds out as whom an operator makes the request, where the
// browser has a token of that; it comes before the browser's own session. Once
// it is over the request is refused, and not made as somebody else: what was
// meant for one person is never done as another.
func (r *Request) identifyLook() (looks bool, err error) {
	token := r.cookie(lookCookie)
	if token == "" || r.inStaffArea() {
		return false, nil
	}
	r.asked = true
	who, look, over, err := r.mux.looks.Identify(r.Context(), token, r.info)
	if err != nil {
		return false, err
	}
	if over != "" {
		r.EndLook()
		return false, fault.New(fault.Denied, "impersonation-over", strings.TrimSpace("You no longer look as somebody else. "+overText[over]+" The staff area is where you can begin again."))
	}
	r.me, r.look = who, &look
	switch {
	case !r.route.ByStaff:
		r.mux.looks.NoteForbidden(r.Context(), who)
		return true, errOnlyHerself
	case r.route.Unsafe() && !look.Acts():
		r.mux.looks.NoteForbidden(r.Context(), who)
		return true, errOnlyLooking
	}
	r.Request = r.WithContext(mail.OnBehalf(r.Context(), look.StaffName, r.Brand(), look.UserName))
	return true, nil
}

// withBanner has every page say as whom an operator looks, also one that was
// refused before anybody asked who makes the request.
func (r *Request) withBanner(ctx context.Context) context.Context {
	b := ui.Banner{ActAction: "/staff/impersonation/act", EndAction: "/staff/impersonation/end", Overview: "/staff/impersonations"}
	if token := r.cookie(lookCookie); r.look == nil && !r.asked && token != "" && !r.inStaffArea() {
		_, look, over, err := r.mux.looks.Identify(ctx, token, r.info)
		switch {
		case err != nil:
			b.Unknown = true
			return ui.WithBanner(ctx, b)
		case over == "":
			r.look = &look
		}
	}
	if r.look == nil {
		return ctx
	}
	here := lookPath(r.look)
	if r.Method == http.MethodGet {
		here = SafeNext(r.URL.RequestURI(), here)
	}
	b.Operator, b.Person, b.Account = r.look.StaffName, r.look.UserName, r.look.AccountName
	b.Acts, b.MayAct, b.Here = r.look.Acts(), r.look.Set().Has(access.StaffActAs), here
	b.Until, b.Exact = r.look.ExpiresAt.UTC().Format("15:04 UTC"), locale.Exact(r.look.ExpiresAt)
	return ui.WithBanner(ctx, b)
}

func lookPath(i *access.Impersonation) string { return "/a/" + id.String(i.AccountID) }
