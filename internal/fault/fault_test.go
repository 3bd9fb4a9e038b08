package fault

import (
	"errors"
	"strings"
	"testing"
)

func TestWrapKeepsTheFaultAndTellsTheWay(t *testing.T) {
	f := func() (err error) {
		defer Wrap(&err, "invite.Send(%d)", 7)
		return New(Conflict, "last-owner", "Name another owner first.")
	}
	err := f()
	if !Is(err, Conflict) || !strings.HasPrefix(err.Error(), "invite.Send(7): ") {
		t.Fatalf("got %v", err)
	}
	if Is(errors.New("x"), Conflict) {
		t.Fatal("a plain error is no fault")
	}
}

func TestFormKeepsTheFirstSentenceOfEachField(t *testing.T) {
	var f Form
	if f.Err() != nil {
		t.Fatal("an empty form has no error")
	}
	f.Add("name", "Give a name.")
	f.Add("name", "second")
	f.Take("address", Field("address", "That is no address."))
	e, ok := Of(f.Err())
	if !ok || e.Fields["name"] != "Give a name." || e.Fields["address"] != "That is no address." {
		t.Fatalf("got %v", e)
	}
}
