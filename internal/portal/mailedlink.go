package portal

import (
	"net/http"

	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountMailedLinks mounts what the links in notices lead to. Opening one
// changes nothing: a form asks first.
func (p *Portal) mountMailedLinks(m *web.Mux) {
	web.Public(m, "GET /alarm", p.alarm)
	web.Public(m, "POST /alarm", p.raiseAlarm, web.Audits("user.alarm_raised"))
	web.Public(m, "GET /alarm/{token}", keepToken(web.AlarmCookie, "/alarm"))
	web.Public(m, "GET /address", p.newAddress)
	web.Public(m, "POST /address", p.confirmAddress, web.Audits("user.address_changed"))
	web.Public(m, "GET /address/{token}", keepToken(web.AddressCookie, "/address"))
	web.Public(m, "GET /address/undo", p.undoAddress)
	web.Public(m, "POST /address/undo", p.doUndoAddress, web.Audits("user.address_restored"))
	web.Public(m, "GET /address/undo/{token}", keepToken(web.UndoCookie, "/address/undo"))
	web.Public(m, "GET /factor-reset", p.stopReset)
	web.Public(m, "POST /factor-reset", p.doStopReset, web.Audits("factor_reset.stopped"))
	web.Public(m, "GET /factor-reset/{token}", keepToken(web.StopCookie, "/factor-reset"))
	web.Public(m, "GET /owner-recovery", p.stopOwner)
	web.Public(m, "POST /owner-recovery", p.doStopOwner, web.Audits("owner_recovery.stopped"))
	web.Public(m, "GET /owner-recovery/{token}", keepToken(web.OwnerStopCookie, "/owner-recovery"))
}

// An ask is a page that asks before it does what a mailed link is for.
type ask struct {
	Title  string
	Lines  []string
	Action string
	Button string
	Calm   string // what to do if it was you
}

func askFirst(r *web.Request, a ask) error {
	return r.Render(http.StatusOK, askPage(barePage(r, a.Title), a))
}

// A done is the page that says what a mailed link has done.
type done struct {
	Title string
	Text  string
	Kept  bool // a mail follows, and mail does not leave this installation
	Link  string
	Label string
}

func finished(r *web.Request, d done) error {
	return r.Render(http.StatusOK, donePage(barePage(r, d.Title), d))
}

func (p *Portal) alarm(r *web.Request) error {
	r.NoReferrer()
	who, err := p.Auth.OpenAlarm(r.Context(), r.Token(web.AlarmCookie))
	if err != nil {
		return err
	}
	return askFirst(r, ask{
		Title: "This was not you?",
		Lines: []string{
			"Then we take the login " + who.String() + " back from whoever it was:",
			"Every session ends, here too. What was added in the seven days before, a passkey, an app or a linked sign-in, is removed, and an address that was changed since that mail comes back. The password works no more. A link to set a new one is mailed to you.",
			"If it was brought into another login within those seven days, it is taken out again, with what it could open.",
		},
		Action: "/alarm", Button: "It was not me: lock everybody out", Calm: "If it was you, close this page.",
	})
}

func (p *Portal) raiseAlarm(r *web.Request) error {
	r.NoReferrer()
	if err := p.Auth.RaiseAlarm(r.Context(), r.Token(web.AlarmCookie), r.Info()); err != nil {
		return err
	}
	r.DropToken(web.AlarmCookie)
	r.EndSession()
	return finished(r, done{
		Title: "Everybody is locked out", Text: "Every session has ended and the old password works no more. Look into your mail: a link to set a new password is on its way.",
		Kept: !p.Outbox.Sends(), Link: "/signin", Label: "Sign in",
	})
}

func (p *Portal) newAddress(r *web.Request) error {
	r.NoReferrer()
	c, err := p.Auth.OpenAddress(r.Context(), r.Token(web.AddressCookie))
	if err != nil {
		return err
	}
	return askFirst(r, ask{
		Title:  "Use this address?",
		Lines:  []string{"From now on you sign in with " + c.New.String() + " in place of " + c.Old.String() + ". You are signed out everywhere but where you asked for this."},
		Action: "/address", Button: "Use this address", Calm: "If you have not asked for this, close this page. Nothing changes.",
	})
}

func (p *Portal) confirmAddress(r *web.Request) error {
	r.NoReferrer()
	in, err := p.Auth.ConfirmAddress(r.Context(), r.Me(), r.Token(web.AddressCookie))
	if err != nil {
		return err
	}
	if in.Session != "" {
		r.StartSession(in.Session, in.Device)
	}
	r.DropToken(web.AddressCookie)
	return finished(r, done{
		Title: "Your address is changed", Text: "Sign in with the new address from now on. The old one was told, and can take this back for seven days.", Link: "/", Label: "Go on",
	})
}

func (p *Portal) undoAddress(r *web.Request) error {
	r.NoReferrer()
	c, err := p.Auth.OpenUndo(r.Context(), r.Token(web.UndoCookie))
	if err != nil {
		return err
	}
	return askFirst(r, ask{
		Title: "Take the change back?",
		Lines: []string{
			"The login comes back to " + c.Old.String() + ". Every session ends, what was added in the seven days before is removed, the password works no more, and a link to set a new one is mailed to you.",
		},
		Action: "/address/undo", Button: "It was not me: take it back", Calm: "If it was you, close this page.",
	})
}

func (p *Portal) doUndoAddress(r *web.Request) error {
	r.NoReferrer()
	if err := p.Auth.UndoAddress(r.Context(), r.Token(web.UndoCookie), r.Info()); err != nil {
		return err
	}
	r.DropToken(web.UndoCookie)
	r.EndSession()
	return finished(r, done{
		Title: "The login is yours again", Text: "It has its old address back and is locked. Look into your mail: a link to set a new password is on its way.",
		Kept: !p.Outbox.Sends(), Link: "/signin", Label: "Sign in",
	})
}

func (p *Portal) stopReset(r *web.Request) error {
	r.NoReferrer()
	if err := p.Auth.OpenStop(r.Context(), r.Token(web.StopCookie)); err != nil {
		return err
	}
	return askFirst(r, ask{
		Title:  "Keep your second factor?",
		Lines:  []string{"Somebody has said in your name that your second factor is lost. If that was not you, stop it here: the factor stays, and nothing changes."},
		Action: "/factor-reset", Button: "Stop it: my second factor stays", Calm: "If it was you, close this page and wait.",
	})
}

func (p *Portal) doStopReset(r *web.Request) error {
	r.NoReferrer()
	if err := p.Auth.StopReset(r.Context(), r.Token(web.StopCookie), r.Info()); err != nil {
		return err
	}
	r.DropToken(web.StopCookie)
	r.Say(ui.Good, "Stopped. Your second factor stays as it is.")
	return r.Redirect("/signin")
}

func (p *Portal) stopOwner(r *web.Request) error {
	r.NoReferrer()
	o, err := p.Owners.OpenStop(r.Context(), r.Token(web.OwnerStopCookie))
	if err != nil {
		return err
	}
	return askFirst(r, ask{
		Title:  "Can an owner still act?",
		Lines:  []string{r.Brand() + " was told that no owner of " + o.Account + " can act any more, and is about to make " + o.Who() + " an owner. If an owner can act, stop it here: nothing changes."},
		Action: "/owner-recovery", Button: "Stop it: an owner can act", Calm: "If it is true, close this page and wait.",
	})
}

func (p *Portal) doStopOwner(r *web.Request) error {
	r.NoReferrer()
	if err := p.Owners.Stop(r.Context(), r.Token(web.OwnerStopCookie), r.Info()); err != nil {
		return err
	}
	r.DropToken(web.OwnerStopCookie)
	r.Say(ui.Good, "Stopped. Nobody becomes an owner of the account.")
	return r.Redirect("/signin")
}
