package backoffice

import (
	"net/http"
	"strings"

	"clientele/internal/fault"
	"clientele/internal/setting"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountSettings mounts what operators set for the whole installation.
func (b *Backoffice) mountSettings(m *web.Mux) {
	web.Staff(m, "GET /staff/settings", b.listSettings)
	web.Staff(m, "GET /staff/settings/{section}", b.settingsForm, web.StepUp)
	web.Staff(m, "POST /staff/settings/{section}", b.changeSettings, web.StepUp, web.Audits("settings.changed"))
	web.Staff(m, "POST /staff/settings/brand/logo", b.setLogo, web.StepUp, web.Audits("settings.changed"), web.Uploads("logo"))
	web.Staff(m, "POST /staff/settings/brand/logo/remove", b.removeLogo, web.StepUp, web.Audits("settings.changed"))
	web.Staff(m, "POST /staff/settings/mail/test", b.testMail, web.Audits("settings.mail_tested"))
	web.Staff(m, "GET /staff/settings/terms", b.termsForm, web.StepUp)
	web.Staff(m, "POST /staff/settings/terms", b.publishTerms, web.StepUp, web.Audits("settings.changed"))
}

// A part is a section of the settings as pages head it.
type part struct {
	Section setting.Section
	Title   string
	About   string
}

// parts are the sections, in the order of the page.
var parts = []part{
	{setting.Brand, "Brand", "What customers see on every page and in every mail."},
	{setting.Registration, "Registration", "Who may come in, and how long an invitation waits."},
	{setting.Mail, "Mail server", "Through what mail leaves. The next message already goes by it."},
	{setting.Security, "Passwords and sessions", "Rules for everybody, beside what accounts ask of their own people."},
	{setting.Notices, "What customers are told", "Beside what they can always read themselves."},
	{setting.Languages, "Languages of mail", "Mail exists in English and in what can be allowed here. Pages are English."},
}

const settingsPath = "/staff/settings"

func (p part) path() string { return settingsPath + "/" + string(p.Section) }

// partOf finds the section in the path.
func partOf(r *web.Request) (part, error) {
	for _, p := range parts {
		if string(p.Section) == r.PathValue("section") {
			return p, nil
		}
	}
	return part{}, fault.Missing()
}

// A knob is one setting as its field shows it.
type knob struct {
	setting.Field
	Text  string // typed, or in force
	Was   string // in force when the form was shown
	Given string // the variable that it was given by; then it is not changed here
	Error string
}

// Shown is the text in words; empty where there is nothing.
func (e knob) Shown() string { return e.Named(e.Text) }

// knobs are a section's settings as they are in force.
func (b *Backoffice) knobs(s setting.Section) (list []knob) {
	now := b.Settings.Current()
	for _, f := range setting.Of(s) {
		e := knob{Field: f, Text: now.Text(f.Key), Was: now.Text(f.Key)}
		e.Given, _ = b.Settings.GivenBy(f.Key)
		list = append(list, e)
	}
	return list
}

// A settingsView is what the pages of the settings show.
type settingsView struct {
	part
	Knobs   []knob
	Above   string
	Logo    string // where it is served
	LogoBad string
	Sends   bool
	Server  string
	Me      string // where a test message goes
	Trouble int64  // messages that wait after a try that failed
}

func (b *Backoffice) listSettings(r *web.Request, by staff.For[staff.Configure]) error {
	views := []settingsView{}
	for _, p := range parts {
		v, err := b.viewOf(r, p, by)
		if err != nil {
			return err
		}
		views = append(views, v)
	}
	return r.Render(http.StatusOK, settingsPage(page(r, "Settings"), views, b.Settings.Current().Terms, r.Now()))
}

// viewOf is a section as it is in force.
func (b *Backoffice) viewOf(r *web.Request, p part, by staff.For[staff.Configure]) (v settingsView, err error) {
	now := b.Settings.Current()
	v = settingsView{part: p, Knobs: b.knobs(p.Section), Logo: now.LogoPath(), Sends: now.Sends(), Server: now.Server(), Me: by.Address().String()}
	if p.Section == setting.Mail {
		v.Trouble, err = b.Staff.MailTrouble(r.Context(), by)
	}
	return v, err
}

func (b *Backoffice) settingsForm(r *web.Request, by staff.For[staff.Configure]) error {
	return b.showSection(r, by, nil)
}

// showSection shows a section's form; after something went wrong with what was
// typed and what is wrong with it.
func (b *Backoffice) showSection(r *web.Request, by staff.For[staff.Configure], cause error) error {
	p, err := partOf(r)
	if err != nil {
		return err
	}
	if cause != nil {
		// What is in force may have changed since the request began.
		if err := b.Settings.Refresh(r.Context()); err != nil {
			return err
		}
	}
	v, err := b.viewOf(r, p, by)
	if err != nil {
		return err
	}
	fields := map[string]string{}
	if cause != nil {
		fields, v.Above = problems(cause)
	}
	for i, e := range v.Knobs {
		if cause != nil && e.Given == "" {
			v.Knobs[i].Text = r.Value(e.Key)
		}
		v.Knobs[i].Error = fields[e.Key]
	}
	return r.RenderAgain(cause, sectionPage(page(r, p.Title), v))
}

func (b *Backoffice) changeSettings(r *web.Request, by staff.For[staff.Configure]) error {
	p, err := partOf(r)
	if err != nil {
		return err
	}
	form := setting.Form{Typed: map[string]string{}, Was: map[string]string{}}
	for _, f := range setting.Of(p.Section) {
		form.Typed[f.Key], form.Was[f.Key] = r.Value(f.Key), r.Value("was_"+f.Key)
	}
	err = b.Staff.ChangeSettings(r.Context(), by, p.Section, form)
	if web.Mendable(err) {
		return b.showSection(r, by, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "Saved. It holds from now on, on every page and for every mail.")
	return r.Redirect(p.path())
}

func (b *Backoffice) setLogo(r *web.Request, by staff.For[staff.Configure]) error {
	err := b.Staff.SetLogo(r.Context(), by, r.File())
	if web.Mendable(err) {
		v, gone := b.viewOf(r, parts[0], by)
		if gone != nil {
			return gone
		}
		fields, above := problems(err)
		v.LogoBad, v.Above = fields["logo"], above
		return r.RenderAgain(err, sectionPage(page(r, v.Title), v))
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The logo is set.")
	return r.Redirect(parts[0].path())
}

func (b *Backoffice) removeLogo(r *web.Request, by staff.For[staff.Configure]) error {
	if err := b.Staff.RemoveLogo(r.Context(), by); err != nil {
		return err
	}
	r.Say(ui.Good, "The logo is removed.")
	return r.Redirect(parts[0].path())
}

func (b *Backoffice) testMail(r *web.Request, by staff.For[staff.Configure]) error {
	problem, err := b.Staff.TestMail(r.Context(), by)
	if err != nil {
		return err
	}
	if problem != "" {
		r.Say(ui.Bad, "The test message could not be sent. "+problem)
	} else {
		r.Say(ui.Good, "The mail server took a message to "+by.Address().String()+". Look whether it arrives.")
	}
	return r.Redirect(settingsPath + "/mail")
}

// A termsForm is the terms as they were typed.
type termsForm struct {
	setting.TypedTerms
	Errors map[string]string
	Above  string
}

func (b *Backoffice) termsForm(r *web.Request, _ staff.For[staff.Configure]) error {
	now := b.Settings.Current().Terms
	f := termsForm{TypedTerms: setting.TypedTerms{Body: now.Body, Link: now.Link, Was: now.Version}}
	return r.Render(http.StatusOK, editTermsPage(page(r, "Terms"), f, now, r.Now()))
}

func (b *Backoffice) publishTerms(r *web.Request, by staff.For[staff.Configure]) error {
	f := termsForm{TypedTerms: setting.TypedTerms{Body: r.Value("body"), Link: r.Value("link"), Correct: r.Ticked("correct"), Was: web.Number(r, "was")}}
	err := b.Staff.PublishTerms(r.Context(), by, f.TypedTerms)
	if web.Mendable(err) {
		if again := b.Settings.Refresh(r.Context()); again != nil {
			return again
		}
		f.Errors, f.Above = problems(err)
		now := b.Settings.Current().Terms
		f.Was = now.Version
		return r.RenderAgain(err, editTermsPage(page(r, "Terms"), f, now, r.Now()))
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "Saved.")
	return r.Redirect(settingsPath + "/terms")
}

// optionsOf are what there is to choose from.
func optionsOf(e knob) (list []ui.Option) {
	for _, o := range e.Options {
		list = append(list, ui.Option{Value: o.Value, Label: o.Label})
	}
	return list
}

// lower writes a title within a sentence.
func lower(title string) string { return strings.ToLower(title[:1]) + title[1:] }
