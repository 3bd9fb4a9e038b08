package auth

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele/internal/db"
	"clientele/internal/id"
)

// A Way is how somebody proved who she is.
type Way string

// The ways that every installation has. Providers add one each.
const (
	ByPassword Way = "password"
	ByPasskey  Way = "passkey"
)

// ByProvider is the way through a provider.
func ByProvider(p id.Provider) Way { return Way("provider:" + id.String(p)) }

// A Shown is what a person has shown to prove who she is: in one step, or in
// a whole session.
type Shown struct {
	Ways   []Way
	Second bool // a second factor was among it
	Stale  bool // it is no fresh proof: a provider did not say that it has just seen her
}

// Ways are kept as text, separated by commas.
func joinWays(ways []Way) string {
	var out []string
	for _, w := range ways {
		if !slices.Contains(out, string(w)) {
			out = append(out, string(w))
		}
	}
	return strings.Join(out, ",")
}

// ParseWays reads ways that are kept as text.
func ParseWays(s string) (ways []Way) {
	for _, w := range strings.Split(s, ",") {
		if w != "" {
			ways = append(ways, Way(w))
		}
	}
	return ways
}

// A Proof is what the session of a request has shown so far, and when.
// Accounts hold it against what they ask for.
type Proof struct {
	Ways     []Way
	Times    map[Way]time.Time  // when each of them was shown last
	SecondAt db.Null[time.Time] // when a second factor was shown in this session
	At       time.Time          // when she last proved who she is
}

// Newest is when one of the ways that are allowed was shown last.
func (p Proof) Newest(allowed func(Way) bool) (newest time.Time) {
	for _, w := range p.Ways {
		at, ok := p.Times[w]
		if !ok {
			at = p.At
		}
		if allowed(w) && at.After(newest) {
			newest = at
		}
	}
	return newest
}

// shownAt is when each way was last shown, after some have been shown now.
func (p Proof) shownAt(s Shown, now time.Time) string {
	times := map[Way]time.Time{}
	maps.Copy(times, p.Times)
	for _, w := range s.Ways {
		times[w] = now
	}
	var out []string
	for _, w := range slices.Sorted(maps.Keys(times)) {
		out = append(out, string(w)+"="+strconv.FormatInt(times[w].Unix(), 10))
	}
	return strings.Join(out, ",")
}

func parseTimes(s string) map[Way]time.Time {
	times := map[Way]time.Time{}
	for _, part := range strings.Split(s, ",") {
		way, seconds, _ := strings.Cut(part, "=")
		if at, err := strconv.ParseInt(seconds, 10, 64); err == nil {
			times[Way(way)] = time.Unix(at, 0).UTC()
		}
	}
	return times
}
