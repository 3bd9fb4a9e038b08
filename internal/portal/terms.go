package portal

import (
	"errors"
	"net/http"
	"strings"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/setting"
	"clientele/internal/web"

	"github.com/a-h/templ"
)

// mountTerms mounts the terms, and what the brand is made of.
func (p *Portal) mountTerms(m *web.Mux) {
	m.TermsPage = p.termsInPlace
	web.Public(m, "GET /terms", p.terms)
	web.SignedIn(m, "POST /terms/accept", p.acceptTerms, web.Audits("terms.accepted"), web.BeforeTerms)
	web.Public(m, "GET /brand/{file}", p.brandFile, web.ByStaff)
}

func (p *Portal) terms(r *web.Request) error {
	t := p.Settings.Current().Terms
	if !t.Asked() {
		return fault.Missing()
	}
	if t.Link != "" {
		return r.Leave(t.Link, elsewherePage(barePage(r, "Terms"), t.Link))
	}
	text, err := t.HTML()
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, termsPage(barePage(r, "Terms"), t, text, r.Now()))
}

// termsInPlace asks for the terms to be accepted in the place of a page that
// was asked for.
func (p *Portal) termsInPlace(r *web.Request, next string) templ.Component {
	return p.askForTerms(r, next, "")
}

func (p *Portal) askForTerms(r *web.Request, next, problem string) templ.Component {
	t := p.Settings.Current().Terms
	text, err := t.HTML()
	if err != nil {
		text = ""
	}
	return acceptTermsPage(barePage(r, "Terms"), r, t, text, next, problem)
}

func (p *Portal) acceptTerms(r *web.Request) error {
	err := p.Auth.AcceptTerms(r.Context(), r.Me(), termsTicked(r))
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			return r.RenderAgain(err, p.askForTerms(r, r.Next("/"), fields["terms"]+above))
		})
	}
	return r.Redirect(r.Next("/"))
}

// termsTicked is the version of the terms whose box was ticked; 0 is none.
func termsTicked(r *web.Request) int64 { return web.Number(r, "terms") }

// brandFile serves the logo and the accent, under addresses that change with
// what stands in them.
func (p *Portal) brandFile(r *web.Request) error {
	if sheet, ok := setting.StyleAt(r.URL.Path); ok {
		return r.Asset("text/css; charset=utf-8", []byte(sheet))
	}
	if !strings.HasSuffix(r.URL.Path, ".png") {
		return fault.Missing()
	}
	picture, err := p.Settings.LogoAt(r.Context(), r.URL.Path)
	if errors.Is(err, db.ErrNone) {
		return fault.Missing()
	}
	if err != nil {
		return err
	}
	return r.Asset("image/png", picture)
}
