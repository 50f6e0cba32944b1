# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Sends one message with one of several Ruby libraries, and logs the error as Rails apps do.
# send.rb mail|actionmailer HOST PORT MODE CA_FILE SECONDS USER PASSWORD
library, host, port, mode, ca_file, seconds, user, password = ARGV
require "logger"
logger = Logger.new($stderr)
settings = {address: host, port: port.to_i, open_timeout: seconds.to_f, read_timeout: seconds.to_f, ca_file: ca_file,
            tls: mode == "implicit", enable_starttls_auto: mode == "starttls", openssl_verify_mode: "peer"}
settings.update(user_name: user, password: password, authentication: :plain) unless user.empty?
begin
  if library == "mail"
    require "mail"
    message = Mail.new(from: "a@example.com", to: "b@example.org", subject: "test", body: "test")
    message.delivery_method(:smtp, settings)
    message.deliver!
  else
    require "action_mailer"
    ActionMailer::Base.logger = logger
    ActionMailer::Base.delivery_method = :smtp
    ActionMailer::Base.smtp_settings = settings
    class Notifier < ActionMailer::Base
      def test = mail(from: "a@example.com", to: "b@example.org", subject: "test", body: "test", content_type: "text/plain")
    end
    Notifier.test.deliver_now
  end
rescue StandardError => error
  logger.error("#{error.class}: #{error.message}\n#{error.backtrace.first(6).join("\n")}")
end
