// Pins Mailpit and, by go.sum, the hash of everything that it is built from. See tools/install-mailpit.
module mailops.smtp/tools/mailpit

go 1.25.0

require github.com/axllent/mailpit v1.21.7
