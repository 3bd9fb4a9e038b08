package apptest

import (
	"bytes"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/publicsuffix"
)

// A Browser behaves like one: it keeps cookies, follows redirects, and says
// where its requests come from.
type Browser struct {
	t       testing.TB
	client  *http.Client
	base    string
	seen    *witness
	Network string      // the address that its requests come from
	Header  http.Header // sent with every request, over what a browser sends
}

// Browser opens a browser without any cookie.
func (w *World) Browser() *Browser {
	b := NewBrowser(w.t, func() http.Handler { return w.App.Handler() }, BaseURL)
	b.seen = w.seen
	return b
}

// NewBrowser opens a browser on any handler.
func NewBrowser(t testing.TB, handler func() http.Handler, base string) *Browser {
	jar, _ := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	return &Browser{t: t, base: base, Network: "192.0.2.10", Header: http.Header{}, client: &http.Client{Jar: jar, Transport: transport{handler}}}
}

// On moves the browser, with its cookies, to another node.
func (b *Browser) On(w *World) *Browser {
	other := *b
	other.client = &http.Client{Jar: b.client.Jar, Transport: transport{func() http.Handler { return w.App.Handler() }}}
	return &other
}

// A Page is an answer.
type Page struct {
	*goquery.Document
	Status   int
	URL      *url.URL // after redirects
	Header   http.Header
	Body     string
	Location string // of a redirect that was not followed
	browser  *Browser
}

// Get opens an address and follows where it leads.
func (b *Browser) Get(path string) *Page {
	b.t.Helper()
	return b.Do(b.request(http.MethodGet, path, nil))
}

// Post sends a form, as a page of ours would, and follows where it leads.
func (b *Browser) Post(path string, form url.Values) *Page {
	b.t.Helper()
	return b.Do(b.request(http.MethodPost, path, form))
}

// PostOnly sends a form and does not follow where it leads.
func (b *Browser) PostOnly(path string, form url.Values) *Page {
	b.t.Helper()
	return b.Once(b.request(http.MethodPost, path, form))
}

// GetOnly opens an address and does not follow where it leads.
func (b *Browser) GetOnly(path string) *Page {
	b.t.Helper()
	return b.Once(b.request(http.MethodGet, path, nil))
}

// Request makes a request as this browser would send it, to be changed and
// sent with Do or Once.
func (b *Browser) Request(method, path string, form url.Values) *http.Request {
	return b.request(method, path, form)
}

// withFile writes a form with a picture in it as browsers send one.
func withFile(form url.Values) (body, kind string, ok bool) {
	var out strings.Builder
	parts := multipart.NewWriter(&out)
	for name, list := range form {
		for _, value := range list {
			var part io.Writer
			var err error
			if strings.HasPrefix(value, "\x89PNG") {
				part, err = parts.CreateFormFile(name, "logo.png")
				ok = true
			} else {
				part, err = parts.CreateFormField(name)
			}
			if err != nil {
				return "", "", false
			}
			_, _ = io.WriteString(part, value)
		}
	}
	_ = parts.Close()
	return out.String(), parts.FormDataContentType(), ok
}

func (b *Browser) request(method, path string, form url.Values) *http.Request {
	b.t.Helper()
	var body io.Reader
	kind := "application/x-www-form-urlencoded"
	if text, boundary, ok := withFile(form); ok {
		body, kind = strings.NewReader(text), boundary
	} else if form != nil || method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	target := path
	if strings.HasPrefix(path, "/") {
		target = b.base + path
	}
	req, err := http.NewRequest(method, target, body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0")
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	if method != http.MethodGet && method != http.MethodHead {
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		req.Header.Set("Origin", b.base)
	}
	maps.Copy(req.Header, b.Header)
	return req
}

// Do sends a request and follows where it leads.
func (b *Browser) Do(req *http.Request) *Page {
	b.t.Helper()
	client := *b.client
	return b.send(&client, req)
}

// Once sends a request and does not follow where it leads.
func (b *Browser) Once(req *http.Request) *Page {
	b.t.Helper()
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b.send(&client, req)
}

func (b *Browser) send(client *http.Client, req *http.Request) *Page {
	b.t.Helper()
	inner := client.Transport
	client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		r.RemoteAddr = b.Network + ":40000"
		if strings.Contains(b.Network, ":") {
			r.RemoteAddr = "[" + b.Network + "]:40000"
		}
		if r.Host == "" {
			r.Host = r.URL.Host
		}
		if r.Body == nil {
			r.Body = http.NoBody
		}
		if r.RequestURI = r.URL.RequestURI(); r.RequestURI == "" {
			r.RequestURI = "/"
		}
		res, err := inner.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		return res, b.seen.saw(r, res)
	})
	res, err := client.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	return &Page{Document: doc, Status: res.StatusCode, URL: res.Request.URL, Header: res.Header, Body: string(body), Location: res.Header.Get("Location"), browser: b}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Cookies are the cookies that the browser would send.
func (b *Browser) Cookies() []*http.Cookie {
	u, _ := url.Parse(b.base + "/staff")
	return b.client.Jar.Cookies(u)
}

// Cookie is one of them.
func (b *Browser) Cookie(name string) string {
	for _, c := range b.Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// SetCookie gives the browser a cookie.
func (b *Browser) SetCookie(c *http.Cookie) {
	u, _ := url.Parse(b.base + "/staff")
	b.client.Jar.SetCookies(u, []*http.Cookie{c})
}

// Says reports whether the page's visible text contains the words.
func (p *Page) Says(words string) bool {
	return strings.Contains(strings.Join(strings.Fields(p.Find("body").Text()), " "), words)
}

// Must fails the test unless the page has the status and says the words.
func (p *Page) Must(status int, words ...string) *Page {
	p.browser.t.Helper()
	if p.Status != status {
		p.browser.t.Fatalf("%s answers %d, want %d: %s", p.URL.Path, p.Status, status, excerpt(p))
	}
	for _, w := range words {
		if !p.Says(w) {
			p.browser.t.Fatalf("%s does not say %q: %s", p.URL.Path, w, excerpt(p))
		}
	}
	return p
}

func excerpt(p *Page) string {
	text := strings.Join(strings.Fields(p.Find("body").Text()), " ")
	if len(text) > 1500 {
		text = text[:1500] + "…"
	}
	return text
}

// Submit fills in the form that posts to an address and sends it. Fields that
// are not named keep what the page put into them.
func (p *Page) Submit(action string, fill url.Values) *Page {
	p.browser.t.Helper()
	form := p.Find(`form[action="` + action + `"]`).First()
	if form.Length() == 0 {
		p.browser.t.Fatalf("%s has no form that posts to %s; it has %v", p.URL.Path, action, p.Actions())
	}
	values := FormValues(form)
	for name, v := range fill {
		values[name] = v
	}
	return p.browser.Post(action, values)
}

// Actions lists where the page's forms post to.
func (p *Page) Actions() []string {
	out := p.Find("form").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("action", "") })
	slices.Sort(out)
	return slices.Compact(out)
}

// FormValues is what a browser would send of a form as it stands.
func FormValues(form *goquery.Selection) url.Values {
	values := url.Values{}
	form.Find("input[name], textarea[name]").Each(func(_ int, s *goquery.Selection) {
		kind := s.AttrOr("type", "text")
		_, checked := s.Attr("checked")
		_, disabled := s.Attr("disabled")
		if disabled || (kind == "checkbox" || kind == "radio") && !checked || kind == "submit" {
			return
		}
		value := s.AttrOr("value", "")
		if goquery.NodeName(s) == "textarea" {
			value = s.Text()
		}
		values.Add(s.AttrOr("name", ""), value)
	})
	form.Find("select[name]").Each(func(_ int, s *goquery.Selection) {
		chosen := s.Find("option[selected]")
		if chosen.Length() == 0 {
			chosen = s.Find("option").First()
		}
		values.Add(s.AttrOr("name", ""), chosen.AttrOr("value", chosen.Text()))
	})
	return values
}

// FieldError is the sentence beside a field.
func (p *Page) FieldError(name string) string {
	field := p.Find(`[name="` + name + `"]`).First()
	for _, ref := range strings.Fields(field.AttrOr("aria-describedby", "")) {
		if strings.HasSuffix(ref, "-error") {
			return strings.TrimSpace(p.Find("#" + ref).Text())
		}
	}
	return strings.TrimSpace(field.Closest("fieldset").Find("[id$=-error]").First().Text())
}

// recorder turns a handler's answer into a client's.
type recorder struct{ *httptest.ResponseRecorder }

func newRecorder() recorder { return recorder{httptest.NewRecorder()} }

func (r recorder) result(req *http.Request) *http.Response {
	res := r.Result()
	res.Request = req
	return res
}

// session gives the browser a signed-in session.
func (b *Browser) session(name, token, path string) {
	b.seen.secret(token, "the cookie "+name)
	b.SetCookie(&http.Cookie{Name: name, Value: token, Path: path, Secure: true, HttpOnly: true})
}
