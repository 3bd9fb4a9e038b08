package plain_test

import (
	"strings"
	"testing"

	"clientele/internal/plain"
)

func TestURLShowsNoPassword(t *testing.T) {
	for raw, want := range map[string]string{
		"sqlite://./data/clientele.db":               "sqlite://./data/clientele.db",
		"postgres://ann:s3cret@db.example/clientele": "postgres://ann:xxxxx@db.example/clientele",
		"postgres://db/c?user=ann&password=s3cret":   "postgres://db/c?password=xxxxx&user=ann",
		"postgres://db/c?sslpassword=s3cret":         "postgres://db/c?sslpassword=xxxxx",
		"postgres://ann:s3cret%zz@db/c":              "postgres://…",
		"host=db user=ann password=s3cret":           "…",
		"postgres:ann:s3cret@db":                     "…",
		"smtps://ann%40example.com:s3cret@mail:465":  "smtps://ann%40example.com:xxxxx@mail:465",
		"./data/clientele.db":                        "./data/clientele.db",
		"":                                           "",
	} {
		if got := plain.URL(raw); got != want || strings.Contains(got, "s3cret") {
			t.Errorf("%q is shown as %q, want %q", raw, got, want)
		}
	}
}
