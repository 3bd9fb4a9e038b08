package auth

import (
	"slices"
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
	SecondAt db.Null[time.Time] // when a second factor was shown in this session
	At       time.Time          // when she last proved who she is
}
