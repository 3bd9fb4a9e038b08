package portal

import (
	"net/http"
	"slices"

	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/sso"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountProviders mounts signing in through others, and linking logins there.
func (p *Portal) mountProviders(m *web.Mux) {
	web.Public(m, "POST /signin/with/{provider}", p.leaveFor(sso.SignIn), web.Begins)
	web.Public(m, "GET /signin/with/{provider}/callback", p.comeBack)
	web.SignedIn(m, "POST /confirm/with/{provider}", p.leaveFor(sso.Confirm), web.Begins)
	web.SignedIn(m, "POST /me/merge/with/{provider}", p.leaveFor(sso.Another), web.StepUp, web.Begins)
	web.SignedIn(m, "POST /me/security/providers/{provider}/link", p.leaveFor(sso.Link), web.StepUp, web.Begins)
	web.SignedIn(m, "GET /me/security/identities/{identity}", p.linked, web.StepUp)
	web.SignedIn(m, "POST /me/security/identities/{identity}/unlink", p.unlink, web.StepUp, web.Audits("identity.unlinked"))
}

// leaveFor sends the browser to a provider, for one purpose.
func (p *Portal) leaveFor(u sso.Purpose) func(*web.Request) error {
	return func(r *web.Request) error {
		number, err := web.PathID[id.Provider](r, "provider")
		if err != nil {
			return err
		}
		d, err := p.Providers.Begin(r.Context(), sso.Leave{Provider: number, Purpose: u, Me: r.Me(), Next: r.Next("/")})
		if err != nil {
			return err
		}
		r.KeepToken(web.ProviderCookie, d.Token)
		return r.Leave(d.URL, departPage(barePage(r, "On to "+d.Name), d))
	}
}

// comeBack takes a provider's answer. By the protocol it is a GET that signs
// in. What keeps other sites from using it is not SameSite, which lets it
// through, but the state: it counts once, and in the browser whose cookie
// says that it was sent out from there.
func (p *Portal) comeBack(r *web.Request) error {
	r.NoReferrer()
	number, err := web.PathID[id.Provider](r, "provider")
	if err != nil {
		return err
	}
	in, err := p.Providers.Finish(r.Context(), sso.Answer{
		Provider: number, Token: r.Token(web.ProviderCookie), State: r.Value("state"), Code: r.Value("code"),
		Problem: r.Value("error"), Issuer: r.Value("iss"), Me: r.Me(), Device: r.Device(), Request: r.Info(),
	})
	r.DropToken(web.ProviderCookie)
	if e, ok := fault.Of(err); ok && in.Purpose != "" {
		switch {
		case e.Reason == sso.NotLinked:
			return r.RenderAgain(err, donePage(barePage(r, "Not linked"), done{Title: "Nobody here is linked to it", Text: e.Text, Label: "Sign in in another way", Link: withNext("/signin", in.Next)}))
		case e.Code == fault.Conflict:
			return backWithout(r, in, e.Text)
		}
	}
	if err != nil {
		return err
	}
	return p.arrived(r, in)
}

// backWithout goes back to where she left, and says why nothing came of it.
func backWithout(r *web.Request, in sso.Arrival, text string) error {
	r.Say(ui.Warn, text)
	switch in.Purpose {
	case sso.Link:
		return r.Redirect("/me/security")
	case sso.Confirm:
		return r.Redirect(withNext("/confirm", in.Next))
	case sso.Another:
		return r.Redirect("/me/merge")
	}
	return r.Redirect(withNext("/signin", in.Next))
}

// arrived goes on after what she left for is done.
func (p *Portal) arrived(r *web.Request, in sso.Arrival) error {
	switch in.Purpose {
	case sso.Link:
		return renewed(r, in.SignedIn, "The sign-in is linked.")
	case sso.Confirm:
		return confirmed(r, in.SignedIn, in.Next)
	case sso.Another:
		return shown(r, in.Shown, in.Half)
	}
	return p.entered(r, in.SignedIn, in.Next)
}

// linkable lists what the person has linked, and the providers where she has
// linked nothing yet.
func (p *Portal) linkable(r *web.Request) (linked []sso.Linked, rest []sso.Provider, err error) {
	if linked, err = p.Providers.Linked(r.Context(), r.Me()); err != nil {
		return linked, nil, err
	}
	rest, err = p.Providers.Active(r.Context())
	return linked, slices.DeleteFunc(rest, func(s sso.Provider) bool {
		return slices.ContainsFunc(linked, func(l sso.Linked) bool { return l.Provider == s.ID })
	}), err
}

func (p *Portal) linked(r *web.Request) error {
	list, err := p.Providers.Linked(r.Context(), r.Me())
	if err != nil {
		return err
	}
	l, err := find(r, "identity", list, func(l sso.Linked) id.Identity { return l.ID })
	if err != nil {
		return err
	}
	page, err := p.mePage(r, "Linked sign-in")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, linkedPage(page, l, r.Now()))
}

func (p *Portal) unlink(r *web.Request) error {
	number, err := web.PathID[id.Identity](r, "identity")
	if err != nil {
		return err
	}
	in, err := p.Providers.Unlink(r.Context(), r.Me(), number)
	if err != nil {
		return err
	}
	return renewed(r, in, "The sign-in is unlinked.")
}
