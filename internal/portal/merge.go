package portal

import (
	"strings"

	"clientele/internal/access"
	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/merge"
	"clientele/internal/sso"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountMerge mounts bringing another login of hers into the one that she keeps:
// she shows it within her session, looks at what moves, and confirms.
func (p *Portal) mountMerge(m *web.Mux) {
	const base = "/me/merge"
	web.SignedIn(m, "GET "+base, p.mergeStart, web.StepUp)
	web.SignedIn(m, "POST "+base, p.showAnother, web.StepUp, web.Audits("merge.proven"))
	web.SignedIn(m, "POST "+base+"/passkey/begin", p.beginAnotherPasskey, web.StepUp, web.Begins)
	web.SignedIn(m, "POST "+base+"/passkey", p.anotherPasskey, web.StepUp, web.Audits("merge.proven"))
	web.SignedIn(m, "GET "+base+"/second-factor", p.anotherSecond, web.StepUp)
	web.SignedIn(m, "POST "+base+"/second-factor", p.doAnotherSecond, web.StepUp, web.Audits("merge.proven"))
	web.SignedIn(m, "POST "+base+"/second-factor/passkey/begin", p.beginAnotherSecond, web.StepUp, web.Begins)
	web.SignedIn(m, "POST "+base+"/second-factor/passkey", p.anotherSecondPasskey, web.StepUp, web.Audits("merge.proven"))
	web.SignedIn(m, "GET "+base+"/confirm", p.mergePlan, web.StepUp)
	web.SignedIn(m, "POST "+base+"/confirm", p.doMerge, web.StepUp, web.Audits("user.merged"))
	web.SignedIn(m, "GET /me/merges/{merge}", p.mergeDone, web.StepUp)
	web.SignedIn(m, "POST /me/merges/{merge}/undo", p.undoMerge, web.StepUp, web.Audits("user.unmerged"))
	web.Public(m, "GET /together", p.mergeAsked)
	web.Public(m, "GET /together/{token}", keepToken(web.MergeCookie, "/together"))
	web.Public(m, "POST /together", p.stopMerge, web.Audits("merge.stopped"))
	web.SignedIn(m, "GET /together/confirm", p.mergeLook, web.StepUp)
	web.SignedIn(m, "POST /together/confirm", p.agreeMerge, web.StepUp, web.Audits("merge.confirmed"))
}

// A mergeForm is the page on which another login is shown.
type mergeForm struct {
	Me        auth.Identity
	Done      []merge.Done
	Address   string
	Above     string
	Passkeys  bool
	Providers []sso.Provider
}

func (p *Portal) mergeStart(r *web.Request) error { return p.showMergeStart(r, nil) }

func (p *Portal) showMergeStart(r *web.Request, cause error) error {
	f := mergeForm{Me: r.Me(), Address: r.Value("address"), Passkeys: p.Auth.HasPasskeys()}
	if cause != nil {
		_, f.Above = web.FieldErrors(cause)
	}
	var err error
	if f.Done, err = p.Merges.Mine(r.Context(), r.Me()); err != nil {
		return err
	}
	if f.Providers, err = p.Providers.Active(r.Context()); err != nil {
		return err
	}
	page, err := p.mePage(r, "Bring another login in")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, mergePage(page, f, r.Now()))
}

func (p *Portal) showAnother(r *web.Request) error {
	token, half, err := p.Auth.ShowAnother(r.Context(), r.Me(), auth.Credential{Address: r.Value("address"), Password: r.Value("password"), Device: r.Device()})
	if again(err) {
		return p.showMergeStart(r, err)
	}
	if err != nil {
		return err
	}
	return shown(r, token, half)
}

// shown goes on after another login was shown: to its second factor, or to
// what moves.
func shown(r *web.Request, token string, half bool) error {
	r.KeepToken(web.AnotherCookie, token)
	if half {
		return r.Redirect("/me/merge/second-factor")
	}
	return r.Redirect("/me/merge/confirm")
}

func (p *Portal) beginAnotherPasskey(r *web.Request) error {
	c, err := p.Auth.BeginAnotherByPasskey(r.Context(), r.Me())
	return challenge(r, c, err)
}

func (p *Portal) anotherPasskey(r *web.Request) error {
	token, err := p.Auth.ShowAnotherByPasskey(r.Context(), r.Me(), r.Token(web.CeremonyCookie), r.Value("response"), r.Device())
	if again(err) {
		return p.showMergeStart(r, err)
	}
	if err != nil {
		return err
	}
	return shown(r, token, false)
}

// An anotherForm is the second step of showing another login.
type anotherForm struct {
	auth.Another
	Passkeys  bool
	CodeError string
	Above     string
}

func (p *Portal) anotherSecond(r *web.Request) error { return p.showAnotherSecond(r, nil) }

func (p *Portal) showAnotherSecond(r *web.Request, cause error) error {
	o, err := p.Auth.HalfAnother(r.Context(), r.Me(), r.Token(web.AnotherCookie))
	if err != nil {
		return err
	}
	f := anotherForm{Another: o, Passkeys: o.Factors.Passkeys > 0 && p.Auth.HasPasskeys()}
	if cause != nil {
		fields, above := web.FieldErrors(cause)
		f.CodeError, f.Above = fields["code"], above
	}
	page, err := p.mePage(r, "Its second factor")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, anotherSecondPage(page, f))
}

func (p *Portal) doAnotherSecond(r *web.Request) error {
	token, err := p.Auth.ShowAnotherByCode(r.Context(), r.Me(), r.Token(web.AnotherCookie), r.Value("code"), r.Device())
	return p.shownSecond(r, token, err)
}

func (p *Portal) beginAnotherSecond(r *web.Request) error {
	c, err := p.Auth.BeginAnotherSecond(r.Context(), r.Me(), r.Token(web.AnotherCookie))
	return challenge(r, c, err)
}

func (p *Portal) anotherSecondPasskey(r *web.Request) error {
	token, err := p.Auth.ShowAnotherSecond(r.Context(), r.Me(), r.Token(web.AnotherCookie), r.Token(web.CeremonyCookie), r.Value("response"), r.Device())
	return p.shownSecond(r, token, err)
}

func (p *Portal) shownSecond(r *web.Request, token string, err error) error {
	if web.Mendable(err) {
		return p.showAnotherSecond(r, err)
	}
	if err != nil {
		return err
	}
	return shown(r, token, false)
}

// A planView is what moves, with the form that confirms it.
type planView struct {
	merge.Plan
	Action string
	Above  string
	Asked  bool // staff have asked for it, and both sides are to agree
	Agreed bool // this one has
	Kept   bool // the login that she is signed in with is the one that stays
	Gates  map[id.Account]string
}

func newPlanView(r *web.Request, plan merge.Plan, action string, cause error) planView {
	v := planView{Plan: plan, Action: action, Kept: plan.Keep.ID == r.Me().User(), Gates: map[id.Account]string{}}
	if cause != nil {
		_, v.Above = web.FieldErrors(cause)
	}
	for _, j := range plan.Joinings {
		if why := locked(r, access.Reached{Gate: j.Gate}); why != "" && v.Kept {
			v.Gates[j.Account] = why
		}
	}
	return v
}

func (p *Portal) mergePlan(r *web.Request) error { return p.showMergePlan(r, nil) }

func (p *Portal) showMergePlan(r *web.Request, cause error) error {
	plan, err := p.Merges.Plan(r.Context(), r.Me(), r.Token(web.AnotherCookie))
	if err != nil {
		return err
	}
	page, err := p.mePage(r, "What moves")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, mergePlanPage(page, newPlanView(r, plan, "/me/merge/confirm", cause), r.Now()))
}

func (p *Portal) doMerge(r *web.Request) error {
	in, err := p.Merges.Confirm(r.Context(), r.Me(), r.Token(web.AnotherCookie), r.Value("plan"))
	if fault.Is(err, fault.Conflict) {
		return p.showMergePlan(r, err)
	}
	if err != nil {
		return err
	}
	r.DropToken(web.AnotherCookie)
	r.StartSession(in.Session, in.Device)
	r.Say(ui.Good, "Done. This login opens now what the other one did. Everywhere else you have been signed out.")
	return r.Redirect("/me/accounts")
}

// mergeDone asks before a login is taken out again.
func (p *Portal) mergeDone(r *web.Request) error {
	list, err := p.Merges.Mine(r.Context(), r.Me())
	if err != nil {
		return err
	}
	d, err := find(r, "merge", list, func(d merge.Done) id.Merge { return d.ID })
	if err != nil {
		return err
	}
	page, err := p.mePage(r, "Take it out again")
	if err != nil {
		return err
	}
	return r.Render(200, mergeUndoPage(page, d, r.Now()))
}

func (p *Portal) undoMerge(r *web.Request) error {
	number, err := web.PathID[id.Merge](r, "merge")
	if err != nil {
		return err
	}
	if err := p.Merges.Undo(r.Context(), r.Me(), number); err != nil {
		return err
	}
	r.Say(ui.Good, "The login is on its own again, with what it opened before.")
	return r.Redirect("/me/accounts")
}

// mergeAsked is what the link of a mail leads to that asks to bring two logins
// together. It says nothing of the other one.
func (p *Portal) mergeAsked(r *web.Request) error {
	r.NoReferrer()
	s, err := p.Merges.Open(r.Context(), r.Token(web.MergeCookie))
	if err != nil {
		return err
	}
	return r.Render(200, mergeAskedPage(barePage(r, "Bring two logins together?"), s, r.Me()))
}

func (p *Portal) stopMerge(r *web.Request) error {
	r.NoReferrer()
	if err := p.Merges.Stop(r.Context(), r.Token(web.MergeCookie), r.Info()); err != nil {
		return err
	}
	r.DropToken(web.MergeCookie)
	return finished(r, done{Title: "Stopped", Text: "Nothing is brought together. Your login stays as it is.", Link: "/", Label: "Go on"})
}

func (p *Portal) mergeLook(r *web.Request) error { return p.showMergeLook(r, nil) }

func (p *Portal) showMergeLook(r *web.Request, cause error) error {
	r.NoReferrer()
	s, plan, err := p.Merges.Look(r.Context(), r.Me(), r.Token(web.MergeCookie))
	if err != nil {
		return err
	}
	page, err := p.mePage(r, "What moves")
	if err != nil {
		return err
	}
	v := newPlanView(r, plan, "/together/confirm", cause)
	v.Asked, v.Agreed = true, s.Agreed()
	if plan.Half {
		return r.RenderAgain(cause, mergeHalfPage(page, v, r.Now()))
	}
	return r.RenderAgain(cause, mergePlanPage(page, v, r.Now()))
}

func (p *Portal) agreeMerge(r *web.Request) error {
	in, all, err := p.Merges.Agree(r.Context(), r.Me(), r.Token(web.MergeCookie), r.Value("plan"))
	if fault.Is(err, fault.Conflict) {
		return p.showMergeLook(r, err)
	}
	if err != nil {
		return err
	}
	switch {
	case !all:
		r.Say(ui.Good, "You have agreed with this login. Follow the link in the mail to the other one, signed in to that: then it is done.")
		return r.Redirect("/me/accounts")
	case in.Session == "":
		r.EndSession()
		r.DropToken(web.MergeCookie)
		return finished(r, done{Title: "Done", Text: "The other login opens now what this one did. Sign in with that one from now on. For seven days you can take this one out again.", Link: "/signin", Label: "Sign in"})
	}
	r.DropToken(web.MergeCookie)
	r.StartSession(in.Session, in.Device)
	r.Say(ui.Good, "Done. This login opens now what the other one did. Everywhere else you have been signed out.")
	return r.Redirect("/me/accounts")
}

// was says what a login was in an account before.
func was(m access.Member) string {
	switch {
	case m.ID == 0:
		return "–"
	case m.Status == "suspended":
		return m.Label() + ", suspended"
	}
	return m.Label()
}

// loses says what the one membership that is left does not give.
func loses(j access.Joining) string {
	if j.Lost == 0 {
		return ""
	}
	return "Not carried over, since one login has one membership here: " + strings.ToLower(j.Lost.Labels()[:1]) + j.Lost.Labels()[1:] + ". Ask an owner of the account for it."
}
