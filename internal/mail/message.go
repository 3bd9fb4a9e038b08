// Package mail composes messages, keeps the log of them and sends them.
//
// A message is written once, as sentences and at most one link; its text and
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
	Subject string
	Lines   []string // paragraphs before the link
	Facts   []Fact   // a short list: what, who, until when
	Action  Action
	Closing []string // paragraphs after the link
}

// A Fact is one line of the list in a message.
type Fact struct{ Label, Value string }

// An Action is the one link of a message, shown as a button and in full.
type Action struct{ Label, URL string }

// Removed stands in the log where the link was.
const Removed = "[link removed]"

// A Rendered message is ready to be sent.
type Rendered struct {
	Subject string
	Text    string
	HTML    string
}

// render makes both parts, as mail looks now.
func (m Message) render(ctx context.Context, now Sending) (Rendered, error) {
	var html bytes.Buffer
	if err := layout(m, now).Render(ctx, &html); err != nil {
		return Rendered{}, fmt.Errorf("mail: %s cannot be rendered: %w", m.Kind, err)
	}
	return Rendered{Subject: m.Subject, Text: m.text(now), HTML: html.String()}, nil
}

// redacted is the message as the log keeps it.
func (m Message) redacted() Message {
	if m.Action.URL != "" {
		m.Action.URL = Removed
	}
	return m
}

func (m Message) text(now Sending) string {
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
	if m.Action.URL != "" {
		b.WriteString(m.Action.Label + ":\n" + m.Action.URL + "\n\n")
	}
	for _, p := range m.Closing {
		b.WriteString(p + "\n\n")
	}
	b.WriteString("-- \n" + now.Brand + "\n")
	if !now.Support.IsZero() {
		b.WriteString("Questions? Write to " + now.Support.String() + "\n")
	}
	return b.String()
}
