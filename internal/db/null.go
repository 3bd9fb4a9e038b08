package db

import (
	"database/sql"
	"reflect"
	"time"
)

var (
	timeType    = reflect.TypeFor[time.Time]()
	scannerType = reflect.TypeFor[sql.Scanner]()
)

// A Null is a column that may be empty.
type Null[T any] = sql.Null[T]

// Some is a column that is not empty.
func Some[T any](v T) Null[T] { return Null[T]{V: v, Valid: true} }

// SomeUnlessZero is empty where v is its type's zero value.
func SomeUnlessZero[T comparable](v T) Null[T] {
	var zero T
	return Null[T]{V: v, Valid: v != zero}
}
