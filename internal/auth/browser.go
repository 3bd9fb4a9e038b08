package auth

import (
	"strings"

	"clientele/internal/locale"
)

// Browser names the browser and the system behind a user agent, as far as
// people know them: "Firefox on Windows". It is a help to recognise a
// session, and proof of nothing.
func Browser(agent string) string { return browser(agent).In(locale.Words{}) }

// browser is Browser for mail.
func browser(agent string) locale.Text {
	name, system := first(agent, browsers), first(agent, systems)
	switch {
	case name == "" && system == "":
		return locale.T("Unknown browser")
	case system == "":
		return locale.AsIs(name)
	case name == "":
		return locale.T("A browser on {system}", "system", system)
	}
	return locale.T("{browser} on {system}", "browser", name, "system", system)
}

// The marks are tried in order: most browsers claim to be others as well.
var (
	browsers = [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}}
	systems  = [][2]string{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"}}
)

func first(agent string, marks [][2]string) string {
	for _, m := range marks {
		if strings.Contains(agent, m[0]) {
			return m[1]
		}
	}
	return ""
}
