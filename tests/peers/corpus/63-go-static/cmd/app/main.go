package main

import (
	"os"

	"example.org/app/greet"
)

var version = "none"

func main() {
	os.Stdout.WriteString(greet.Hello(version))
}
