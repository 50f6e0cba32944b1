module mailops.invalid/clients

go 1.23

require (
	github.com/containrrr/shoutrrr v0.8.0
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6
	github.com/emersion/go-smtp v0.24.0
	github.com/jordan-wright/email v4.0.1-0.20210109023952-943e75fe5223+incompatible
	github.com/xhit/go-simple-mail/v2 v2.16.0
	gopkg.in/gomail.v2 v2.0.0-20160411212932-81ebce5c23df
)
