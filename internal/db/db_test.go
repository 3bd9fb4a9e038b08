package db

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

func open(t *testing.T) *DB {
	d, err := Open(context.Background(), "sqlite://"+filepath.Join(t.TempDir(), "t.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRoundTripSQLite(t *testing.T) {
	d := open(t)
	at := time.Date(2026, 3, 4, 5, 6, 7, 120000*1000, time.UTC)
	err := d.Write(context.Background(), Nothing, func(tx *Tx) error {
		_, err := Exec(tx, "INSERT INTO throttles (name, began_at, ends_at, hits) VALUES ($2, $1, $1, $3)", at, "k", 3)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Name    string
		BeganAt time.Time
		Hits    int64
	}
	d.Read(context.Background(), Nothing, func(tx *Tx) error {
		r, err := One[row](tx, "SELECT name, began_at, hits FROM throttles WHERE began_at <= $1 AND ends_at >= $1", at)
		if err != nil || !r.BeganAt.Equal(at) || r.Name != "k" || r.Hits != 3 {
			t.Errorf("%+v %v", r, err)
		}
		_, err = Exec(tx, "DELETE FROM throttles")
		if err == nil {
			t.Error("a reader wrote")
		}
		return nil
	})
}
