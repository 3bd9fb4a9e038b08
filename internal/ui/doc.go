// Package ui holds what all pages share: the frame, the components, the style
// sheet, the icons and the two scripts.
//
// Components are templ functions with typed arguments; all text is escaped.
// Everything works with scripts off: htmx and app.js only save a step. No
// component writes an inline style or script, because the content security
// policy forbids both; what a page needs beyond the components, it says with
// one of these classes:
//
//	stack, stack-s, stack-l   children below one another, with even gaps
//	row, row-end, row-between children beside one another, wrapping
//	grid                      equal columns that fold on narrow screens
//	form-narrow               a form no wider than reads well
//	muted, small, strong      quieter, smaller, heavier text
//	mono, num, nowrap         codes, figures that line up, no line breaks
//	truncate                  one line, cut off with an ellipsis
//	visually-hidden           for screen readers only
//	wide-only, narrow-only    shown on wide or on narrow screens only
//
// A brand is the twelve custom properties at the top of css/tokens.css.
package ui
