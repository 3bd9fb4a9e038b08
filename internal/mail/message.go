// Package mail composes messages, keeps the log of them and sends them.
//
// A message is composed once, as sentences and at most one link, and written
// in the language of its reader when it is sent; its text and
// HTML parts are both made from that, so that they never say different
// things. The link is the only part that opens anything: while the message
// waits it is sealed, and what remains in the log has it removed.
package mail

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"clientele/internal/id"
	"clientele/internal/locale"
)

// A Class says who waits for a message.
type Class string

// The classes. Urgent mail never waits behind bulk mail.
const (
	Urgent Class = "urgent"
	Bulk   Class = "bulk"
)

// A Message is one mail to one address. Names of people and accounts are put
// into it through plain.Defang.
type Message struct {
	Kind  string // what it is about, stable: "invitation"
	Class Class
	// GivesWay lets all other mail of its class leave first: people can send
	// this to each other, and never hold up mail about one's own login by it.
	GivesWay bool

	To      Address
	Account id.Account // the account that it is sent to, if any
	About   id.Account // the account that it is about, whoever gets it
	User    id.User    // the person whom it is for, if she is known
	// Language is its reader's. Where mail does not come in that, English.
	Language string
	Subject  locale.Text
	Lines    []locale.Text // paragraphs before the link
	Facts    []Fact        // a short list: what, who, until when
	Action   Action
	Closing  []locale.Text // paragraphs after the link
}

// A Fact is one line of the list in a message.
type Fact struct{ Label, Value locale.Text }

// An Action is the one link of a message, shown as a button and in full.
type Action struct {
	Label locale.Text
	URL   string
}

// Removed stands in the log where the link was.
const Removed = "[link removed]"

// A Rendered message is ready to be sent.
type Rendered struct {
	Subject string
	Text    string
	HTML    string
}

// written is a message in its reader's language.
type written struct {
	Language     string
	Subject      string
	Lines        []string
	Facts        []line
	Label, URL   string // of the link
	Otherwise    string // what to do where the button does not work
	Closing      []string
	Questions    string // whom to ask; empty where nobody is
	Brand        string
	Button, OnIt string
}

// A line is a fact in words.
type line struct{ Label, Value string }

// in writes a message, as mail looks now, in a language.
func (m Message) in(w locale.Words, now Sending) written {
	out := written{
		Language: w.Key(), Subject: m.Subject.In(w), Lines: each(w, m.Lines), Closing: each(w, m.Closing),
		Label: m.Action.Label.In(w), URL: m.Action.URL, Brand: now.Brand, Button: now.Button, OnIt: now.OnButton,
	}
	for _, f := range m.Facts {
		out.Facts = append(out.Facts, line{f.Label.In(w), f.Value.In(w)})
	}
	if m.Action.URL != "" {
		out.Otherwise = locale.T("If the button does not work, open this address: {address}", "address", m.Action.URL).In(w)
	}
	if !now.Support.IsZero() {
		out.Questions = locale.T("Questions? Write to {address}", "address", now.Support.String()).In(w)
	}
	return out
}

func each(w locale.Words, list []locale.Text) (out []string) {
	for _, t := range list {
		out = append(out, t.In(w))
	}
	return out
}

// render makes both parts, as mail looks now, in the language of the reader
// where the operator allows it.
func (m Message) render(ctx context.Context, now Sending) (Rendered, error) {
	var html bytes.Buffer
	out := m.in(now.Languages.Words(m.Language), now)
	if err := layout(out).Render(ctx, &html); err != nil {
		return Rendered{}, fmt.Errorf("mail: %s cannot be rendered: %w", m.Kind, err)
	}
	return Rendered{Subject: out.Subject, Text: out.text(), HTML: html.String()}, nil
}

// redacted is the message as the log keeps it.
func (m Message) redacted() Message {
	if m.Action.URL != "" {
		m.Action.URL = Removed
	}
	return m
}

func (m written) text() string {
	var b strings.Builder
	for _, p := range m.Lines {
		b.WriteString(p + "\n\n")
	}
	for _, f := range m.Facts {
		b.WriteString(f.Label + ": " + f.Value + "\n")
	}
	if len(m.Facts) > 0 {
		b.WriteString("\n")
	}
	if m.URL != "" {
		b.WriteString(m.Label + ":\n" + m.URL + "\n\n")
	}
	for _, p := range m.Closing {
		b.WriteString(p + "\n\n")
	}
	b.WriteString("-- \n" + m.Brand + "\n")
	if m.Questions != "" {
		b.WriteString(m.Questions + "\n")
	}
	return b.String()
}
