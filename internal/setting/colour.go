package setting

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"clientele/internal/fault"
)

// A Colour is an accent that somebody has chosen; zero is none.
type Colour struct {
	set     bool
	r, g, b uint8
}

// ParseColour reads #rrggbb or #rgb; empty is none.
func ParseColour(typed string) (Colour, error) {
	hexed, hash := strings.CutPrefix(strings.ToLower(strings.TrimSpace(typed)), "#")
	if hexed == "" && !hash {
		return Colour{}, nil
	}
	if len(hexed) == 3 {
		hexed = string([]byte{hexed[0], hexed[0], hexed[1], hexed[1], hexed[2], hexed[2]})
	}
	n, err := strconv.ParseUint(hexed, 16, 32)
	if err != nil || len(hexed) != 6 {
		return Colour{}, fault.New(fault.Invalid, "colour", "Write a colour as six digits from 0 to f, like #0b6e4f.")
	}
	return Colour{set: true, r: uint8(n >> 16), g: uint8(n >> 8), b: uint8(n)}, nil
}

// IsZero reports whether none was chosen.
func (c Colour) IsZero() bool { return !c.set }

// String is the colour as ParseColour reads it.
func (c Colour) String() string {
	if !c.set {
		return ""
	}
	return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b)
}

// The grounds that the accent must be told from, as css/tokens.css has them:
// for each scheme the surface, and the ground nearest to the text's side.
var (
	white, black = Colour{true, 255, 255, 255}, Colour{true, 0, 0, 0}
	lightGround  = Colour{true, 0xf0, 0xf1, 0xf4} // --sunken, the darkest of the light ones
	darkSurface  = Colour{true, 0x16, 0x18, 0x1f} // --surface
	darkGround   = Colour{true, 0x20, 0x23, 0x2b} // --sunken, the lightest of the dark ones
)

// What WCAG 2 asks for at level AA: of text, and of the parts of a control.
const (
	textContrast = 4.5
	partContrast = 3.0
)

// A Scheme is an accent as one of the two schemes uses it.
type Scheme struct {
	Fill   Colour // of buttons
	OnFill Colour // what is written on it
	Hover  Colour // of a button that is pointed at
	Link   Colour
}

// Light is the accent on light pages: as chosen, or darker where it could not
// be seen.
func (c Colour) Light() Scheme { return c.scheme(white, lightGround, black, 0.08) }

// Dark is the accent on dark pages: as chosen, or lighter.
func (c Colour) Dark() Scheme { return c.scheme(darkSurface, darkGround, white, 0.24) }

func (c Colour) scheme(surface, ground, towards Colour, soft float64) (s Scheme) {
	s.Fill = c.until(towards, func(x Colour) bool { return Contrast(x, surface) >= partContrast })
	away := black
	if s.OnFill = white; Contrast(s.Fill, white) < textContrast {
		s.OnFill, away = black, white
	}
	s.Hover = s.Fill.mix(away, 0.12)
	// Links also stand on what is marked, which has a little of the accent.
	marked := surface.mix(s.Fill, soft)
	s.Link = s.Fill.until(towards, func(x Colour) bool {
		return Contrast(x, ground) >= textContrast && Contrast(x, surface) >= textContrast && Contrast(x, marked) >= textContrast
	})
	return s
}

// until goes towards another colour in small steps, as far as it must.
func (c Colour) until(towards Colour, enough func(Colour) bool) Colour {
	const steps = 64
	for n := range steps {
		if x := c.mix(towards, float64(n)/steps); enough(x) {
			return x
		}
	}
	return towards
}

// mix is the colour with a part of another one in it, mixed as light is.
func (c Colour) mix(other Colour, part float64) Colour {
	one := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-part) + float64(b)*part)) }
	return Colour{true, one(c.r, other.r), one(c.g, other.g), one(c.b, other.b)}
}

// Contrast is WCAG's measure of two colours, from 1 to 21.
func Contrast(a, b Colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c Colour) luminance() float64 {
	linear := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// StyleSheet sets the accent over the product's own, on every page.
func (c Colour) StyleSheet() string {
	light, dark := c.Light(), c.Dark()
	both := func(name string, a, b Colour) string {
		return "  --" + name + ": light-dark(" + a.String() + ", " + b.String() + ");\n"
	}
	return ":root {\n" + both("accent", light.Fill, dark.Fill) + both("on-accent", light.OnFill, dark.OnFill) +
		both("accent-hover", light.Hover, dark.Hover) + both("link", light.Link, dark.Link) + "}\n"
}

// StylePath is where the style sheet is served: it changes with what stands
// in it, so that browsers may keep it for ever.
func (c Colour) StylePath() string {
	if c.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte(c.StyleSheet()))
	return "/brand/" + strings.TrimPrefix(c.String(), "#") + "." + hex.EncodeToString(sum[:4]) + ".css"
}

// StyleAt is the style sheet that is served at a path; none where there is no
// such one.
func StyleAt(path string) (sheet string, ok bool) {
	name, _ := strings.CutPrefix(path, "/brand/")
	digits, _, _ := strings.Cut(name, ".")
	c, err := ParseColour("#" + digits)
	if err != nil || c.IsZero() || c.StylePath() != path {
		return "", false
	}
	return c.StyleSheet(), true
}
