package ui

import (
	"math"
	"strconv"
	"time"
)

// exactly is how a moment is written in full, on hover.
const exactly = "2 January 2006, 15:04 UTC"

// Relative says how far t is from now in words: "3 days ago", "in 7 days",
// "just now". It rounds to the nearest unit, so that something made to end in
// seven days says so, and not six, a moment later.
func Relative(t, now time.Time) string {
	d := t.Sub(now)
	if d.Abs() < 45*time.Second {
		return "just now"
	}
	span := inWords(d.Abs())
	if d < 0 {
		return span + " ago"
	}
	return "in " + span
}

// inWords says how long d is, in its largest fitting unit.
func inWords(d time.Duration) string {
	days := d.Hours() / 24
	steps := []struct {
		n     float64
		below float64
		unit  string
	}{
		{d.Minutes(), 60, "minute"},
		{d.Hours(), 24, "hour"},
		{days, 60, "day"},
		{days / 30.44, 24, "month"},
	}
	for _, s := range steps {
		if n := math.Round(s.n); n < s.below {
			return counted(max(n, 1), s.unit)
		}
	}
	return counted(math.Round(days/365.25), "year")
}

func counted(n float64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(int(n)) + " " + unit + "s"
}
