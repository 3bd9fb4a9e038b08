package setting

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestSpansAreReadAsTheyAreWritten writes every whole number of minutes up to a
// year and reads it again.
func TestSpansAreReadAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.IntRange(1, 365*24*60).Draw(t, "minutes")) * time.Minute
		if d >= 100_000*time.Minute && d%time.Hour != 0 {
			t.Skip()
		}
		got, err := ParseSpan(Span(d))
		if err != nil || got != d {
			t.Fatalf("%v is written %q and read %v, %v", d, Span(d), got, err)
		}
	})
	for _, bad := range []string{"", "7", "days", "-1 day", "0 days", "1.5 hours", "7 weeks", "999999999999 days", "1 day 2 hours", "١ day"} {
		if d, err := ParseSpan(bad); err == nil {
			t.Errorf("%q is read as %v", bad, d)
		}
	}
}

// TestEveryTimeKeepsItsBounds types times into each field that takes one:
// within its bounds it is taken, and beyond them refused.
func TestEveryTimeKeepsItsBounds(t *testing.T) {
	bounds := map[string][2]time.Duration{
		"invitation_life": {time.Hour, 30 * 24 * time.Hour},
		"session_idle":    {15 * time.Minute, 30 * 24 * time.Hour},
		"session_life":    {time.Hour, 90 * 24 * time.Hour},
		"staff_idle":      {5 * time.Minute, 30 * time.Minute},
		"staff_life":      {time.Hour, 12 * time.Hour},
	}
	for _, f := range fields {
		b, ok := bounds[f.Key]
		if !ok {
			continue
		}
		rapid.Check(t, func(t *rapid.T) {
			d := time.Duration(rapid.IntRange(1, 99_999).Draw(t, "minutes")) * time.Minute
			if d > 4*b[1] {
				d = b[1] + d%b[1]
			}
			text, err := f.read(&Values{}, Span(d))
			if within := d >= b[0] && d <= b[1]; within != (err == nil) || within && text != Span(d) {
				t.Fatalf("%s: %s: %q, %v", f.Key, Span(d), text, err)
			}
		})
		delete(bounds, f.Key)
	}
	if len(bounds) > 0 {
		t.Errorf("no such fields: %v", bounds)
	}
}

// TestEveryAccentCanBeRead derives both schemes from any colour and measures
// what WCAG asks for at level AA.
func TestEveryAccentCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Colour{true, rapid.Uint8().Draw(t, "r"), rapid.Uint8().Draw(t, "g"), rapid.Uint8().Draw(t, "b")}
		for name, x := range map[string]struct {
			Scheme
			surface, ground Colour
		}{"light": {c.Light(), white, lightGround}, "dark": {c.Dark(), darkSurface, darkGround}} {
			for what, pair := range map[string]struct {
				a, b Colour
				want float64
			}{
				"a button's words": {x.OnFill, x.Fill, textContrast}, "a button's words, pointed at": {x.OnFill, x.Hover, textContrast},
				"a button": {x.Fill, x.surface, partContrast}, "a link": {x.Link, x.surface, textContrast}, "a link on the ground": {x.Link, x.ground, textContrast},
			} {
				if got := Contrast(pair.a, pair.b); got < pair.want {
					t.Fatalf("%v, %s, %s: %v on %v is %.2f", c, name, what, pair.a, pair.b, got)
				}
			}
		}
	})
}

func FuzzColour(f *testing.F) {
	for _, s := range []string{"", "#0b6e4f", "#FFF", "0b6e4f", "#12345g", "#", "rgb(1,2,3)", "#ffffff;}body{display:none", "#é12"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseColour(s)
		if err != nil || c.IsZero() {
			return
		}
		again, err := ParseColour(c.String())
		if err != nil || again != c {
			t.Fatalf("%q is %v, and that is read %v, %v", s, c, again, err)
		}
		sheet, ok := StyleAt(c.StylePath())
		if !ok || sheet != c.StyleSheet() || strings.Count(sheet, "{") != 1 {
			t.Fatalf("%q: %q", s, sheet)
		}
	})
}

func picture(t testing.TB, w, h int) []byte {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	m.Set(0, 0, color.NRGBA{200, 10, 10, 255})
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestALogoIsAPictureAndNothingElse hides things behind and around a picture.
func TestALogoIsAPictureAndNothingElse(t *testing.T) {
	good := picture(t, 40, 20)
	hidden := append(bytes.Clone(good), "<script>alert(1)</script>"...)
	clean, err := ParseLogo(hidden)
	if err != nil || bytes.Contains(clean, []byte("script")) {
		t.Errorf("what stood behind it is kept: %v", err)
	}
	for what, file := range map[string][]byte{
		"nothing": nil, "SVG": []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "a GIF": []byte("GIF89a"),
		"half a picture": good[:len(good)-20], "too wide": picture(t, maxWidth+1, 1), "too high": picture(t, 1, maxHeight+1), "too large": make([]byte, MaxLogo+1),
	} {
		if _, err := ParseLogo(file); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func FuzzLogo(f *testing.F) {
	f.Add(picture(f, 3, 2))
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Add([]byte("<svg/>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		clean, err := ParseLogo(file)
		if err != nil {
			return
		}
		if _, err := png.Decode(bytes.NewReader(clean)); err != nil {
			t.Fatal(err)
		}
		if again, err := ParseLogo(clean); err != nil && len(clean) <= MaxLogo || err == nil && !bytes.Equal(again, clean) {
			t.Fatalf("a clean logo is not: %v", err)
		}
	})
}

// TestTermsShowTextAndNothingThatRuns shows what somebody may write into terms.
func TestTermsShowTextAndNothingThatRuns(t *testing.T) {
	got, err := Terms{Body: "# Terms\n\nBe *kind*. <script>alert(1)</script> <img src=https://evil.example/x onerror=alert(1)> [a](javascript:alert(1)) [b](https://b.example)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"}.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"script", "img", "evil.example", "javascript"} {
		if strings.Contains(got, bad) {
			t.Errorf("%s is in %s", bad, got)
		}
	}
	for _, want := range []string{"<h1>Terms</h1>", "<em>kind</em>", `href="https://b.example"`, "<td>1</td>"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in %s", want, got)
		}
	}
}
