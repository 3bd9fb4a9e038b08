package audit

import (
	"clientele/internal/db"
	"clientele/internal/seal"
)

// Rechain writes the places of all records anew, each as it follows from the
// one before: what somebody does who has the database, and knows how the
// chain is made.
func Rechain(tx *db.Tx) error {
	list, err := db.All[stored](tx, "SELECT "+storedColumns+" FROM audit_records WHERE hash <> '' ORDER BY id")
	if err != nil {
		return err
	}
	heads := map[int64]head{}
	for n := range int64(lanes + 1) {
		heads[n] = head{Lane: n}
	}
	for i := range list {
		list[i].row = list[i].follow(heads[list[i].Lane])
		heads[list[i].Lane] = head{list[i].Lane, list[i].Seq, list[i].Hash}
	}
	for _, r := range list {
		if err := writeLinks(tx, []stored{r}); err != nil {
			return err
		}
	}
	for _, h := range heads {
		if _, err := db.Exec(tx, "UPDATE audit_heads SET seq = $2, hash = $3 WHERE lane = $1", h.Lane, h.Seq, h.Hash); err != nil {
			return err
		}
	}
	return nil
}

// SignWith signs where the log ends with another installation's key.
func SignWith(tx *db.Tx, key seal.Key) error {
	_, err := (&Log{key: key}).sign(tx)
	return err
}
