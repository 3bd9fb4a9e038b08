package ui

import (
	"testing"
	"time"
)

func TestRelative(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, 3, 14, 10, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		d    time.Duration // from now on; negative is in the past
		want string
	}{
		{0, "just now"},
		{-44 * time.Second, "just now"},
		{44 * time.Second, "just now"},
		{-45 * time.Second, "1 minute ago"},
		{-59 * time.Second, "1 minute ago"},
		{-2 * time.Minute, "2 minutes ago"},
		{-59*time.Minute - 29*time.Second, "59 minutes ago"},
		{-59*time.Minute - 40*time.Second, "1 hour ago"},
		{-61 * time.Minute, "1 hour ago"},
		{90 * time.Minute, "in 2 hours"},
		{-23 * time.Hour, "23 hours ago"},
		{-day, "1 day ago"},
		{-3 * day, "3 days ago"},
		{7 * day, "in 7 days"},
		{7*day - time.Second, "in 7 days"},
		{30 * day, "in 30 days"},
		{-59 * day, "59 days ago"},
		{-60 * day, "2 months ago"},
		{-365 * day, "12 months ago"},
		{-730 * day, "2 years ago"},
		{10 * 365 * day, "in 10 years"},
	} {
		if got := Relative(now.Add(tt.d), now); got != tt.want {
			t.Errorf("Relative(now%+v) = %q, want %q", tt.d, got, tt.want)
		}
	}
}
