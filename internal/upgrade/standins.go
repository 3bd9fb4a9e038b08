package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/user"
)

// What the report says of an account whose owners there cannot own it here.
const noOwnerHere = "is owned there by nobody who can own it here, since those logins were deleted here: a stand-in owns the account. Invite its owner under Users, and make them the owner when they have joined"

// An ownerless account is an open one that nobody owns.
type ownerless struct {
	SourceID int64
	TargetID int64
	Closed   bool
}

// standInForNobody gives an owner to each account that would have none: whoever
// owns it there has deleted her login here, and stays gone.
func (r *run) standInForNobody(ctx context.Context) error {
	return r.step(ctx, func(b *batch) error {
		list, err := b.orphans()
		if err != nil {
			return err
		}
		for _, o := range list {
			b.count("Logins", Counted{New: 1})
			b.count("Access", Counted{New: 1})
			b.say(NeedsPerson, "tblclients", o.SourceID, noOwnerHere, fmt.Sprintf("client %d", o.SourceID))
			if b.DryRun {
				continue
			}
			if err := b.standIn(o); err != nil {
				return err
			}
		}
		return nil
	})
}

// orphans finds the accounts that nobody owns, or would own.
func (b *batch) orphans() ([]ownerless, error) {
	list, err := db.All[ownerless](b.tx, `
		SELECT r.source_id, r.target_id, a.status = 'closed' AS closed FROM import_rows r JOIN accounts a ON a.id = r.target_id
		WHERE r.import_id = $1 AND r.kind = $2 AND NOT EXISTS (
			SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id
			WHERE m.account_id = a.id AND m.owner AND m.status = 'active' AND (u.status = 'active' OR u.suspended_at IS NOT NULL))`, b.run.number, clients)
	list = slices.DeleteFunc(list, func(o ownerless) bool {
		a := id.Account(o.TargetID)
		return b.closed(a, o.Closed) || b.DryRun && len(b.run.gained[a]) > 0
	})
	for client := range b.run.opened.each() { // of a dry run: none is here
		if !b.run.owning.has(client) {
			list = append(list, ownerless{SourceID: client})
		}
	}
	slices.SortFunc(list, func(a, b ownerless) int { return cmp.Compare(a.SourceID, b.SourceID) })
	return list, err
}

// standIn makes a stand-in the owner of an account.
func (b *batch) standIn(o ownerless) error {
	address := user.StandIn("owner-"+fmt.Sprint(o.SourceID), b.Name)
	found, err := db.All[id.User](b.tx, "SELECT id FROM users WHERE address = $1 AND status <> 'deleted'", address)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		numbers, err := db.Reserve(b.tx, "users", 1)
		if err != nil {
			return err
		}
		row := user.Imported{
			ID: id.User(numbers[0]), Address: address, Name: fmt.Sprint("Owner of client ", o.SourceID), Language: locale.Default,
			ImportID: db.Some(b.run.number), CreatedAt: b.tx.Now,
		}.Searchable()
		if err := (db.Table[user.Imported]{Name: "users"}).Insert(b.tx, []user.Imported{row}); err != nil {
			return err
		}
		b.log(row.Record())
		found = append(found, row.ID)
	}
	return b.makeOwner(id.Account(o.TargetID), found[0])
}

func (b *batch) makeOwner(a id.Account, u id.User) error {
	numbers, err := db.Reserve(b.tx, "memberships", 1)
	if err != nil {
		return err
	}
	row := access.Imported{
		ID: id.Membership(numbers[0]), AccountID: a, UserID: u, Owner: true, Role: "full", Status: "active",
		StartsAt: b.tx.Now, SeenAt: b.tx.Now, CreatedAt: b.tx.Now,
	}
	b.log(row.Joined())
	return b.by().Memberships().Insert(b.tx, []access.Imported{row})
}
