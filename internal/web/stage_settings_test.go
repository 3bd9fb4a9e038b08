package web_test

import (
	"bytes"
	"image"
	"image/png"

	"clientele/internal/apptest"
)

// logo is a picture as small as can be.
var logo = func() string {
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewNRGBA(image.Rect(0, 0, 2, 2))); err != nil {
		panic(err)
	}
	return out.String()
}()

// askForTerms has everybody asked to accept the terms.
func askForTerms(s *stage, _ *apptest.Browser) {
	s.Exec("INSERT INTO terms (version, body, link, published_at) VALUES (1, 'Be kind.', '', $1)", s.Clock.Now())
	s.Exec("UPDATE users SET terms_version = 1 WHERE id <> $1", s.owner.User)
	s.Exec("UPDATE settings SET version = version + 1")
}

// forgetTerms takes away terms that a use before has published: they would
// stand before everything else.
func (s *stage) forgetTerms() {
	if s.Count("terms") > 0 {
		s.Exec("DELETE FROM terms")
		s.Exec("UPDATE settings SET version = version + 1")
	}
}
