package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"clientele/internal/audit"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/ui"
)

// An Activity is a page of the log with what was asked for, as every place
// shows it that has one.
type Activity struct {
	audit.Page
	Asked   audit.Asked
	Errors  map[string]string // what is wrong with what was asked for
	Cause   error             // the same as an error; nil where all is well
	Now     time.Time
	Path    string // of the page itself
	Next    string // where it goes on
	Account string // the number of the account whose page it is
	Across  bool   // it goes across accounts
	People  bool   // people can be chosen
	Exports bool   // it can be exported

	AccountPath func(id.Account) string // where an account's page is; nil where there is none
	UserPath    func(id.User) string
}

// An entry is the number of a record in the log.
type entry int64

// ReadActivity reads the page of a log that the query asks for.
func ReadActivity(r *Request, v audit.View) (a Activity, err error) {
	a = Activity{
		Asked: asked(r), Now: r.Now(), Path: r.URL.Path, Across: v.Own.Account == 0, People: v.Find != nil, Exports: true,
	}
	a.Page, err = v.Page(r.Context(), a.Asked, int64(After[entry](r, "before")))
	if e, ok := fault.Of(err); ok && len(e.Fields) > 0 {
		a.Errors, a.Cause, err = e.Fields, err, nil
	}
	if a.Page.Next != 0 {
		q := a.query()
		q.Set("before", strconv.FormatInt(a.Page.Next, 10))
		a.Next = a.Path + "?" + q.Encode()
	}
	return a, err
}

// asked is the filter as the form sends it.
func asked(r *Request) audit.Asked {
	return audit.Asked{
		By: r.Value("by"), Person: r.Value("person"), Group: r.Value("group"), Object: r.Value("object"), Number: r.Value("number"),
		From: r.Value("from"), To: r.Value("to"), Outcome: r.Value("outcome"),
	}
}

// fields are the filter as the form has it.
func (a Activity) fields() [][2]string {
	return [][2]string{
		{"by", a.Asked.By},
		{"person", a.Asked.Person},
		{"group", a.Asked.Group},
		{"object", a.Asked.Object},
		{"number", a.Asked.Number},
		{"from", a.Asked.From},
		{"to", a.Asked.To},
		{"outcome", a.Asked.Outcome},
	}
}

// dayField is the type of a field for a day: a date, or a text where what was
// typed is none, since a browser would show nothing of it.
func (a Activity) dayField(name string) string {
	if _, err := time.Parse(time.DateOnly, (map[string]string{"from": a.Asked.From, "to": a.Asked.To})[name]); err != nil && a.query().Has(name) {
		return "text"
	}
	return "date"
}

// here is the page with what was asked for: whoever has to confirm who it is
// before an export comes back to it.
func (a Activity) here() string {
	if q := a.query(); len(q) > 0 {
		return a.Path + "?" + q.Encode()
	}
	return a.Path
}

func (a Activity) query() url.Values {
	q := url.Values{}
	for _, f := range a.fields() {
		if f[1] != "" {
			q.Set(f[0], f[1])
		}
	}
	return q
}

// options are what can be chosen, and first that nothing is.
func options(nothing string, list []audit.Choice) []ui.Option {
	out := []ui.Option{{Value: "", Label: nothing}}
	for _, c := range list {
		out = append(out, ui.Option{Value: c.Key, Label: c.Label})
	}
	return out
}

func groups() (list []audit.Choice) {
	for _, g := range audit.Groups {
		list = append(list, g.Choice)
	}
	return list
}

func (a Activity) head() []string {
	if a.Across {
		return []string{"What happened", "Account", "When", "From"}
	}
	return []string{"What happened", "When", "From"}
}

// perPage is how long a reader may take over one page of an export.
const perPage = 30 * time.Second

// ExportActivity answers with what was asked for as a file. It is written
// while it is read from the database: however long the log is, it takes no
// more memory.
func ExportActivity(r *Request, v audit.View) error {
	e, err := v.Export(r.Context(), asked(r), audit.Format(r.Value("format")))
	if err != nil {
		return err
	}
	kind := "text/csv; charset=utf-8"
	if r.Value("format") == string(audit.NDJSON) {
		kind = "application/x-ndjson"
	}
	r.w.Header().Set("Content-Type", kind)
	r.w.Header().Set("Content-Disposition", `attachment; filename="`+e.Name()+`"`)
	return e.WriteTo(r.Context(), r.w, r.pace)
}

// pace gives the reader of a long answer time for its next part.
func (r *Request) pace() {
	// Where there is no connection, as in tests, there is nothing to set.
	_ = http.NewResponseController(r.w).SetWriteDeadline(r.mux.Wall().Add(perPage))
}
