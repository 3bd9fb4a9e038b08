package browsertest

import (
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"
)

// TestOpeningAnInvitationChangesNothing (T-006) opens the mailed link as a mail
// scanner does, in a whole browser, signed in and not, without a click.
func TestOpeningAnInvitationChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner, guest := s.Person("Nora Baker", nora), s.Person("Dana Field", dana)
		bakery := s.Account(owner, "Harbour Bakery")
		s.as(owner).open("/a/"+id.String(bakery)+"/people/invitations/new").write("Mail address", dana).tick("Technical").press("Send the invitation")
		link := s.Mail.Next(t, dana, "invites you").Link(t)
		before := s.state()
		signedIn := s.as(guest)
		for _, b := range []*tab{s.visitor(), s.visitor().withoutScripts(), signedIn, signedIn} {
			b.open(link).is(200).at("/invitation").sees("Join Harbour Bakery")
		}
		if after := s.state(); after != before {
			t.Errorf("opening the link changes %v to %v", before, after)
		}
		signedIn.press("Join Harbour Bakery").sees("You are in")
		if !s.Member(bakery, guest) {
			t.Error("after the scanner she cannot join")
		}
	})
}

// state is what an invitation can change.
func (s *site) state() (counts [5]int64) {
	s.t.Helper()
	for i, rows := range []string{"users", "sessions", "memberships", "invitations WHERE state = 'pending'", "audit_records"} {
		counts[i] = s.Count(rows)
	}
	return counts
}

// TestOpeningASignUpLinkMakesNoUser opens the other mailed links.
func TestOpeningASignUpLinkMakesNoUser(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		b := s.visitor().open("/signup").write("Your name", "Dana Field").write("Mail address", dana).write("Password", apptest.Password)
		b.tick("Only a login").press("Sign up").sees("Look into your mail")
		link := s.Mail.Next(t, dana, "Confirm your address").Link(t)
		before := s.state()
		s.visitor().open(link).sees("Confirm your address")
		b.open(link).sees("Confirm your address")
		if after := s.state(); after != before {
			t.Errorf("opening the link changes %v to %v", before, after)
		}
		b.press("Yes, this is my address").at("/me/accounts")

		nora := s.Person("Nora Baker", nora)
		b = s.visitor().open("/signin").press("Forgot your password?").write("Mail address", nora.Address).press("Mail me a link").sees("Look into your mail")
		link = s.Mail.Next(t, nora.Address, "password").Link(t)
		before = s.state()
		s.visitor().open(link).sees("Set a new password")
		b.open(link).sees("Set a new password")
		if after := s.state(); after != before {
			t.Errorf("opening the link changes %v to %v", before, after)
		}
		b.write("New password", "a very new one").press("Set the password").sees("Your new password is set")
	})
}
