// Package upgrade brings the people of a WHMCS database in: clients become
// accounts, whoever signed in there signs in here, with the same password and
// exactly the same access, and contacts stay contacts.
//
// Everything is decided by what stands in the other database, in what was
// brought in before, and in what is here; a dry run decides the same and
// writes nothing. Each step writes its rows, and which rows of the other
// database they are, in one transaction: a run that is cut off goes on where
// it stopped, and a run that is repeated brings in what is new.
package upgrade

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"strings"
	"time"

	"clientele/internal/access"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/mail"
	"clientele/internal/seal"
	"clientele/internal/whmcs"
)

// DefaultName is the name of the database that is brought in where the
// operator gives none.
const DefaultName = "whmcs"

// An Upgrade brings other databases in.
type Upgrade struct {
	DB          *db.DB
	Auth        *auth.Auth
	Memberships *access.Memberships
	Invites     *invite.Invites
	Outbox      *mail.Outbox
	Key         seal.Key
	BaseURL     string // links in mail are built from it
	Brand       string
}

// Options say how a database is brought in.
type Options struct {
	Name     string // tells several databases apart that come into one installation
	DryRun   bool   // write nothing
	Merge    bool   // also where there are people and accounts from elsewhere
	Gone     bool   // believe that most of what was brought in has gone there
	Partial  bool   // the source is a part of a dump: what is missing there has not gone
	Progress func(done, total int64, what string)
}

// properName is what a database may be called: it becomes part of addresses.
var properName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// Run brings in what is in the source, or only says what it would do. The
// report gets a line for each row that was changed, skipped or needs a person.
func (u *Upgrade) Run(ctx context.Context, src whmcs.Source, o Options, report *Report) (Head, error) {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if _, err := mail.ParseAddress("owner@" + o.Name + mail.Nowhere); err != nil || !properName.MatchString(o.Name) {
		return Head{}, fmt.Errorf("%q cannot be a --name: use up to 32 small letters, digits and dashes", o.Name)
	}
	version, err := whmcs.Recognise(src)
	if err != nil {
		return Head{}, err
	}
	r := &run{
		Upgrade: u, Options: o, src: src, version: version, report: report, runner: rand.Text(),
		survey: newSurvey(), counts: map[string]*Counted{}, seen: map[string]numbers{}, fates: map[key]fate{}, next: map[string]int64{}, gained: gains{}, opened: numbers{}, owning: numbers{}, marks: map[string]bool{},
	}
	err = r.all(ctx)
	return r.head(), err
}

// A run is one run of an upgrade.
type run struct {
	*Upgrade
	Options
	src        whmcs.Source
	version    whmcs.Version
	report     *Report
	runner     string // tells this process from another that does the same
	number     id.Import
	again      bool // it was begun before
	survey     *survey
	secret     []byte // fingerprints of password hashes are keyed with it
	forgot     bool   // what they were keyed with before is lost
	currencies map[int64]string
	usual      string // the currency of those whose own is not known
	admins     map[int64]string
	counts     map[string]*Counted
	seen       map[string]numbers // the rows there are in the source, by kind
	fates      map[key]fate       // of the users who have no login of their own here
	marks      map[string]bool    // what may stand there twice, and not here
	next       map[string]int64   // the next number that a dry run would give, by table
	left       []known            // places that a dry run would have taken from an owner
	gained     gains
	opened     numbers    // clients whose accounts a dry run would have opened
	owning     numbers    // clients that a dry run would have given a new owner
	demotions  []demotion // owners who are none any more there
	done       int64
	steps      int
}

// all does everything in its order: what is referred to comes before what
// refers to it.
func (r *run) all(ctx context.Context) error {
	if err := r.survey.look(ctx, watched{r.src, r.Progress}, r.version); err != nil {
		return err
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	for _, pass := range []func(context.Context) error{
		r.sayMissing,
		r.readCurrencies, r.readAdmins, r.bringGroups, r.bringFields, r.bringUsers, r.bringClients, r.bringContacts,
		r.bringLinks, r.bringValues, r.bringNotes, r.bringInvites, r.bringIdentities, r.sweep, r.standInForNobody, r.finish,
	} {
		if err := pass(ctx); err != nil {
			return err
		}
	}
	return nil
}

// cleaned takes down the values that were changed while they were read.
func (r *run) cleaned(notes []whmcs.Note) error {
	for _, n := range notes {
		kind, reason, detail := Changed, n.What, ""
		if key, ok := strings.CutPrefix(n.What, whmcs.UnknownGrant); ok {
			kind, reason, detail = NeedsPerson, unknownGrant, key
		}
		if err := r.report.Add(Line{Kind: kind, Table: n.Table, ID: n.ID, Column: n.Column, Reason: reason, Detail: detail}); err != nil {
			return err
		}
	}
	return nil
}

// begin makes sure that the target may be written to, and says that this
// process does.
func (r *run) begin(ctx context.Context) error {
	fresh := false
	known := func(tx *db.Tx) error {
		type was struct {
			ID              id.Import
			Version, Sealed string
		}
		before, err := db.One[was](tx, "SELECT id, version, sealed FROM imports WHERE name = $1", r.Name)
		if err != nil && !errors.Is(err, db.ErrNone) {
			return err
		}
		r.number, r.again = before.ID, err == nil
		if r.secret, err = r.Key.Open(secretPlace(r.number), before.Sealed); err != nil { // none yet, or sealed with a key that is lost
			r.secret = make([]byte, sha256.Size)
			rand.Read(r.secret)
			fresh, r.forgot = true, r.again
		}
		if err := r.sameDatabase(tx, ctx); err != nil {
			return err
		}
		if r.again && strings.HasPrefix(before.Version, "WHMCS 8") != r.version.Users {
			return fmt.Errorf("it was %s when it was brought in before, and is %s now: whoever signs in stands in other tables since 8.0. Bring it into an empty database anew", before.Version, r.version)
		}
		return errors.Join(r.free(tx), r.stillThere(tx))
	}
	if err := r.DB.Read(ctx, db.Wide, known); err != nil || r.DryRun {
		return err
	}
	return r.DB.Write(ctx, db.Wide, func(tx *db.Tx) (err error) {
		r.number, err = db.One[id.Import](tx, `
			INSERT INTO imports (name, version, runner, began_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (name) DO UPDATE SET version = $2, runner = $3, began_at = $4 RETURNING id`, r.Name, r.version.String(), r.runner, tx.Now)
		if err != nil {
			return err
		}
		if fresh {
			if _, err := db.Exec(tx, "UPDATE imports SET sealed = $2 WHERE id = $1", r.number, r.Key.Seal(secretPlace(r.number), r.secret)); err != nil {
				return err
			}
		}
		if err := r.mendStarts(tx); err != nil {
			return err
		}
		if err := db.KeepFree(tx, "accounts", r.keptFree("accounts")); err != nil {
			return err
		}
		return db.KeepFree(tx, "users", r.keptFree("users"))
	})
}

// mendStarts has access begin that an early release has brought in with a
// beginning in time to come.
func (r *run) mendStarts(tx *db.Tx) error {
	_, err := db.Exec(tx, `
		UPDATE memberships SET starts_at = $2 WHERE starts_at > $2
			AND id IN (SELECT target_id FROM import_rows WHERE import_id = $1 AND kind IN `+placeKinds+")", r.number, tx.Now)
	return err
}

func secretPlace(number id.Import) string { return "imports/key/" + id.String(number) }

// print tells one password hash from another. It is keyed, since a fingerprint
// of a fast hash would be as good for guessing as the hash itself.
func (r *run) print(hash string) int64 {
	if hash == "" {
		return 0
	}
	mac := hmac.New(sha256.New, r.secret)
	mac.Write([]byte(hash))
	return int64(binary.BigEndian.Uint64(mac.Sum(nil)))
}

// free refuses a target that has people or accounts of its own.
func (r *run) free(tx *db.Tx) error {
	if r.Merge {
		return nil
	}
	n, err := db.One[int64](tx, `
		SELECT (SELECT COUNT(*) FROM users WHERE status <> 'deleted' AND (import_id IS NULL OR import_id <> $1))
			+ (SELECT COUNT(*) FROM accounts WHERE import_id IS NULL OR import_id <> $1)`, r.number)
	if err == nil && n > 0 {
		return fmt.Errorf("this installation is in use: it has %d people and accounts that did not come from there. Choose an empty database with CLIENTELE_DATABASE_URL, or add --merge to bring the others in beside them; nobody is joined to a login that is here already without her own consent. After people have signed up here, a further run needs --merge too", n)
	}
	return err
}

// stillThere refuses a source from which most accounts have gone at once: it
// is rather an old dump, or an empty one.
func (r *run) stillThere(tx *db.Tx) error {
	if len(r.survey.clients) == 0 {
		return errors.New("there is no client in it: check that it is the right database, and that a dump was not made with --no-data")
	}
	if !r.again || r.Gone || r.Partial {
		return nil
	}
	list, err := db.All[int64](tx, `
		SELECT r.source_id FROM import_rows r JOIN accounts a ON a.id = r.target_id
		WHERE r.import_id = $1 AND r.kind = $2 AND a.status <> 'closed'`, r.number, clients)
	gone := 0
	for _, source := range list {
		if !r.survey.clients.has(source) {
			gone++
		}
	}
	if err == nil && gone > fewGone && gone > len(list)/5 {
		return fmt.Errorf("%d of the %d clients that were brought in before are not there any more: is it an older dump, or another database? If it is right, add --gone; their accounts are closed then", gone, len(list))
	}
	return err
}

// fewGone is how many clients may go between two runs without a question.
const fewGone = 10

// sameDatabase refuses another database than the one that was brought in
// under this name: its client 42 is somebody else.
func (r *run) sameDatabase(tx *db.Tx, ctx context.Context) error {
	if !r.again {
		return nil
	}
	silent := whmcs.NewReader(r.src, func(whmcs.Note) {})
	return batches(silent.ClientLogins(ctx), silent.Taken, func(part []whmcs.Login) error {
		numbers := make([]int64, len(part))
		for i, c := range part {
			numbers[i] = c.ID
		}
		known, err := r.known(tx, clients, numbers)
		if err != nil {
			return err
		}
		for _, c := range part {
			if was := known[c.ID].Mark; was != "" && c.UUID != "" && was != c.UUID {
				return fmt.Errorf("client %d there is another than the client %d that was brought in before: this is another database. Give it a name of its own with --name, and --merge", c.ID, c.ID)
			}
		}
		return nil
	})
}

// finish writes down that the run came to its end.
func (r *run) finish(ctx context.Context) error {
	r.progress(math.MaxInt32, "Done")
	return r.step(ctx, func(b *batch) error {
		if r.DryRun {
			return nil
		}
		_, err := db.Exec(b.tx, "UPDATE imports SET done_at = $2 WHERE id = $1", r.number, b.tx.Now)
		return err
	})
}

// counted is what is counted, in the order of the report.
var counted = []string{"Accounts", "Logins", "Access", "Invitations", "Contacts", "Linked sign-ins", "Groups", "Fields", "Field values", "Notes"}

func (r *run) head() Head {
	h := Head{Source: r.version.String()}
	for _, what := range counted {
		if c := r.counts[what]; c != nil {
			h.Rows = append(h.Rows, *c)
		}
	}
	return h
}

// by is the proof that the run holds.
func (r *run) by() access.Import { return access.ForImport(r.number) }

// progress tells how far the run is.
func (r *run) progress(rows int, what string) {
	if r.done += int64(rows); r.Progress == nil {
		return
	}
	var total int64
	for _, t := range r.src.Tables() {
		total += t.Rows
	}
	r.Progress(min(r.done, total), total, what)
}

// A batch is one step of a run: its rows, its lines of the report and its
// counts are of one transaction, which may be tried more than once.
type batch struct {
	*run
	tx        *db.Tx
	lines     []Line
	counted   map[string]Counted
	numbers   map[string]int64
	records   []record
	marks     map[string]bool
	special   map[key]fate
	saw       []key
	left      []known
	gained    gains
	demotions []demotion
	lost      []id.User // who has lost a way to sign in by this step
}

// errOvertaken stops a run when another has begun.
var errOvertaken = fault.New(fault.Conflict, "overtaken", "Another run of the upgrade has begun meanwhile, so this one has stopped. Nothing is lost: the other one goes on.")

// step does one step. What it takes down counts once it is done.
func (r *run) step(ctx context.Context, do func(*batch) error) error {
	var b *batch
	try := func(tx *db.Tx) error {
		b = &batch{run: r, tx: tx, counted: map[string]Counted{}, numbers: map[string]int64{}, marks: map[string]bool{}, special: map[key]fate{}, gained: gains{}}
		if err := b.claim(); err != nil {
			return err
		}
		if err := do(b); err != nil {
			return err
		}
		return b.write()
	}
	run := r.DB.Write
	if r.DryRun {
		run = r.DB.Read
	}
	if err := patiently(ctx, func() error { return unlessTaken(func() error { return run(ctx, db.Wide, try) }) }); err != nil {
		return err
	}
	if err := r.analyze(ctx); err != nil {
		return err
	}
	maps.Copy(r.next, b.numbers)
	maps.Copy(r.marks, b.marks)
	maps.Copy(r.fates, b.special)
	for _, k := range b.saw {
		r.note(k)
	}
	r.left, r.demotions = append(r.left, b.left...), append(r.demotions, b.demotions...)
	for account, people := range b.gained {
		r.gained[account] = append(r.gained[account], people...)
	}
	for what, c := range b.counted {
		r.add(what, c)
	}
	return r.report.Add(b.lines...)
}

// analyze has the database look at what was written, after more and more
// steps.
func (r *run) analyze(ctx context.Context) error {
	if r.steps++; r.DryRun || r.steps < 4 || r.steps&(r.steps-1) != 0 {
		return nil
	}
	return r.DB.Analyze(ctx, "import_rows", "users", "accounts", "memberships", "invitations")
}

// clashes is how often a step is tried anew that wanted what somebody else has
// just taken.
const clashes = 5

// unlessTaken does a step anew where somebody has signed up with an address
// while it was looked for: the next time it is found.
func unlessTaken(do func() error) (err error) {
	for range clashes {
		if err = do(); !db.Exists(err) {
			return err
		}
	}
	return err
}

// patience is how often a step is tried anew while the database is away.
const patience = 8

// patiently tries again while the database does not answer: a server that is
// restarted ends no upgrade of an hour.
func patiently(ctx context.Context, do func() error) (err error) {
	wait := 250 * time.Millisecond
	for range patience {
		if err = do(); !fault.Is(err, fault.Busy) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
			wait *= 2
		}
	}
	return err
}

func (b *batch) claim() error {
	if b.DryRun {
		return nil
	}
	n, err := db.Exec(b.tx, "UPDATE imports SET runner = runner WHERE id = $1 AND runner = $2", b.number, b.runner)
	if err == nil && n == 0 {
		return errOvertaken
	}
	return err
}

func (b *batch) say(k Kind, table string, number int64, reason, detail string) {
	b.lines = append(b.lines, Line{Kind: k, Table: table, ID: number, Reason: reason, Detail: detail})
}

// marked marks something, and reports whether it was before.
func (b *batch) marked(mark string) bool {
	before := b.isMarked(mark)
	b.marks[mark] = true
	return before
}

func (b *batch) isMarked(mark string) bool { return b.marks[mark] || b.run.marks[mark] }

func (b *batch) count(what string, c Counted) {
	sum := b.counted[what]
	sum.New, sum.Changed, sum.Same, sum.Kept, sum.Gone = sum.New+c.New, sum.Changed+c.Changed, sum.Same+c.Same, sum.Kept+c.Kept, sum.Gone+c.Gone
	b.counted[what] = sum
}

func (r *run) add(what string, c Counted) {
	sum := r.counts[what]
	if sum == nil {
		sum = &Counted{What: what}
		r.counts[what] = sum
	}
	sum.New, sum.Changed, sum.Same, sum.Kept, sum.Gone = sum.New+c.New, sum.Changed+c.Changed, sum.Same+c.Same, sum.Kept+c.Kept, sum.Gone+c.Gone
}
