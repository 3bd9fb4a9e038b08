package mail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/job"
	"clientele/internal/locale"
	"clientele/internal/plain"
	"clientele/internal/seal"
)

// A Sender carries one message to a mail server. An error that wraps
// ErrRefused is final; any other is tried again.
type Sender interface {
	Send(ctx context.Context, to Address, messageID string, m Rendered) error
}

// ErrRefused means that the mail server will never take this message.
var ErrRefused = errors.New("the mail server refuses this message for good")

// An Outbox takes messages within a transaction and sends them after it.
type Outbox struct {
	db     *db.DB
	jobs   *job.Jobs
	key    seal.Key
	now    func() Sending
	domain string
}

// Sending is how mail leaves and looks at the moment.
type Sending struct {
	Sender   Sender // nil: mail is kept and shown to staff
	Brand    string
	Support  Address // stands below every mail; may be zero
	Button   string  // colour of the link, and of what is written on it
	OnButton string

	Languages locale.Allowed // in which mail is written to who has chosen one
}

// NewOutbox makes the outbox and registers the job that empties it. It asks
// now with every message. Without a sender mail is kept in the log, links and
// all, for staff to read.
func NewOutbox(d *db.DB, jobs *job.Jobs, key seal.Key, now func() Sending, domain string) *Outbox {
	o := &Outbox{db: d, jobs: jobs, key: key, now: now, domain: domain}
	job.Register(jobs, o.deliver)
	return o
}

// Sends reports whether mail leaves this installation at all.
func (o *Outbox) Sends() bool { return o.now().Sender != nil }

type deliverArgs struct {
	Mail id.Mail `json:"mail"`
}

// Kind names the job in the queue.
func (deliverArgs) Kind() string { return "mail.deliver" }

// Words says what it does.
func (deliverArgs) Words() string { return "Send mail" }

// Send takes a message. It leaves if and only if the transaction commits.
func (o *Outbox) Send(tx *db.Tx, m Message) (id.Mail, error) {
	if m.To.IsZero() {
		return 0, fmt.Errorf("mail.Send(%s): no recipient", m.Kind)
	}
	m = m.signed(tx.Context())
	now := o.now()
	full, err := m.render(tx.Context(), now)
	if err != nil {
		return 0, err
	}
	shown, err := m.redacted().render(tx.Context(), now)
	if err != nil {
		return 0, err
	}
	state, problem := now.begins(m.To)
	number, err := db.One[id.Mail](tx, `
		INSERT INTO mails (account_id, about_id, user_id, kind, class, recipient, subject, text_body, html_body, state, problem, search, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id`,
		db.SomeUnlessZero(m.Account), db.SomeUnlessZero(max(m.Account, m.About)), db.SomeUnlessZero(m.User), m.Kind, string(m.Class), m.To, shown.Subject, shown.Text, shown.HTML, state, problem, plain.Fold(shown.Subject), tx.Now)
	if err != nil {
		return 0, fmt.Errorf("mail.Send(%s): %w", m.Kind, err)
	}
	if state == "failed" {
		return number, nil
	}
	if err := o.seal(tx, number, full); err != nil || state == "kept" {
		return number, err
	}
	return number, o.jobs.Enqueue(tx, job.Queue(m.Class), m.GivesWay, deliverArgs{Mail: number})
}

// begins is the state that a message begins in.
func (s Sending) begins(to Address) (state, problem string) {
	switch {
	case to.IsNowhere():
		return "failed", "This address stands for somebody who is not known, so nobody gets it."
	case s.Sender == nil:
		return "kept", ""
	}
	return "queued", ""
}

func (o *Outbox) seal(tx *db.Tx, number id.Mail, m Rendered) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = db.Exec(tx, "UPDATE mails SET sealed = $2 WHERE id = $1", number, o.key.Seal(place(number), text))
	return err
}

func (o *Outbox) open(number id.Mail, box string) (m Rendered, err error) {
	text, err := o.key.Open(place(number), box)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(text, &m)
}

func place(number id.Mail) string { return "mails/sealed/" + id.String(number) }

// deliver sends one message. It may run twice for one message when the
// process is killed in between; the message id is the same both times, so
// that the receiving side can tell.
func (o *Outbox) deliver(ctx context.Context, a deliverArgs) error {
	type waiting struct {
		Recipient Address
		Sealed    string
		State     string
	}
	var w waiting
	err := o.db.Read(ctx, db.Wide, func(tx *db.Tx) (err error) {
		w, err = db.One[waiting](tx, "SELECT recipient, sealed, state FROM mails WHERE id = $1", a.Mail)
		return err
	})
	if err != nil {
		return err
	}
	if w.State != "queued" {
		return nil
	}
	sender := o.now().Sender
	if sender == nil {
		return o.finish(ctx, a.Mail, "kept", "")
	}
	again := "queued"
	if job.LastTry(ctx) {
		again = "failed"
	}
	m, err := o.open(a.Mail, w.Sealed)
	if err != nil {
		return errors.Join(err, o.finish(ctx, a.Mail, again, "The message was sealed with another secret key. Put that key file back; then it leaves by itself."))
	}
	err = sender.Send(ctx, w.Recipient, fmt.Sprintf("mail.%d.%s@%s", a.Mail, o.key.ID(), o.domain), m)
	switch {
	case err == nil:
		return o.finish(ctx, a.Mail, "sent", "")
	case errors.Is(err, ErrRefused):
		return errors.Join(job.ErrGiveUp, err, o.finish(ctx, a.Mail, "failed", err.Error()))
	}
	return errors.Join(err, o.finish(ctx, a.Mail, again, err.Error()))
}

// Test sends a message at once, to see whether the mail server takes it. It
// stands in no log: there is nothing in it.
func (o *Outbox) Test(ctx context.Context, to Address) error {
	now := o.now()
	if now.Sender == nil {
		return errors.New("no mail server is set")
	}
	m, err := Message{
		Kind: "test", To: to, Subject: locale.AsIs("Mail from " + now.Brand + " arrives"),
		Lines: []locale.Text{locale.AsIs("This message was sent to see whether the mail server takes mail. It does.")},
	}.render(ctx, now)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	return now.Sender.Send(ctx, to, fmt.Sprintf("test.%d.%s@%s", o.db.Now().UnixNano(), o.key.ID(), o.domain), m)
}

// testTimeout bounds the wait for a test message: somebody looks at a page.
const testTimeout = 20 * time.Second

// SendAfterAll has a message sent that is held in the log, and whose original
// is still there. It answers db.ErrNone where there is none such.
func (o *Outbox) SendAfterAll(tx *db.Tx, number id.Mail) error {
	n, err := db.Exec(tx, "UPDATE mails SET state = 'queued', problem = '' WHERE id = $1 AND state = 'failed' AND sealed <> ''", number)
	if err == nil && n == 0 {
		err = db.ErrNone
	}
	if err != nil {
		return err
	}
	class, err := db.One[Class](tx, "SELECT class FROM mails WHERE id = $1", number)
	if err != nil {
		return err
	}
	return o.jobs.Enqueue(tx, job.Queue(class), false, deliverArgs{Mail: number})
}

// Retry has every message that waits for its next try tried now, and tells how
// many. Nothing else that waits is touched.
func (o *Outbox) Retry(tx *db.Tx) (int64, error) { return o.jobs.Hurry(tx, deliverArgs{}.Kind()) }

// said is what a mail server answered, as one line of bounded length: servers
// answer in several.
func said(problem string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, problem)
	runes := []rune(strings.Join(strings.Fields(clean), " "))
	return string(runes[:min(len(runes), 500)])
}

// finish notes how a try ended. What was sent, or never will be, loses its
// sealed original: the log keeps the text without the link.
func (o *Outbox) finish(ctx context.Context, number id.Mail, state, problem string) error {
	return o.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		_, err := db.Exec(tx, `
			UPDATE mails SET state = $2, problem = $3, attempts = attempts + 1, tried_at = $4,
				sent_at = CASE WHEN $2 = 'sent' THEN $4 ELSE sent_at END,
				sealed = CASE WHEN $2 IN ('sent', 'failed') THEN '' ELSE sealed END
			WHERE id = $1 AND state = 'queued'`, number, state, said(problem), tx.Now)
		return err
	})
}

// A LogEntry is a message as the log shows it.
type LogEntry struct {
	ID        id.Mail
	AboutID   db.Null[id.Account]
	UserID    db.Null[id.User]
	Kind      string
	Class     Class
	Recipient Address
	Subject   string
	TextBody  string
	State     string
	Attempts  int64
	Problem   string
	CreatedAt time.Time
	TriedAt   db.Null[time.Time]
	SentAt    db.Null[time.Time]
	Held      bool // given up, with the original still there: it can be sent after all
}

const logColumns = `SELECT id, about_id, user_id, kind, class, recipient, subject, text_body, state, attempts, problem, created_at, tried_at, sent_at,
	state = 'failed' AND sealed <> '' AS held FROM mails`

// LogSize is how many messages one page of the log shows.
const LogSize = 50

// Log reads the log of all mail, newest first, from before the given message
// on. An empty state or word finds any. The caller holds staff's permission.
func (o *Outbox) Log(tx *db.Tx, state, word string, before id.Mail) ([]LogEntry, error) {
	return db.All[LogEntry](tx, logColumns+`
		WHERE (state = $1 OR $1 = '') AND (recipient LIKE $2 ESCAPE '\' OR search LIKE $2 ESCAPE '\') AND (id < $3 OR $3 = 0)
		ORDER BY id DESC LIMIT $4`, state, plain.Like(word), before, LogSize+1)
}

// OfAccount reads the mail that was sent to an account, to its own address and
// its contacts. The caller holds the account's proof.
func (o *Outbox) OfAccount(tx *db.Tx, account id.Account, before id.Mail) ([]LogEntry, error) {
	return db.All[LogEntry](tx, logColumns+`
		WHERE account_id = $1 AND (id < $2 OR $2 = 0) ORDER BY id DESC LIMIT $3`, account, before, LogSize+1)
}

// About reads all mail about an account, whoever got it, for staff.
func (o *Outbox) About(tx *db.Tx, account id.Account, before id.Mail) ([]LogEntry, error) {
	return db.All[LogEntry](tx, logColumns+`
		WHERE about_id = $1 AND (id < $2 OR $2 = 0) ORDER BY id DESC LIMIT $3`, account, before, LogSize+1)
}

// Read reads one message of the log, without its link.
func (o *Outbox) Read(tx *db.Tx, number id.Mail) (LogEntry, error) {
	return db.One[LogEntry](tx, logColumns+" WHERE id = $1", number)
}

// Kept reports whether a message stands in the log with its link, because there
// was no mail server when it was written: the log is the only mailbox then.
func (m LogEntry) Kept() bool { return m.State == "kept" }

// Original is the text of a kept message, with its link.
func (o *Outbox) Original(tx *db.Tx, number id.Mail) (string, error) {
	sealed, err := db.One[string](tx, "SELECT sealed FROM mails WHERE id = $1 AND state = 'kept'", number)
	if err != nil {
		return "", err
	}
	if sealed == "" {
		return db.One[string](tx, "SELECT text_body FROM mails WHERE id = $1", number)
	}
	m, err := o.open(number, sealed)
	return m.Text, err
}

// Trouble counts the messages that wait after a failed try.
func (o *Outbox) Trouble(tx *db.Tx) (int64, error) {
	return db.One[int64](tx, "SELECT COUNT(*) FROM mails WHERE state = 'queued' AND problem <> ''")
}

// State tells how a message fares: "queued", "sent", "failed" or "kept", and
// the problem of the last try.
func (o *Outbox) State(tx *db.Tx, number id.Mail) (state, problem string, err error) {
	type row struct{ State, Problem string }
	r, err := db.One[row](tx, "SELECT state, problem FROM mails WHERE id = $1", number)
	return r.State, r.Problem, err
}
