package backoffice

import (
	"net/http"

	"clientele/internal/id"
	"clientele/internal/sso"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountProviders mounts the sign-in providers, for administrators.
func (b *Backoffice) mountProviders(m *web.Mux) {
	web.Staff(m, "GET /staff/providers", b.listProviders)
	web.Staff(m, "GET /staff/providers/new", b.newProvider, web.StepUp)
	web.Staff(m, "POST /staff/providers", b.addProvider, web.StepUp, web.Audits("provider.added"))
	web.Staff(m, "GET /staff/providers/{provider}", b.provider, web.StepUp)
	web.Staff(m, "POST /staff/providers/{provider}", b.changeProvider, web.StepUp, web.Audits("provider.changed"))
	web.Staff(m, "POST /staff/providers/{provider}/switch", b.switchProvider, web.StepUp, web.Audits("provider.switched"))
	web.Staff(m, "POST /staff/providers/{provider}/remove", b.removeProvider, web.StepUp, web.Audits("provider.removed"))
}

func providerPath(p id.Provider) string { return "/staff/providers/" + id.String(p) }

func (b *Backoffice) listProviders(r *web.Request, by staff.For[staff.Configure]) error {
	list, err := b.Providers.List(r.Context(), by)
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, providersPage(page(r, "Sign-in providers"), list))
}

// A providerForm is a provider as it was typed.
type providerForm struct {
	sso.Typed
	Action string
	Errors map[string]string
	Above  string
	Kept   bool // there is a client secret already
	Submit string
}

func readProvider(r *web.Request) sso.Typed {
	return sso.Typed{
		Name: r.Value("name"), Issuer: r.Value("issuer"), ClientID: r.Value("client_id"), Secret: r.Value("secret"),
		SecondFactor: r.Ticked("second_factor"),
	}
}

func (b *Backoffice) newProvider(r *web.Request, _ staff.For[staff.Configure]) error {
	return b.showNewProvider(r, nil)
}

func (b *Backoffice) showNewProvider(r *web.Request, cause error) error {
	f := providerForm{Action: "/staff/providers", Submit: "Add the provider"}
	if cause != nil {
		f.Typed = readProvider(r)
		f.Errors, f.Above = problems(cause)
	}
	return r.RenderAgain(cause, newProviderPage(page(r, "Add a sign-in provider"), f))
}

func (b *Backoffice) addProvider(r *web.Request, by staff.For[staff.Configure]) error {
	number, err := b.Providers.Add(r.Context(), by, readProvider(r))
	if web.Mendable(err) {
		return b.showNewProvider(r, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The provider is added, and off. Register the address below there, then switch it on.")
	return r.Redirect(providerPath(number))
}

func (b *Backoffice) provider(r *web.Request, by staff.For[staff.Configure]) error {
	return b.showProvider(r, by, nil)
}

func (b *Backoffice) showProvider(r *web.Request, by staff.For[staff.Configure], cause error) error {
	number, err := web.PathID[id.Provider](r, "provider")
	if err != nil {
		return err
	}
	e, err := b.Providers.Get(r.Context(), by, number)
	if err != nil {
		return err
	}
	f := providerForm{
		Typed:  sso.Typed{Name: e.Name, Issuer: e.Issuer, ClientID: e.ClientID, SecondFactor: e.SecondFactor},
		Action: providerPath(number), Kept: e.Secret, Submit: "Save",
	}
	if cause != nil {
		f.Typed = readProvider(r)
		f.Errors, f.Above = problems(cause)
	}
	return r.RenderAgain(cause, providerPage(page(r, e.Name), e, f, b.Providers.RedirectURI(number)))
}

// done goes back to a provider's page after a change of it, or shows what is
// wrong with the change.
func (b *Backoffice) done(r *web.Request, by staff.For[staff.Configure], err error, said, next string) error {
	if web.Mendable(err) {
		return b.showProvider(r, by, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, said)
	return r.Redirect(next)
}

func (b *Backoffice) changeProvider(r *web.Request, by staff.For[staff.Configure]) error {
	number, err := web.PathID[id.Provider](r, "provider")
	if err == nil {
		err = b.Providers.Change(r.Context(), by, number, readProvider(r))
	}
	return b.done(r, by, err, "Saved.", providerPath(number))
}

func (b *Backoffice) switchProvider(r *web.Request, by staff.For[staff.Configure]) error {
	on, said := r.Value("to") == "on", "It is off. Nobody can sign in through it."
	if on {
		said = "It is on. The sign-in page offers it."
	}
	number, err := web.PathID[id.Provider](r, "provider")
	if err == nil {
		err = b.Providers.Switch(r.Context(), by, number, on)
	}
	return b.done(r, by, err, said, providerPath(number))
}

func (b *Backoffice) removeProvider(r *web.Request, by staff.For[staff.Configure]) error {
	number, err := web.PathID[id.Provider](r, "provider")
	if err == nil {
		err = b.Providers.Remove(r.Context(), by, number)
	}
	return b.done(r, by, err, "The provider is removed.", "/staff/providers")
}

// whomItTouches says who is touched where a provider goes.
func whomItTouches(e sso.Entry) string {
	if e.People == 0 && e.Named == 0 {
		return "Nobody has linked a login there, and no account's sign-in rules name it."
	}
	return count(e.People, "person has", "people have") + " linked a login there, and the sign-in rules of " + count(e.Named, "account", "accounts") + " name it."
}

func allow(n int64) string {
	if n == 1 {
		return "allows"
	}
	return "allow"
}
