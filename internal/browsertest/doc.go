// Package browsertest lives the product's story in a real browser. It holds
// only tests: Chromium opens the pages over a real socket, on both databases
// and with real mail, and people click and type what the page shows them. They
// find a button by its words and a field by its label, as people do, so that a
// page that only a program could use fails here.
package browsertest
