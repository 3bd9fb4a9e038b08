package audit

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"clientele/internal/db"
	"clientele/internal/fault"
)

// batchSize is how many records are read, or put into the chain, at a time.
const batchSize = 1000

// A stored record is one as the table has it.
type stored struct {
	ID int64
	row
}

// storedColumns are the columns of stored.
const storedColumns = `id, lane, seq, previous, hash, at, event, outcome, actor_kind, actor_id, via, via_id, behalf_id, account_id,
	object_kind, object_id, subject_id, before, after, request, network`

// ChainFormer puts the records from before there was a chain into a lane of
// their own, once, after the database was migrated. Where several nodes start
// at once, they take turns.
func ChainFormer(ctx context.Context, d *db.DB) (err error) {
	defer fault.Wrap(&err, "audit.ChainFormer")
	var through int64
	err = d.Read(ctx, db.Wide, func(tx *db.Tx) error {
		through, err = db.One[int64](tx, "SELECT through FROM audit_heads WHERE lane = 0")
		return err
	})
	for after := int64(0); err == nil && through > 0; {
		err = d.Write(ctx, db.Wide, func(tx *db.Tx) error {
			through, after, err = chainBatch(tx, after)
			return err
		})
	}
	return err
}

// chainBatch chains the next records. It answers 0 once all are in the chain.
func chainBatch(tx *db.Tx, after int64) (through, last int64, err error) {
	type lane struct {
		head
		Through int64
	}
	end, err := db.One[lane](tx, "UPDATE audit_heads SET seq = seq WHERE lane = 0 RETURNING lane, seq, hash, through")
	if err != nil || end.Through == 0 {
		return 0, 0, err
	}
	list, err := db.All[stored](tx, "SELECT "+storedColumns+" FROM audit_records WHERE id > $1 AND id <= $2 AND hash = '' ORDER BY id LIMIT $3", after, end.Through, batchSize)
	if err != nil {
		return 0, 0, err
	}
	if len(list) == 0 {
		_, err = db.Exec(tx, "UPDATE audit_heads SET through = 0 WHERE lane = 0")
		return 0, 0, err
	}
	for i := range list {
		list[i].row = list[i].follow(end.head)
		end.Seq, end.Hash = list[i].Seq, list[i].Hash
	}
	if err := writeLinks(tx, list); err != nil {
		return 0, 0, err
	}
	_, err = db.Exec(tx, "UPDATE audit_heads SET seq = $1, hash = $2 WHERE lane = 0", end.Seq, end.Hash)
	return end.Through, list[len(list)-1].ID, err
}

// writeLinks writes the places of records that have none yet.
func writeLinks(tx *db.Tx, list []stored) error {
	var places []string
	var args []any
	for i, r := range list {
		n := 4 * i
		places = append(places, fmt.Sprintf("(CAST($%d AS BIGINT), CAST($%d AS BIGINT), $%d, $%d)", n+1, n+2, n+3, n+4))
		args = append(args, r.ID, r.Seq, r.Previous, r.Hash)
	}
	n, err := db.Exec(tx, `UPDATE audit_records SET seq = v.column2, previous = v.column3, hash = v.column4
		FROM (VALUES `+strings.Join(places, ", ")+`) v WHERE audit_records.id = v.column1`, args...)
	if err == nil && n != int64(len(list)) {
		err = fmt.Errorf("%s of %s records were put into the chain", strconv.FormatInt(n, 10), strconv.Itoa(len(list)))
	}
	return err
}
