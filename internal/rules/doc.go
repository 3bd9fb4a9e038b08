// Package rules keeps the house in order. It holds only tests: what a reviewer
// would otherwise have to remember, which package may know which, who may read
// the clock, how long a function may grow, is checked on every run.
//
// Each rule is a function from sources to complaints, so that its own test can
// show it a few lines that break it.
package rules
