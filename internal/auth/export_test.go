package auth

// Sweeps are the statements of the sweep.
func Sweeps() (list []string) {
	for _, s := range sweeps {
		list = append(list, s.statement)
	}
	return list
}
