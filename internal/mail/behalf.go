package mail

import (
	"context"

	"clientele/internal/locale"
	"clientele/internal/plain"
)

type behalfKey struct{}

// OnBehalf marks what is done in a context as done by an operator in somebody
// else's name. Every message that follows from it says so at its end.
func OnBehalf(ctx context.Context, operator, brand, person string) context.Context {
	return context.WithValue(ctx, behalfKey{}, locale.T("{operator} of {brand} did this on behalf of {person}.", "operator", plain.Defang(operator), "brand", brand, "person", plain.Defang(person)))
}

// signed is the message with the name of the operator who caused it, where
// that was in somebody else's name.
func (m Message) signed(ctx context.Context) Message {
	if by, ok := ctx.Value(behalfKey{}).(locale.Text); ok {
		m.Closing = append(m.Closing[:len(m.Closing):len(m.Closing)], by)
	}
	return m
}
