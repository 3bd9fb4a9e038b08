package ui

import "context"

// A Banner says on every page that an operator looks as somebody else.
type Banner struct {
	Operator, Person, Account string
	Until, Exact              string // when it is over, in short and in full
	Acts                      bool   // changes are made, in the person's name
	MayAct                    bool
	Unknown                   bool // there is one, and nothing more can be said of it now
	ActAction, EndAction      string
	Overview                  string // the staff's page of it
	Here                      string // this page, to come back to
}

type bannerKey struct{}

// WithBanner has every page that is rendered in the context carry the banner.
func WithBanner(ctx context.Context, b Banner) context.Context {
	return context.WithValue(ctx, bannerKey{}, b)
}

func bannerOf(ctx context.Context) (Banner, bool) {
	b, ok := ctx.Value(bannerKey{}).(Banner)
	return b, ok
}

// does is the mode in words.
func (b Banner) does() string {
	if b.Acts {
		return "acting as"
	}
	return "looking as"
}

// means says what the mode allows.
func (b Banner) means() string {
	if b.Acts {
		return "What you change here is changed, and stands in the log under your name."
	}
	return "Nothing can be changed."
}
