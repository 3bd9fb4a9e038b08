package id

import "testing"

func TestParseHasOneSpellingForEachNumber(t *testing.T) {
	for in, want := range map[string]Account{"1": 1, "42": 42, "999999999999999999": 999999999999999999} {
		got, err := Parse[Account](in)
		if err != nil || got != want || String(got) != in {
			t.Errorf("Parse(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "0", "01", "+1", "-1", " 1", "1 ", "1.0", "1e3", "0x1", "１", "1000000000000000000", "abc"} {
		if got, err := Parse[Account](in); err == nil {
			t.Errorf("Parse(%q) = %d, want an error", in, got)
		}
	}
}
