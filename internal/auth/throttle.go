package auth

import (
	"net/netip"
	"time"

	"clientele/internal/db"
)

// A Limit is how often something may happen within a window of time. The
// counters stand in the database, so that all nodes count together.
type Limit struct {
	Hits    int64
	Per     time.Duration
	Rolling bool // every hit begins the window anew: never more hits in any time that is as long
}

// Take counts one hit against the limit for the given key, and tells how long
// to wait where the limit has been reached.
func (l Limit) Take(tx *db.Tx, key string) (wait time.Duration, err error) {
	type counter struct {
		Hits   int64
		EndsAt time.Time
	}
	c, err := db.One[counter](tx, `
		INSERT INTO throttles (name, began_at, ends_at, hits) VALUES ($1, $2, $3, 1)
		ON CONFLICT (name) DO UPDATE SET
			hits = CASE WHEN throttles.ends_at <= $2 THEN 1 ELSE throttles.hits + 1 END,
			began_at = CASE WHEN throttles.ends_at <= $2 THEN $2 ELSE throttles.began_at END,
			ends_at = CASE WHEN throttles.ends_at <= $2 OR ($4 AND throttles.hits < $5) THEN $3 ELSE throttles.ends_at END
		RETURNING hits, ends_at`, HashToken(key), tx.Now, tx.Now.Add(l.Per), l.Rolling, l.Hits)
	if err != nil || c.Hits <= l.Hits {
		return 0, err
	}
	return c.EndsAt.Sub(tx.Now), nil
}

// Forgive takes one hit back, for an attempt that turned out well.
func (l Limit) Forgive(tx *db.Tx, key string) error {
	_, err := db.Exec(tx, "UPDATE throttles SET hits = hits - 1 WHERE name = $1 AND hits > 0", HashToken(key))
	return err
}

// Network is the part of an address that one subscriber holds: the whole of
// an IPv4 address, the first 64 bits of an IPv6 one.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64)
	return p.String()
}
