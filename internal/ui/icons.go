package ui

// icons are the insides of 24 by 24 drawings, by name.
var icons = map[string]string{
	"people":   `<circle cx="9" cy="8" r="3.25"/><path d="M3 19.5c.4-3.3 2.8-5.25 6-5.25s5.6 1.95 6 5.25"/><path d="M15.5 5a3.2 3.2 0 0 1 0 6M17.5 14.6c2 .7 3.2 2.4 3.5 4.9"/>`,
	"mail":     `<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="m3.8 7.2 8.2 5.9 8.2-5.9"/>`,
	"settings": `<path d="M4 7h9M19 7h1M4 17h1M11 17h9"/><circle cx="16" cy="7" r="2.75"/><circle cx="8" cy="17" r="2.75"/>`,
	"activity": `<path d="M3 12.5h4l3-8 4.5 15 3-7H21"/>`,
	"contacts": `<rect x="4.5" y="3.5" width="15" height="17" rx="2.5"/><circle cx="12" cy="10" r="2.25"/><path d="M8.25 16.5c.5-1.8 1.9-2.75 3.75-2.75s3.25.95 3.75 2.75"/>`,
	"home":     `<path d="m3.5 11 8.5-7.25L20.5 11"/><path d="M5.75 9.5v10h12.5v-10"/><path d="M10 19.5v-5.25h4v5.25"/>`,
	"lock":     `<rect x="5" y="10.5" width="14" height="9.5" rx="2.25"/><path d="M8.25 10.5V7.75a3.75 3.75 0 0 1 7.5 0v2.75M12 14.5v1.75"/>`,
	"search":   `<circle cx="10.75" cy="10.75" r="6.25"/><path d="m15.5 15.5 5 5"/>`,
	"switch":   `<path d="m8 9.5 4-4 4 4M8 14.5l4 4 4-4"/>`,
	"down":     `<path d="m7 10 5 5 5-5"/>`,
	"plus":     `<path d="M12 5v14M5 12h14"/>`,
	"check":    `<path d="m5 12.75 4.5 4.5L19 7.25"/>`,
	"warn":     `<path d="M12 4 2.75 19.75h18.5zM12 10.25v4"/><path d="M12 17v.01"/>`,
	"info":     `<circle cx="12" cy="12" r="8.75"/><path d="M12 11.25v5M12 8v.01"/>`,
	"out":      `<path d="M10 4.5H6.5a2 2 0 0 0-2 2v11a2 2 0 0 0 2 2H10M15 8l4 4-4 4M19 12H9.5"/>`,
	"shield":   `<path d="M12 3.5 5 6v5.5c0 4.4 2.9 7.5 7 9 4.1-1.5 7-4.6 7-9V6z"/><path d="m9 12 2.25 2.25L15.25 10"/>`,
	"list":     `<path d="M4 6.5h16M4 12h16M4 17.5h16"/>`,
	"bell":     `<path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.75h-15zM10 20.75h4"/>`,
	"close":    `<path d="m6 6 12 12M18 6 6 18"/>`,
	"accounts": `<rect x="4" y="4" width="6.75" height="6.75" rx="1.75"/><rect x="13.25" y="4" width="6.75" height="6.75" rx="1.75"/><rect x="4" y="13.25" width="6.75" height="6.75" rx="1.75"/><rect x="13.25" y="13.25" width="6.75" height="6.75" rx="1.75"/>`,
	"more":     `<path d="M6 12v.01M12 12v.01M18 12v.01"/>`,
	"key":      `<circle cx="8" cy="15.5" r="4.25"/><path d="m11 12.5 8-8M16 7.5l2.75 2.75M13.5 10l1.75 1.75"/>`,
	"note":     `<path d="M5.5 3.75h9l4.5 4.5v12h-13.5zM14 4v4.75h4.75M8.75 13h6.5M8.75 16.5h4"/>`,
	"server":   `<rect x="3.75" y="4.5" width="16.5" height="6.5" rx="1.75"/><rect x="3.75" y="13" width="16.5" height="6.5" rx="1.75"/><path d="M7.5 7.75v.01M7.5 16.25v.01"/>`,
}
