package whmcs

import (
	"strings"

	"clientele/internal/access"
)

// Permissions reads WHMCS's list of permission keys, with commas between them.
// Each key grants all that access.FromWHMCS says and nothing else, also where
// a permission is of no use without another. Keys that are unknown grant
// nothing and are answered, each once.
func Permissions(list string) (granted access.Set, unknown []string) {
	told := map[string]bool{}
	for key := range strings.SplitSeq(list, ",") {
		key = strings.TrimSpace(key)
		set := access.FromWHMCS(key)
		granted |= set
		if set == 0 && key != "" && !told[key] {
			told[key] = true
			unknown = append(unknown, key)
		}
	}
	return granted, unknown
}
