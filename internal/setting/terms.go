package setting

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// Terms are what people accept. A version of 0, or one without text and link,
// asks nobody.
type Terms struct {
	Version     int64
	Body        string // Markdown
	Link        string
	PublishedAt time.Time
}

// Asked reports whether there is something to accept.
func (t Terms) Asked() bool { return t.Body != "" || t.Link != "" }

// Binds reports whether somebody who has accepted a version must accept these.
func (t Terms) Binds(accepted int64) bool { return t.Asked() && accepted < t.Version }

// Href is where they are read.
func (t Terms) Href() string {
	if t.Link != "" {
		return t.Link
	}
	return "/terms"
}

const maxTerms = 50_000 // characters; a form carries 64 kB

var (
	markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Linkify))
	allowed  = policy()
)

// policy lets text through and links, and nothing that runs or loads.
func policy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "strong", "em", "del", "code", "pre",
		"blockquote", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowURLSchemes("https", "http", "mailto")
	p.RequireParseableURLs(true)
	p.RequireNoReferrerOnLinks(true)
	p.RequireNoFollowOnLinks(true)
	return p
}

// HTML is the text as a page shows it: nothing in it runs, and nothing is
// loaded from elsewhere.
func (t Terms) HTML() (string, error) {
	var out bytes.Buffer
	if err := markdown.Convert([]byte(t.Body), &out); err != nil {
		return "", err
	}
	return allowed.Sanitize(out.String()), nil
}

func readTerms(tx *db.Tx) (Terms, error) {
	list, err := db.All[Terms](tx, "SELECT version, body, link, published_at FROM terms ORDER BY version DESC LIMIT 1")
	if err != nil || len(list) == 0 {
		return Terms{}, err
	}
	return list[0], nil
}

// TypedTerms are the terms as somebody typed them.
type TypedTerms struct {
	Body, Link string
	Correct    bool // only words are mended: nobody is asked again
	Was        int64
}

func (t TypedTerms) parse() (body, link string, err error) {
	var f fault.Form
	body, err = plain.Text(t.Body, maxTerms)
	f.Take("body", err)
	if link = strings.TrimSpace(t.Link); link != "" {
		u, err := url.Parse(link)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(link) > 500 {
			f.Add("link", "Give the whole address, beginning with https://.")
		}
		if body != "" {
			f.Add("link", "Give the text or the address, not both.")
		}
	}
	return body, link, f.Err()
}

// Publish sets the terms. Unless only words are mended, everybody is asked to
// accept them before going on; without text and address nobody is asked.
func (s *Settings) Publish(tx *db.Tx, t TypedTerms, by audit.Actor) error {
	r, err := read(tx, lockRow)
	if err != nil {
		return err
	}
	now, err := readTerms(tx)
	if err != nil {
		return err
	}
	if now.Version != t.Was {
		return fault.New(fault.Conflict, "changed-meanwhile", "Somebody else has published terms since you opened the page: version "+strconv.FormatInt(now.Version, 10)+". Nothing of yours was saved. What you typed stands below; look at theirs under /terms first.")
	}
	body, link, err := t.parse()
	if err != nil || body == now.Body && link == now.Link {
		return err
	}
	next := Terms{Version: now.Version + 1, Body: body, Link: link}
	if t.Correct && now.Asked() && next.Asked() {
		next.Version = now.Version
		_, err = db.Exec(tx, "UPDATE terms SET body = $2, link = $3 WHERE version = $1", now.Version, body, link)
	} else {
		_, err = db.Exec(tx, "INSERT INTO terms (version, body, link, published_at) VALUES ($1, $2, $3, $4)", next.Version, body, link, tx.Now)
	}
	if err != nil {
		return err
	}
	return r.write(tx, by, "terms", now.recorded(), next.recorded())
}

// recorded is the terms as the log names them: the text itself is kept.
func (t Terms) recorded() map[string]string {
	out := map[string]string{"version": strconv.FormatInt(t.Version, 10), "link": t.Link}
	if t.Body != "" {
		sum := sha256.Sum256([]byte(t.Body))
		out["text"] = "checksum " + hex.EncodeToString(sum[:8])
	}
	return out
}

// errTerms asks for the box that was not ticked.
var errTerms = fault.Field("terms", "Accept the terms to go on.")

// MustAccept holds a form against the terms: version is the one that it has
// shown and that was ticked, or 0. It gives back what to note of the person.
func (v *Values) MustAccept(version int64) (int64, error) {
	if !v.Terms.Asked() {
		return 0, nil
	}
	if version == 0 {
		return 0, errTerms
	}
	if version != v.Terms.Version {
		return 0, fault.Field("terms", "The terms have changed since you opened this page. Read them again, and accept them to go on.")
	}
	return version, nil
}

// Accept notes that a person has accepted a version, in her own record and in
// the log.
func Accept(tx *db.Tx, u id.User, version int64, by audit.Actor) error {
	if version == 0 {
		return nil
	}
	n, err := db.Exec(tx, "UPDATE users SET terms_version = $2, terms_at = $3 WHERE id = $1 AND terms_version < $2", u, version, tx.Now)
	if err != nil || n == 0 {
		return err
	}
	return audit.Write(tx, by, audit.Record{Event: "terms.accepted", Object: "user", ObjectID: int64(u), Subject: u, After: map[string]string{"version": strconv.FormatInt(version, 10)}})
}
