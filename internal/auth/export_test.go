package auth

// Fill takes every place in the hasher's line, as a flood of sign-ins does:
// whoever wants to hash or verify a password is asked to come again.
func (h *Hasher) Fill() (empty func()) {
	for range cap(h.waiting) {
		h.waiting <- struct{}{}
	}
	return func() {
		for range cap(h.waiting) {
			<-h.waiting
		}
	}
}

// Dummy is the hash that stands in for a missing one.
func (h *Hasher) Dummy() string { return h.dummy }

// Common lists the passwords that everybody guesses first.
func Common() (list []string) {
	for word := range common {
		list = append(list, word)
	}
	return list
}
