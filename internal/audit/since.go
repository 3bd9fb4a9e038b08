package audit

import (
	"time"

	"clientele/internal/db"
)

// recentRecords bounds how far back Since looks.
const recentRecords = 5000

// Since reads what was done to one object since a moment ago, newest first:
// for whoever was editing it at the same time. It looks through the newest
// records alone. The caller holds the proof.
func Since(tx *db.Tx, object string, number int64, at time.Time) ([]Entry, error) {
	return db.All[Entry](tx, columns+`
		WHERE r.id > (SELECT COALESCE(MAX(id), 0) FROM audit_records) - $1 AND r.object_kind = $2 AND r.object_id = $3 AND r.at >= $4 AND r.outcome = 'done'
		ORDER BY r.id DESC LIMIT 10`, recentRecords, object, number, at)
}
