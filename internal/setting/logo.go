package setting

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/draw"
	"image/png"
	"strconv"
	"strings"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
)

// The bounds of a logo.
const (
	MaxLogo   = 256 << 10 // bytes
	maxWidth  = 1200      // pixels
	maxHeight = 600
)

// ParseLogo reads a PNG and writes it anew, so that what is served is a
// picture and nothing else, whatever stood around it in the file.
func ParseLogo(file []byte) ([]byte, error) {
	bad := func(text string) error { return fault.Field("logo", text) }
	if len(file) == 0 {
		return nil, bad("Choose a file.")
	}
	if len(file) > MaxLogo {
		return nil, bad("This file is too large. Use at most " + strconv.Itoa(MaxLogo>>10) + " kB.")
	}
	size, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, bad("This is no PNG file. Pictures of other kinds are not taken, SVG among them, which can hold programs: save yours as PNG.")
	}
	if size.Width < 1 || size.Height < 1 || size.Width > maxWidth || size.Height > maxHeight {
		return nil, bad("This picture is too large to be read: use at most " + strconv.Itoa(maxWidth) + " by " + strconv.Itoa(maxHeight) + " pixels. It is shown 28 pixels high.")
	}
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, bad("This PNG file is damaged. Save it anew.")
	}
	clean := image.NewNRGBA(image.Rect(0, 0, size.Width, size.Height))
	draw.Draw(clean, clean.Bounds(), picture, picture.Bounds().Min, draw.Src)
	var out bytes.Buffer
	if err := png.Encode(&out, clean); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// SetLogo puts a logo that ParseLogo has read in place of the one before; nil
// takes it away.
func (s *Settings) SetLogo(tx *db.Tx, picture []byte, by audit.Actor) error {
	r, err := read(tx, lockRow)
	if err != nil {
		return err
	}
	had := r.texts["logo"]
	delete(r.texts, "logo")
	if _, err := db.Exec(tx, "DELETE FROM logos"); err != nil {
		return err
	}
	if picture != nil {
		sum := sha256.Sum256(picture)
		r.texts["logo"] = hex.EncodeToString(sum[:16])
		if _, err := db.Exec(tx, "INSERT INTO logos (hash, body) VALUES ($1, $2)", r.texts["logo"], picture); err != nil {
			return err
		}
	}
	if had == r.texts["logo"] {
		return nil
	}
	return r.write(tx, by, "logo", map[string]string{"logo": had}, map[string]string{"logo": r.texts["logo"]})
}

// LogoPath is where the logo is served; empty where there is none.
func (v *Values) LogoPath() string {
	if v.Logo == "" {
		return ""
	}
	return "/brand/" + v.Logo + ".png"
}

// LogoAt reads the logo that is served at a path; where there is none, the
// error is db.ErrNone.
func (s *Settings) LogoAt(ctx context.Context, path string) (picture []byte, err error) {
	hash := strings.TrimSuffix(strings.TrimPrefix(path, "/brand/"), ".png")
	err = s.db.Peek(ctx, db.Nothing, func(tx *db.Tx) error {
		found, err := db.One[struct{ Body []byte }](tx, "SELECT body FROM logos WHERE hash = $1", hash)
		picture = found.Body
		return err
	})
	return picture, err
}
