package backoffice_test

import (
	"net/http"
	"strconv"
	"testing"

	"clientele/internal/apptest"
)

// TestStaffEndSessionsOfAUser signs somebody out everywhere, from the staff
// area (ASVS 7.4.5): who may help may do it, who may only look may not.
func TestStaffEndSessionsOfAUser(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora, other := w.Person("Nora Baker", "nora@sessions.example"), w.Person("Olga Other", "olga@sessions.example")
		sam, rita := w.Operator("Sam", "sam@staff.example", "support"), w.Operator("Rita", "rita@staff.example", "readonly")
		path := "/staff/users/" + strconv.FormatInt(int64(nora.User), 10)
		rita.PostOnly(path+"/sessions/end", nil).Must(http.StatusForbidden)
		nora.Get("/me").Must(http.StatusOK)
		sam.Post(path+"/sessions/end", nil).Must(http.StatusOK)
		nora.GetOnly("/me").Must(http.StatusUnauthorized)
		other.Get("/me").Must(http.StatusOK)
		if n := w.Count("audit_records WHERE event = 'user.sessions_ended' AND subject_id = $1", nora.User); n != 1 {
			t.Errorf("%d records of it", n)
		}
	})
}
