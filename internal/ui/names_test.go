package ui

import (
	"math"
	"testing"
)

func TestColourOf(t *testing.T) {
	for number, want := range map[int64]int{0: 0, 1: 1, 11: 11, 12: 0, 1042: 10, -1: 11, math.MinInt64: 4} {
		if got := ColourOf(number); got != want {
			t.Errorf("ColourOf(%d) = %d, want %d", number, got, want)
		}
	}
}

func TestInitials(t *testing.T) {
	for _, tt := range []struct{ name, person, account string }{
		{"Ada Lindqvist", "AL", "AL"},
		{"Tomás de la Cruz", "TC", "TD"},
		{"élodie", "É", "É"},
		{"Kite & Anchor Ltd", "KL", "KA"},
		{"陈 伟", "陈伟", "陈伟"},
		{"3 Little Birds", "3B", "3L"},
		{"…", "?", "?"},
		{"", "?", "?"},
	} {
		if got := initials(tt.name); got != tt.person {
			t.Errorf("initials(%q) = %q, want %q", tt.name, got, tt.person)
		}
		if got := accountInitials(tt.name); got != tt.account {
			t.Errorf("accountInitials(%q) = %q, want %q", tt.name, got, tt.account)
		}
	}
}
