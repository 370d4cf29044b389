// Package greet greets.
package greet

// Hello says it.
func Hello(who string) string { return "hello " + who + "\n" }
