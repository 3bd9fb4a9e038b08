package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"clientele/internal/account"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/user"
)

// What the report says of a login that was changed here, and not by its person
// to be her own.
const tookAddress = "has another address there, and its name or language was changed here: it was brought up to date as a whole, since its address signs it in"

// loginKinds are the kinds of what becomes a login, for SQL.
const loginKinds = "('" + clientLogins + "', '" + contactLogins + "', '" + users + "')"

// holderKinds are those, and what they were before they were joined.
const holderKinds = "('" + clientLogins + "', '" + contactLogins + "', '" + users + "', '" + retired + "')"

// bringLogins brings in those who have a login of their own.
func (b *batch) bringLogins(kind string, list []login, fates map[key]fate, were map[int64]known, stored map[key]string) error {
	s := shelf[user.Imported]{kind: kind, what: "Logins", table: db.Table[user.Imported]{Name: "users"}, added: user.Imported.Record, anew: map[int64]bool{}}
	want := make([]wanted[user.Imported], len(list))
	for i, l := range list {
		s.source = l.table
		want[i] = b.wantedUser(l, fates[l.key])
		if fates[l.key].how == own {
			want[i].row.Password = stored[l.key]
		}
		if was, ok := were[l.key.id]; ok && (was.Mark == joined || fates[l.key].begins) {
			s.anew[l.key.id] = true // it has an address of its own now
			delete(were, l.key.id)
			if err := b.forget(kind, l.key.id); err != nil {
				return err
			}
		}
	}
	if err := b.makeRoom(want, were); err != nil {
		return err
	}
	moved := map[int64]bool{}
	s.changed = func(was, is user.Imported) record {
		moved[int64(is.ID)] = was.Address != is.Address
		return is.Updated(was)
	}
	s.wins = func(w *wanted[user.Imported], was user.Imported) bool {
		if were[w.source].Mark != own || was.Address == w.row.Address || was.Address == user.Pseudonym(was.ID) {
			return false
		}
		b.say(Changed, s.source, w.source, tookAddress, w.who)
		return true // whose address was changed here is not asked for: it is her own
	}
	if err := bring(b, s, want); err != nil {
		return err
	}
	for i, l := range list {
		f := fates[l.key]
		f.user = want[i].placed
		fates[l.key] = f
		if s.anew[l.key.id] || f.how == standIn {
			b.special[l.key] = f // with her number; and a dry run remembers another
		}
		if err := b.renew(want[i], were[l.key.id], moved[want[i].placed]); err != nil {
			return err
		}
	}
	return b.prove(list, want)
}

// wantedUser is a login as it should be here.
func (b *batch) wantedUser(l login, f fate) wanted[user.Imported] {
	row := user.Imported{
		Address: f.address, Name: b.personal(l), Language: b.language(l.language, l.table, l.key.id),
		ImportID: db.SomeUnlessZero(b.run.number), CreatedAt: b.past(l.created),
		VerifiedAt: db.SomeUnlessZero(l.verified), SignedInAt: db.SomeUnlessZero(l.last), Several: !l.owns || b.survey.sameMailbox(l.address),
	}
	if f.how == standIn {
		row.Address = user.StandIn(strings.TrimSuffix(l.key.kind, ".login")+"-"+fmt.Sprint(l.key.id), b.Name)
		row.VerifiedAt = db.Null[time.Time]{}
	}
	number := l.key.id
	if l.key.kind == contactLogins || b.version.Users && l.key.kind == clientLogins {
		number = -1 // it is the number of another login
	}
	secret := int64(0)
	if f.how == own {
		secret = b.print(b.usable(l))
	}
	return wanted[user.Imported]{
		source: l.key.id, number: number, row: row.Searchable(), who: l.who,
		secret: secret, needs: b.needs(l, f), known: known{
			Secret: secret, Address: b.print(l.address.String()), Credentials: 1, Mark: f.how, Needs: b.needs(l, f), Needed: db.Some(b.needs(l, f)),
		},
	}
}

// personal is what a person is called.
func (b *batch) personal(l login) string {
	local, _, _ := strings.Cut(l.raw, "@")
	name := account.NameFor("User "+fmt.Sprint(l.key.id), l.name, local)
	if name != l.name {
		b.say(Changed, l.table, l.key.id, renamed, l.name+" → "+name)
	}
	return name
}

// language is the key of a language that has an English name there.
func (b *batch) language(name, table string, number int64) string {
	if name == "" {
		return locale.Default
	}
	key, ok := locale.LanguageNamed(name)
	if !ok {
		b.say(Changed, table, number, unknownLang, name)
		return locale.Default
	}
	return key
}

// stored works out what is stored for the passwords that are new, before any
// transaction begins: weak hashes are wrapped, which takes its time.
func (r *run) stored(ctx context.Context, kind string, list []login) (map[key]string, error) {
	if r.DryRun {
		return nil, nil
	}
	sources := make([]int64, len(list))
	for i, l := range list {
		sources[i] = l.key.id
	}
	var were map[int64]known
	if r.again {
		err := r.DB.Read(ctx, db.Wide, func(tx *db.Tx) (err error) {
			were, err = r.known(tx, kind, sources)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	out := make([]string, len(list))
	err := each(len(list), func(i int) (err error) {
		hash, was := r.usable(list[i]), were[list[i].key.id]
		if hash != "" && (was.Mark != own || was.Secret != r.print(hash)) {
			out[i], err = r.Auth.Hasher().Import(ctx, hash)
		}
		return err
	})
	byKey := map[key]string{}
	for i, l := range list {
		byKey[l.key] = out[i]
	}
	return byKey, err
}

// workers is how many passwords are wrapped at a time; the hasher has them
// wait for a processor.
const workers = 8

// each does something for many.
func each(n int, do func(i int) error) error {
	var wait sync.WaitGroup
	errs, next := make([]error, n), make(chan int)
	for range workers {
		wait.Go(func() {
			for i := range next {
				errs[i] = do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wait.Wait()
	return errors.Join(errs...)
}

// makeRoom moves logins of this import aside whose address the other system
// has given to somebody else: they get their own in their turn.
func (b *batch) makeRoom(want []wanted[user.Imported], were map[int64]known) error {
	if !b.again {
		return nil
	}
	table := db.Table[user.Imported]{Name: "users"}
	for _, w := range want {
		was := were[w.source]
		if was.Written == db.Fingerprint(w.row) {
			continue
		}
		in, err := db.All[user.Imported](b.tx, "SELECT id, address, name, language, search FROM users WHERE address = $1 AND status <> 'deleted' AND id <> $2 AND import_id = $3", w.row.Address, was.TargetID, b.run.number)
		if err != nil {
			return err
		}
		if len(in) == 0 {
			continue
		}
		if b.marks[aside(in[0].ID)] = true; b.DryRun {
			continue
		}
		if err := b.moveAside(table, in[0]); err != nil {
			return err
		}
	}
	return nil
}

// aside marks a login that a run has moved aside, or would have.
func aside(u id.User) string { return "aside " + id.String(u) }

func (b *batch) moveAside(table db.Table[user.Imported], was user.Imported) error {
	now := was
	now.Address = user.StandIn("moving-"+fmt.Sprint(now.ID), b.Name)
	now = now.Searchable()
	if err := table.Update(b.tx, now); err != nil {
		return err
	}
	if _, err := db.Exec(b.tx, "UPDATE users SET verified_at = NULL WHERE id = $1", now.ID); err != nil {
		return err
	}
	b.log(now.Updated(was))
	_, err := db.Exec(b.tx, "UPDATE import_rows SET written = $4 WHERE import_id = $1 AND target_id = $2 AND kind IN "+holderKinds+" AND mark <> $3 AND written = $5",
		b.run.number, now.ID, joined, db.Fingerprint(now), db.Fingerprint(was))
	return err
}

// renew takes over a password or an address that has changed there: everything
// that is open in her name ends with it. A password that she has changed here
// stays hers.
func (b *batch) renew(w wanted[user.Imported], was known, moved bool) error {
	other := was.Secret != w.secret
	if w.fresh || w.left || b.Partial {
		return nil
	}
	if !other && !moved {
		return b.needsMore(w, was)
	}
	now, err := db.One[int64](b.tx, "SELECT credentials FROM users WHERE id = $1", w.placed)
	if err != nil {
		return err
	}
	if b.DryRun || now != was.Credentials {
		return nil
	}
	if moved {
		if _, err := db.Exec(b.tx, "UPDATE users SET verified_at = $2 WHERE id = $1", w.placed, w.row.VerifiedAt); err != nil {
			return err
		}
	}
	if other {
		if _, err := db.Exec(b.tx, "UPDATE users SET password = $2 WHERE id = $1", w.placed, w.row.Password); err != nil {
			return err
		}
		b.log(record{Event: "user.password_changed", Object: "user", ObjectID: w.placed, Subject: id.User(w.placed)})
	}
	k := w.known
	k.Kind, k.SourceID, k.TargetID, k.Secret, k.Needs, k.Needed = was.Kind, was.SourceID, w.placed, w.secret, w.needs, db.Some(w.needs)
	if k.Credentials, err = b.Auth.Renew(b.tx, id.User(w.placed)); err != nil {
		return err
	}
	return b.remember(k)
}

// needsMore takes over what a person is to be told of since the last run, and
// what no more. She is told nothing twice.
func (b *batch) needsMore(w wanted[user.Imported], was known) error {
	if b.DryRun || was.Needed.Valid && was.Needed.V == w.needs {
		return nil
	}
	needs := was.Needs
	if was.Needed.Valid {
		needs = stillNeeded(w.needs, was)
	}
	_, err := db.Exec(b.tx, `
		UPDATE import_rows SET needs = $4, needed = $5, told_at = CASE WHEN $4 <> '' AND needs <> $4 THEN NULL ELSE told_at END
		WHERE import_id = $1 AND kind = $2 AND source_id = $3`, b.number, was.Kind, was.SourceID, needs, w.needs)
	return err
}

// stillNeeded is what is needed now and was not told.
func stillNeeded(now string, was known) string {
	waiting, before := strings.Fields(was.Needs), strings.Fields(was.Needed.V)
	return strings.Join(slices.DeleteFunc(strings.Fields(now), func(one string) bool {
		return slices.Contains(before, one) && !slices.Contains(waiting, one)
	}), " ")
}

// renewAll ends what is open in the names of those who have lost a way to sign
// in, and remembers that it was not they who changed something.
func (b *batch) renewAll() error {
	for _, u := range b.lost {
		before, err := db.One[int64](b.tx, "SELECT credentials FROM users WHERE id = $1", u)
		if err != nil {
			return err
		}
		now, err := b.Auth.Renew(b.tx, u)
		if err != nil {
			return err
		}
		if _, err := db.Exec(b.tx, "UPDATE import_rows SET credentials = $4 WHERE import_id = $1 AND target_id = $2 AND kind IN "+holderKinds+" AND credentials = $3", b.run.number, u, before, now); err != nil {
			return err
		}
	}
	return nil
}

// prove takes over that an address was confirmed there since.
func (b *batch) prove(list []login, want []wanted[user.Imported]) error {
	if b.DryRun || !b.again {
		return nil
	}
	var unproven []int64
	for i, l := range list {
		if !l.verified.IsZero() && !l.address.IsZero() && !want[i].fresh {
			unproven = append(unproven, want[i].placed)
		}
	}
	numbers, err := db.In[int64](b.tx, "SELECT id FROM users WHERE verified_at IS NULL AND status = 'active' AND id", unproven)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		for i, l := range list {
			if want[i].placed != number {
				continue
			}
			if _, err := db.Exec(b.tx, "UPDATE users SET verified_at = $2 WHERE id = $1 AND address = $3", number, l.verified, l.address); err != nil {
				return err
			}
			b.log(record{Event: "user.updated", Object: "user", ObjectID: number, Subject: id.User(number), After: map[string]string{"address": "confirmed"}})
		}
	}
	return nil
}

// follow writes down whose login the others with her address share.
func (b *batch) follow(kind string, list []login, fates map[key]fate, were map[int64]known) error {
	for _, l := range list {
		f, was := fates[l.key], were[l.key.id]
		target, err := f.user, error(nil)
		if target == 0 {
			target, err = b.leadOf(l.key, fates)
		}
		if err != nil {
			return err
		}
		f.user = target
		fates[l.key] = f
		if was.TargetID != target {
			b.special[l.key] = f
		}
		b.countJoined(was)
		if was.TargetID != target {
			if err := b.retireLater(was); err != nil {
				return err
			}
		}
		if was.Mark == joined && was.TargetID == target {
			continue
		}
		if err := b.remember(known{Kind: kind, SourceID: l.key.id, TargetID: target, Mark: joined}); err != nil {
			return err
		}
	}
	return nil
}

// retireLater has the sweep delete a login that has no more of its own there.
func (b *batch) retireLater(was known) error {
	if was.Mark != own && was.Mark != standIn {
		return nil
	}
	return b.remember(known{Kind: retired, SourceID: was.TargetID, TargetID: was.TargetID, Written: was.Written, Credentials: was.Credentials})
}

// loseLogin takes the login from somebody who has none there any more.
func (b *batch) loseLogin(was known) error {
	if was.Kind == "" {
		return nil
	}
	b.count("Logins", Counted{Gone: 1})
	return errors.Join(b.retireLater(was), b.forget(was.Kind, was.SourceID))
}

// leadOf is the number here of the login that several share.
func (b *batch) leadOf(k key, fates map[key]fate) (int64, error) {
	lead := b.survey.lead(k)
	if f, ok := fates[lead]; ok {
		return f.user, nil
	}
	if f, ok := b.run.fates[lead]; ok {
		return f.user, nil
	}
	there, err := b.known(b.tx, lead.kind, []int64{lead.id})
	return there[lead.id].TargetID, err
}

func (b *batch) countJoined(was known) {
	switch was.Mark {
	case joined:
		b.count("Logins", Counted{Same: 1})
	case own, standIn:
		b.count("Logins", Counted{Changed: 1})
	default:
		b.count("Logins", Counted{New: 1})
	}
}
