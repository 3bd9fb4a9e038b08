package whmcs

import (
	"slices"
	"strings"

	"clientele/internal/access"
)

// mostUnknown is how many unknown keys of one list are told of.
const mostUnknown = 20

// Permissions reads WHMCS's list of permission keys, with commas between them.
// Each key grants all that access.FromWHMCS says and nothing else, also where
// a permission is of no use without another. Keys that are unknown grant
// nothing and are answered, each once.
func Permissions(list string) (granted access.Set, unknown []string) {
	for key := range strings.SplitSeq(list, ",") {
		key = strings.TrimSpace(key)
		set := access.FromWHMCS(key)
		granted |= set
		if set == 0 && key != "" && len(unknown) < mostUnknown && !slices.Contains(unknown, key) {
			unknown = append(unknown, key)
		}
	}
	return granted, unknown
}
